# SPDX-License-Identifier: MIT
"""The binding, as users have it: installed. Run with the models that REDRAFT_SOURCE, the project's folder, holds."""
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Optional

import numpy as np
import pytest
import redraft

SOURCE = Path(os.environ.get("REDRAFT_SOURCE", Path(__file__).resolve().parents[3]))
PROGRAM = os.environ.get("REDRAFT_PROGRAM", SOURCE / "build" / "redraft")
TINI = SOURCE / "models" / "tini"
SMALL = SOURCE / "tests" / "golden" / "models" / "llama-mha"
FRANCE = "What's the capital of France?"


@pytest.fixture(scope="module")
def tini():
    return redraft.load(TINI)


@pytest.fixture(scope="module")
def small():
    return redraft.load(SMALL)


def said(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, check=True).stdout


def test_the_versions_are_one():
    assert redraft.__version__ == redraft.version() == said("--version").split()[1]


def test_readme(tini, capsys):
    code = re.search(r"```python\n(.*?)```", (SOURCE / "bindings/python/README.md").read_text(), re.S).group(1)
    exec(code.replace('"models/tini"', repr(str(TINI))), {})
    *drafts, last = capsys.readouterr().out.splitlines()
    assert last.startswith("The capital of France is Paris") and f"True (" in last and f", {tini.vocab})" in last
    assert drafts[-1].split(" ", 1)[1] == last.split(" True ")[0]


def test_answer_is_the_programs_own(tini):
    answer = tini.generate(FRANCE, seed=5, iterations=16, no_noise=True)
    done = json.loads(said("generate", "-m", TINI, "--seed", 5, "-n", 16, "--no-noise", "--json", FRANCE).rstrip("\n").split("\n")[-1])
    assert answer.text == done["text"] and answer.ids.tolist() == done["ids"]
    assert answer.iterations == done["iterations"] and answer.converged and "Paris" in answer.text
    assert answer.seed == 5 and answer.warning == "" and answer.stopped == "converged"


def test_what_is_not_done_is_said(tmp_path):
    for file in SMALL.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "generation_config.json").write_text('{"repetition_penalty": 1.05}')
    with pytest.warns(UserWarning, match="generation_config.json asks for what is not done here: repetition_penalty"):
        redraft.load(tmp_path)


def test_every_iteration_is_seen(tini):
    events = []
    answer = tini.generate(FRANCE, events.append, seed=1, iterations=8)
    assert [events[0].kind, events[-1].kind] == ["start", "done"]
    drafts = [event for event in events if event.kind == "draft"]
    assert [event.iteration for event in drafts] == list(range(1, answer.iterations + 1))
    assert drafts[-1].text == answer.text == events[-1].text
    assert len(drafts[0].confidence) == len(drafts[0].ids) and (drafts[0].confidence <= 1).all()
    assert len(events[1].masked) == len(drafts[0].ids) and events[1].kind == "noise"
    assert tini.decode(events[0].ids).count("France") == 1


def test_the_callback_ends_it(tini):
    answer = tini.generate(FRANCE, lambda event: event.iteration < 2, sampler="lad", seed=1, patience=0)
    assert answer.stopped == "cancelled" and answer.iterations == 2


def test_what_the_callback_raises_comes_out(tini):
    def observe(event):
        if event.kind == "draft":
            raise KeyError("mine")
    with pytest.raises(KeyError, match="mine"):
        tini.generate(FRANCE, observe)


def test_cancel_from_another_thread(small):
    session = small.session("lad", iterations=512, patience=0)
    started = threading.Event()
    threading.Thread(target=lambda: (started.wait(), session.cancel())).start()
    with pytest.raises(redraft.Cancelled) as cancelled:
        session.generate("Hello", lambda event: started.set())
    assert cancelled.value.answer.stopped == "cancelled"


def test_conversations_and_sessions(tini):
    messages = [{"role": "user", "content": FRANCE}, {"role": "assistant", "content": "The capital of France is Paris."},
                {"role": "user", "content": "And of Italy?"}]
    session = tini.session(seed=1)
    first = session.generate(messages)
    assert first.text and first.text == session.generate(messages).text == tini.generate(messages, seed=1).text
    assert first.text == session.generate(message for message in messages).text
    assert tini.generate(tini.encode(messages), sampler="lad", seed=1).text == tini.generate(messages, sampler="lad", seed=1).text


def test_ids_in_any_sequence(small):
    ids = [1, 2, 3]
    options = {"sampler": "lad", "seed": 1, "iterations": 2, "tokens": 8}
    answer = small.generate(np.array(ids), **options)
    for same in (ids, tuple(ids), range(1, 4), iter(ids), list(np.array(ids, np.int32))):
        assert small.generate(same, **options).ids.tolist() == answer.ids.tolist()


