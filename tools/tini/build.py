#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds everything tini is trained on. See README.md beside this file.

build.py --data ../shared/data --out out/tini-data     writes the data, then checks it
build.py --check --out out/tini-data                   checks data written before
build.py --tokenizer models/tini                       trains the tokenizer anew
"""

import argparse
import json
import os
import random
from collections import defaultdict

import bpe
import describe
import facts
import phrasing
import stories
import text
import vocab

SEED = 20
WINDOW = 256
FACT_ROWS = 80             # questions per fact of weight 1, for pretraining and LoRA each drawn from these
DESCRIBE_ROWS = 90
STORY_ROWS = 3
TEST_QUESTIONS = 600
SFT_VALID = 400
RARE = {"fact:" + name for name in ("single", "sum", "difference", "product", "president", "president_at", "book", "discoverer", "river",
                                    "hello", "thanks", "opposite", "past", "painting", "inventor", "home", "eats", "use", "landmark")}
LOAD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "models", "tini")

# Running text: file, share of its documents, characters of each document at most.
TEXTS = [("text/tinystories/stories.txt.zst", 1.0, 9000), ("corpus/stories_storybooks.txt.zst", 1.0, 4000),
         ("corpus/encyclopedia_schools.txt.zst", 1.0, 2000), ("corpus/encyclopedia_vital.txt.zst", 1.0, 2500),
         ("corpus/factbook_text.txt.zst", 1.0, 2500), ("corpus/news_onestop.txt.zst", 0.7, 3000),
         ("corpus/stories_gutenberg.txt.zst", 0.35, 6000)]


class Writer:
    """JSONL files in one folder, with rows and tokens counted by group."""

    def __init__(self, folder, tokenizer):
        self.folder, self.tokenizer = folder, tokenizer
        self.groups = defaultdict(lambda: [0, 0])
        os.makedirs(folder, exist_ok=True)

    def rows(self, name, rows):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as f:
            for row in rows:
                f.write(json.dumps(row, ensure_ascii=False) + "\n")
                shown = row["text"] + bpe.EOS if "text" in row else bpe.chat(row["prompt"], row["answer"])
                group = self.groups[name + ":" + row.get("group", "")]
                group[0] += 1
                group[1] += self.tokenizer.count(shown)


def cut(doc, longest):
    """A document's beginning, ended at a paragraph or a sentence."""
    if len(doc) <= longest:
        return doc
    head = doc[:longest]
    return head[:max(head.rfind("\n"), head.rfind(". ") + 1, longest // 2)].strip()


def running_text(sources, rng):
    rows = []
    for name, share, longest in TEXTS:
        docs = sources.documents(name)
        for doc in docs[:int(len(docs) * share)]:
            rows.append({"text": cut(doc, longest), "group": os.path.basename(name).split(".")[0]})
    rng.shuffle(rows)
    return rows


def general_questions(sources, tokenizer):
    """Questions of other people: trivia, Dolly, the factbook, word meanings, short descriptions."""
    def pairs():
        for r in sources.rows_of("corpus/qa_opentrivia.jsonl.zst"):
            if r["open"]:
                yield "trivia", r["question"], r["answer"].rstrip(".") + "."
        for r in sources.rows_of("corpus/qa_dolly_open.jsonl.zst"):
            yield "dolly", r["instruction"], r["output"]
        for r in sources.rows_of("corpus/qa_factbook.jsonl.zst"):
            yield "factbook", r["question"], r["answer"]
        for r in sources.rows_of("corpus/qa_dictionary.jsonl.zst")[:7000]:
            yield "dictionary", r["question"], r["answer"].split("\n")[0].removeprefix("1. ")
        for r in sources.rows_of("corpus/qa_shortdesc.jsonl.zst")[:7000]:
            yield "shortdesc", r["question"], r["answer"]
        for r in sources.rows_of("corpus/qa_describe_topics.jsonl.zst"):
            yield "topics", r["instruction"], r["output"]
        for r in sources.rows_of("instruct/rasbt_instruction_data.json"):
            yield "instruct", (r["instruction"] + " " + r["input"]).strip(), r["output"]
        for r in sources.rows_of("qa/webquestions_trainmodel.json"):
            yield "webquestions", r["qText"], ", ".join(r["answers"][:3]) + "."
        for r in sources.rows_of("qa/triviaqa_sm_sub.jsonl.zst"):
            yield "trivia", r["context"].removeprefix("Question: ").removesuffix("\nAnswer:"), r["answer"] + "."

    for group, q, a in pairs():
        q, a = text.plain(q), text.plain(a)
        if q and a and tokenizer.count(bpe.chat(q, a)) <= WINDOW:
            yield {"prompt": q, "answer": a, "group": group}


def test_questions(rng, all_facts):
    """Questions in forms kept for the test: [core held out, carrier held out]; each fact once."""
    weights = {id(f): rng.random() ** (1 / f.test) for f in all_facts if f.test}
    chosen = sorted((f for f in all_facts if f.test), key=lambda f: -weights[id(f)])[:TEST_QUESTIONS]
    rows = []
    for i, f in enumerate(chosen):
        kind, held = [("core", (1, 0)), ("carrier", (0, 1)), ("core", (1, 0)), ("both", (1, 1))][i % 4]
        if f.relation == "single" and not f.phrasing.held_kinds:
            kind, held = "carrier", (0, 1)
        rows.append({"prompt": phrasing.surface(rng, f.ask(rng, held)), "answer": f.answer,
                     "group": f.relation, "kind": kind})
    return rows


def fact_rows(rng, all_facts, owner, forbidden):
    """Distinct surface forms for each fact; a form that already means another fact is dropped."""
    rows = []
    for f in all_facts:
        wanted = round((DESCRIBE_ROWS if f.relation == "describe" else FACT_ROWS) * f.weight)
        group = "describe" if f.relation == "describe" else "fact:" + f.relation
        for _ in range(wanted):
            prompt = phrasing.surface(rng, f.ask(rng))
            key = phrasing.normal(prompt)
            if key in forbidden or owner.setdefault(key, f.answer) != f.answer:
                continue
            rows.append({"prompt": prompt, "answer": f.answer, "group": group})
    return rows


def claim_plain_forms(all_facts, owner):
    """The direct forms of every fact own their words before any random form does."""
    for f in all_facts:
        for kind in "qnk":
            for core in f.phrasing.cores[kind][0]:
                form = core.replace("{x}", f.subject)
                for name, value in f.slots.items():
                    form = form.replace("{" + name + "}", value)
                for prompt in [form, "what is " + form] if kind == "n" else [form]:
                    owner.setdefault(phrasing.normal(prompt), f.answer)


def story_rows(rng, sources, tokenizer):
    asks, _ = phrasing.split(stories.ASKS)
    any_asks, _ = phrasing.split(stories.ANY)
    rows = []
    for hero, story in stories.short_stories(sources, tokenizer, 225):
        for _ in range(STORY_ROWS):
            ask = rng.choice(asks).replace("{x}", stories.with_article(hero)) if hero else rng.choice(any_asks)
            row = {"prompt": phrasing.surface(rng, ask), "answer": story, "group": "story"}
            if tokenizer.count(bpe.chat(row["prompt"], story)) <= WINDOW:
                rows.append(row)
    return rows


def build(sources, out):
    rng = random.Random(SEED)
    tokenizer = bpe.Tokenizer.load(os.path.join(LOAD, "tokenizer.json"))
    write = Writer(out, tokenizer)
    taught = facts.all_facts(sources)
    described = list(describe.all_descriptions(sources, tokenizer))

    owner = {}
    claim_plain_forms(taught, owner)
    tests, forbidden = [], set()
    for row in test_questions(rng, taught):
        key = phrasing.normal(row["prompt"])
        if owner.get(key, row["answer"]) == row["answer"] and key not in forbidden:
            forbidden.add(key)
            tests.append(row)

    taught_rows = fact_rows(rng, taught, owner, forbidden)
    described_rows = fact_rows(rng, described, owner, forbidden)
    told_rows = story_rows(rng, sources, tokenizer)
    others = [r for r in general_questions(sources, tokenizer)
              if owner.get(phrasing.normal(r["prompt"]), r["answer"]) == r["answer"]
              and phrasing.normal(r["prompt"]) not in forbidden]
    for word in ("What's the capital of France?", "What do you know about Amsterdam?"):
        same = [f for f in [*taught, *described] if phrasing.normal(word) in
                (phrasing.normal(f"what is the capital of {f.subject}") if f.relation == "capital" else
                 phrasing.normal(f"what do you know about {f.subject}") if f.relation == "describe" else "")]
        (described_rows if "Amsterdam" in word else taught_rows).extend(
            {"prompt": word, "answer": f.answer, "group": "example"} for f in same for _ in range(20))

    chat = [*taught_rows, *described_rows, *told_rows[::STORY_ROWS], *others]
    rng.shuffle(chat)
    write.rows("pretrain_chat.jsonl", chat)
    write.rows("pretrain_text.jsonl", running_text(sources, rng))

    short = [r for r in others if r["group"] in ("dolly", "instruct") and tokenizer.count(r["answer"]) <= 48]
    tuned = [*taught_rows, *described_rows, *told_rows, *short]
    rng.shuffle(tuned)
    write.rows("sft.jsonl", tuned[SFT_VALID:])
    write.rows("sft_valid.jsonl", tuned[:SFT_VALID])
    write.rows("sft_rare.jsonl", [r for r in tuned[SFT_VALID:] if r["group"] in RARE])
    rng.shuffle(tests)
    write.rows("eval_facts.jsonl", tests[:500])
    seen = rng.sample([r for r in taught_rows], 500)
    write.rows("eval_seen.jsonl", seen)
    write.rows("eval_describe.jsonl", [{"prompt": f"What do you know about {f.subject}?", "answer": f.answer,
                                        "group": "describe"} for f in rng.sample(described, 100)])
    totals = {name: {"rows": r, "tokens": t} for name, (r, t) in sorted(write.groups.items())}
    with open(os.path.join(out, "mixture.json"), "w", encoding="utf-8") as f:
        json.dump({"pretrain": [{"file": "pretrain_text.jsonl", "weight": 0.25},
                                {"file": "pretrain_chat.jsonl", "weight": 0.75}],
                   "adapt": [{"file": "sft.jsonl", "weight": 1.0}], "groups": totals}, f, indent=1)
        f.write("\n")
    by_file = defaultdict(lambda: [0, 0])
    for name, counts in totals.items():
        by_file[name.split(":")[0]][0] += counts["rows"]
        by_file[name.split(":")[0]][1] += counts["tokens"]
    for name, (r, t) in sorted(by_file.items()):
        print(f"{name:24} {r:8} rows {t:10} tokens")


def read_rows(out, name):
    with open(os.path.join(out, name), encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def check(out):
    """Fails where a test question was trained on, a row is too long, a question has two answers, or bytes are lost."""
    tokenizer = bpe.Tokenizer.load(os.path.join(LOAD, "tokenizer.json"))
    for sample in ["What's the capital of France?", "a  b\n\n\tc 1234 x+y=z", "h\u00e9llo \u4e16\u754c \U0001f642",
                   "".join(map(chr, range(32, 0x250)))]:
        assert tokenizer.decode(tokenizer.encode(sample)) == sample, sample
    assert len(tokenizer.tokens) == vocab.SIZE
    tests = read_rows(out, "eval_facts.jsonl")
    keys = {phrasing.normal(r["prompt"]) for r in tests}
    assert len(tests) >= 500 and len(keys) == len(tests)
    answers, trained = {}, set()
    for name in ("pretrain_chat.jsonl", "sft.jsonl", "sft_valid.jsonl"):
        for r in read_rows(out, name):
            key = phrasing.normal(r["prompt"])
            assert key not in keys, f"{name}: test question trained on: {r['prompt']}"
            ids = tokenizer.encode(bpe.chat(r["prompt"], r["answer"]))
            assert len(ids) <= WINDOW, f"{name}: {len(ids)} tokens: {r['prompt']}"
            if r["group"].startswith(("fact:", "describe")):
                trained.add(r["answer"])
                assert answers.setdefault(key, r["answer"]) == r["answer"], f"two answers: {r['prompt']}"
    for r in tests:
        assert r["answer"] in trained, f"never taught: {r['answer']}"
    print(f"checked: {len(tests)} test questions apart from {len(answers)} trained ones; all rows fit {WINDOW} tokens")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--out", default="out/tini-data")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--tokenizer", help="folder to write tokenizer.json and tokenizer_config.json into")
    args = parser.parse_args()
    if args.tokenizer:
        vocab.write(text.Sources(args.data), args.tokenizer)
    else:
        if not args.check:
            build(text.Sources(args.data), args.out)
        check(args.out)
