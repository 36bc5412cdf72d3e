# SPDX-License-Identifier: MIT
"""lm-evaluation-harness, unmodified, against redraft serve gives the numbers of `redraft eval` on the same rows: likelihoods of options one by one, shares, and generated answers.
Run by the Python of tools/judges/clients.sh: lmeval.py PROGRAM."""
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tempfile

from serving import Server, lines_of

PROGRAM = sys.argv[1]
COUNTRIES = [("France", "Paris"), ("Japan", "Tokyo"), ("Italy", "Rome"), ("Spain", "Madrid"), ("Peru", "Lima"), ("Egypt", "Cairo"), ("Norway", "Oslo"), ("Greece", "Athens")]
CHOICE = """
task: {name}
dataset_path: json
dataset_kwargs: {{data_files: {{test: {folder}/choice.jsonl}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{query}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: gold
num_fewshot: {shots}
fewshot_config: {{sampler: first_n, split: test}}
metric_list: [{{metric: acc}}, {{metric: acc_norm}}]
"""
GENERATE = """
task: generated
dataset_path: json
dataset_kwargs: {{data_files: {{test: {folder}/exact.jsonl}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{question}}}}"
doc_to_target: "{{{{answer}}}}"
generation_kwargs: {{until: [], max_gen_toks: 40, temperature: 0}}
metric_list: [{{metric: exact_match}}]
"""
failed = 0


def check(what, wanted, found, exact=True):
    global failed
    if (wanted != found) if exact else abs(wanted - found) > 2e-3:
        failed = 1
        print(f"FAILED {what}\n  expected: {wanted!r}\n  found:    {found!r}")


def write(path, rows):
    with open(path, "w", encoding="utf-8") as f:
        for row in rows:
            f.write(json.dumps(row) + "\n" if not isinstance(row, str) else row)


def harness(folder, server, task, *options):
    """The results and the samples of one run."""
    out = f"{folder}/{task}"
    kind = "local-chat-completions" if task == "generated" else "local-completions"
    path = "v1/chat/completions" if task == "generated" else "v1/completions"
    run = subprocess.run([sys.executable, "-m", "lm_eval", "--model", kind, "--tasks", task, "--include_path", folder, "--log_samples", "--output_path", out, "--model_args",
                          f"model=tini,base_url=http://127.0.0.1:{server.port}/{path},num_concurrent=1,max_retries=1,max_length=256", *options],
                         env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": f"{folder}/home"}, capture_output=True, text=True, check=False)
    found = [os.path.join(where, name) for where, _, names in os.walk(out) for name in names]
    results = [json.load(open(p, encoding="utf-8"))["results"][task] for p in found if re.search(r"results_.*\.json$", p)]
    samples = [[json.loads(line) for line in open(p, encoding="utf-8")] for p in found if p.endswith(".jsonl")]
    if run.returncode != 0 or not results:
        raise SystemExit(f"FAILED lm_eval {task}: {run.stderr[-3000:]}")
    return results[0], sorted(samples[0], key=lambda s: s["doc_id"])


def ours(folder, *options):
    """What redraft eval says: the finding, and what came of each row."""
    out = f"{folder}/ours.jsonl"
    text = subprocess.run([PROGRAM, "eval", "--json", "--out", out, "--threads", "1", *options], capture_output=True, text=True, check=True).stdout
    with open(out, encoding="utf-8") as f:
        return json.loads(lines_of(text)[-1]), [json.loads(line) for line in f]


with tempfile.TemporaryDirectory() as folder:
    cities = [city for _, city in COUNTRIES]
    write(f"{folder}/choice.jsonl", [{"query": f"The capital of {country} is", "gold": i % 4,
                                      "choices": [city if k == i % 4 else cities[(i + k + 1) % 8] if cities[(i + k + 1) % 8] != city else "a city far away" for k in range(4)]}
                                     for i, (country, city) in enumerate(COUNTRIES)])
    write(f"{folder}/exact.jsonl", [{"question": f"What is the capital of {country}?", "answer": f"The capital of {country} is {city}."} for country, city in COUNTRIES])
    for name, shots in ("chosen", 0), ("solved", 2):
        write(f"{folder}/{name}.yaml", [CHOICE.format(name=name, folder=folder, shots=shots)])
    write(f"{folder}/generated.yaml", [GENERATE.format(folder=folder)])
    with Server(PROGRAM, "--threads", "1", "-q", model=None) as server:
        for task in "chosen", "solved":
            results, samples = harness(folder, server, task)
            shots = [] if task == "chosen" else ["--shots", "2"]
            finding, rows = ours(folder, "--task", "choice", "--objective", "next-token", "--raw", "--data", f"{folder}/choice.jsonl", *shots)
            check(f"{task}: rows", len(rows), len(samples))
            for row, sample in zip(rows, samples):
                theirs = [float(r[0][0]) for r in sample["resps"]]
                for a, b in zip(row["log_likelihoods"], theirs):
                    check(f"{task}: {row['prompt'][-40:]}", a, b, exact=False)
            check(f"{task}: accuracy", finding["right"], results["acc,none"], exact=False)
            check(f"{task}: by length", finding["right_by_byte"], results["acc_norm,none"], exact=False)
        results, samples = harness(folder, server, "generated", "--apply_chat_template")
        finding, rows = ours(folder, "--task", "exact", "--data", f"{folder}/exact.jsonl", "--tokens", "40")
        check("generated: every answer", [r["got"] for r in rows], [s["resps"][0][0] for s in samples])
        check("generated: the share of right ones", sum(r["got"].strip() == r["expected"] for r in rows) / len(rows), results["exact_match,none"], exact=False)
print(f"lm_eval {importlib.metadata.version('lm_eval')}: {'FAILED' if failed else 'ok'}")
sys.exit(failed)