def test_tokens(tini):
    for words in ("A draft, refined.", "naïve ☂ 日本", ""):
        ids = tini.encode(words)
        assert ids.dtype == np.int32 and tini.decode(ids) == words
    assert tini.encode("A draft.").tolist() == [int(id) for id in said("tokenize", "-m", TINI, "A draft.").split()]
    assert 0 <= tini.eos < tini.vocab and tini.positions >= 256 and not tini.causal
    asked = tini.encode([{"role": "user", "content": "Hi"}])
    assert np.array_equal(tini.encode(tini.decode(asked)), asked)


@pytest.mark.parametrize("attention", ["causal", "bidirectional", "block:4", None])
def test_logits(small, tmp_path, attention):
    ids = [1, 2, 3, 5, 8, 13]
    scores = small.logits(ids, attention)
    kind = ["--attention", attention] if attention else []
    said("logits", "-m", SMALL, "--ids", ",".join(map(str, ids)), *kind, "-o", tmp_path / "out.npy")
    assert scores.shape == (6, small.vocab) and scores.dtype == np.float32 and scores.flags.owndata
    assert np.array_equal(scores, np.load(tmp_path / "out.npy"))


def test_gates(tini):
    ids = tini.encode([{"role": "user", "content": FRANCE}])
    base, drafted = tini.logits(ids), tini.logits(ids, gate=len(ids) - 2)
    assert np.allclose(base[:-2], drafted[:-2], atol=1e-4) and not np.allclose(base[-2:], drafted[-2:], atol=1e-2)


def test_likelihoods(small):
    prompt, answer = [7, 11, 13, 17], [19, 23]
    scores = small.logits(prompt + answer, "causal").astype(np.float64)
    logs = scores - np.log(np.exp(scores).sum(1, keepdims=True))
    exact = logs[3, 19] + logs[4, 23]
    best = [int(scores[3].argmax())]
    (nats, greedy), (_, sure) = small.likelihoods([(prompt, answer), (prompt, best)], draws=0)
    assert abs(nats - exact) < 1e-4 and not greedy and sure
    masked = small.likelihoods([(prompt, answer)], draws=64)
    assert masked == small.likelihoods([(prompt, answer)], draws=3, seed=9)  # all three sets of masks, whatever the seed
    assert masked[0][0] < 0 and masked[0][1] is False


@pytest.mark.parametrize("wrong, words", [
    (lambda m: m.generate(FRANCE, iterations=0), "--iterations: 0 is outside 1..512"),
    (lambda m: m.generate(FRANCE, iteration=3), "did you mean iterations"),
    (lambda m: m.generate(FRANCE, sampler="lda"), "lad"),
    (lambda m: m.generate(FRANCE, sampler="ar", no_noise=True), "means nothing to --sampler ar"),
    (lambda m: m.generate(" "), "the prompt is empty"),
    (lambda m: m.generate(np.array([], np.int32)), "no ids"),
    (lambda m: m.generate([]), "the conversation has no messages"),
    (lambda m: m.generate(np.array([10**6])), "id 1000000 is outside 0..287"),
    (lambda m: m.decode([-1]), "token id -1 is outside"),
    (lambda m: m.logits([1], "sideways"), "expected causal, bidirectional or block:N"),
    (lambda m: m.logits([]), "give one at least"),
    (lambda m: m.likelihoods([([], [1])]), "want one at least"),
    (lambda m: redraft.load("/nowhere"), "/nowhere/config.json: no such file"),
])
def test_refused(small, wrong, words):
    with pytest.raises(redraft.Error) as error:
        wrong(small)
    assert words in str(error.value) and error.value.code.startswith("RD_")


def test_none_is_not_given(small):
    plain = small.generate(FRANCE, sampler="lad", seed=1, iterations=2, tokens=8)
    names = [row["name"].replace("-", "_") for row in redraft.options()]
    nothing = dict.fromkeys(name for name in names if name not in ("sampler", "seed", "iterations", "tokens"))
    assert small.generate(FRANCE, sampler="lad", seed=1, iterations=2, tokens=8, **nothing).text == plain.text
    assert small.session("lad", prefix=None, suffix=None, seed=1, iterations=2, tokens=8).generate(FRANCE).text == plain.text


def test_values_of_numpy(small):
    plain = small.generate(FRANCE, sampler="lad", seed=1, iterations=2, tokens=8, no_noise=True, temperature=0.5)
    same = {"seed": np.int64(1), "iterations": np.uint8(2), "tokens": np.int32(8), "no_noise": np.bool_(True), "temperature": np.float32(0.5)}
    assert small.generate(FRANCE, sampler="lad", **same).text == plain.text


@pytest.mark.parametrize("no", [False, np.bool_(False)])
def test_stopped_by_an_event(small, no):
    for kind, iteration in (("start", 0), ("noise", 0), ("draft", 2)):
        seen = []

        def watch(event):
            seen.append(event.kind)
            return no if (event.kind, event.iteration) == (kind, iteration) else None

        answer = small.generate(FRANCE, watch, sampler="lad", patience=0, seed=1)
        assert answer.stopped == "cancelled" and seen[-1] == kind
        assert answer.iterations == iteration and (kind == "draft" or answer.text == "")


def test_interrupted(small):
    def watch(event):
        if event.kind == "draft":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        small.generate(FRANCE, watch, seed=1)


@pytest.mark.parametrize("wrong, kind", [
    (lambda m: m.decode(np.array([2**32 + 70])), ValueError),
    (lambda m: m.decode(np.array([70.9])), TypeError),
    (lambda m: m.generate([70.9]), TypeError),
    (lambda m: m.generate([True]), TypeError),
    (lambda m: m.generate("Hello\0 and more"), ValueError),
    (lambda m: m.generate("Hello", prefix="a\0b"), ValueError),
    (lambda m: m.generate("Hello", prefix=b"bytes"), TypeError),
    (lambda m: m.generate("Hello", prefix=["a", "b"]), TypeError),
    (lambda m: redraft.load("a\0b"), ValueError),
])
def test_not_cut(small, wrong, kind):
    with pytest.raises(kind):
        wrong(small)


def test_no_model(monkeypatch):
    monkeypatch.delenv("REDRAFT_MODEL", raising=False)
    with pytest.raises(ValueError, match="REDRAFT_MODEL"):
        redraft.load()


def test_options_have_types():
    from redraft._options import Options, Sampler
    names = {row["name"].replace("-", "_") for row in redraft.options()}
    assert set(Options.__annotations__) == names - {"sampler"}
    assert Options.__annotations__["top_k"] == Optional[int] and "lad" in Sampler.__args__
    assert (Path(redraft.__file__).parent / "py.typed").exists()


def test_threads_share_a_model(small):
    found = [None] * 4
    def work(i):
        found[i] = small.generate("Hello", sampler="lad", seed=3, iterations=4).ids.tolist()
    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert found[0] and found == [found[0]] * 4


TASKS = {"choice": """
task: choice
dataset_path: json
dataset_kwargs: {data_files: {test: rows.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{question}}"
doc_to_choice: "{{options}}"
doc_to_target: 0
target_delimiter: ""
metric_list: [{metric: acc}]
""", "written": """
task: written
dataset_path: json
dataset_kwargs: {data_files: {test: rows.jsonl}}
test_split: test
output_type: generate_until
doc_to_text: "{{question}}"
doc_to_target: "{{city}}"
generation_kwargs: {max_gen_toks: 24, until: ["\\n"]}
metric_list: [{metric: "!function judge.says"}]
""", "rolling": """
task: rolling
dataset_path: json
dataset_kwargs: {data_files: {test: rows.jsonl}}
test_split: test
output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "{{question}}"
metric_list: [{metric: word_perplexity}]
"""}
# more than the model has positions, for each of its three answers: what is cut is the answer, not the prompt
TASKS["longest"] = TASKS["written"].replace("task: written", "task: longest").replace("24", "256")
# a prompt that fills them alone
TASKS["overfull"] = TASKS["longest"].replace("longest", "overfull").replace("{{question}}", "{{question * 99}}")


def test_lm_eval(tmp_path):
    pytest.importorskip("lm_eval", reason="lm-eval is not installed")
    rows = [{"question": f"What's the capital of {land}?", "city": city, "options": [f"The capital of {land} is {city}.",
             f"The capital of {land} is {other}."]}
            for land, city, other in (("France", "Paris", "Rome"), ("Italy", "Rome", "Oslo"), ("Japan", "Tokyo", "Paris"))]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name, text in TASKS.items():
        text = text.replace('"!function judge.says"', "exact_match, regexes_to_ignore: ['^.* is ', ',.*$', '[.]$']")
        (tmp_path / f"{name}.yaml").write_text(text)
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hub")}
    out = subprocess.run([Path(sys.executable).with_name("lm_eval"), "--model", "redraft", "--model_args",
                          f"pretrained={TINI},draws=8,seed=1", "--tasks", ",".join(TASKS), "--include_path", tmp_path,
                          "--apply_chat_template", "--output_path", tmp_path / "out"],
                         cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert out.returncode == 0, out.stderr[-2000:]
    results = json.loads(next((tmp_path / "out").rglob("results*.json")).read_text())["results"]
    assert results["choice"]["acc,none"] == 1
    assert results["written"]["exact_match,none"] == results["longest"]["exact_match,none"] == 1
    assert results["overfull"]["exact_match,none"] == 0 and "fills the model's 256 positions" in out.stderr
    assert 1 < results["rolling"]["word_perplexity,none"] < 1e6
