#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prompts for branches.py as ids in one file: packed.py PROGRAM MODEL.gguf DATA OUT.npz. Questions of data sets; of two sets the answers too, for one short run.

The kinds of prompts.py and more of each, and instructions; nothing of sets that are non-commercial. What stands in tools/smol/*.txt is left out: it is
kept for measuring. Lists lie end to end: NAME holds all ids and NAME_lengths how many belong to each.
"""

import glob
import json
import os
import random
import re
import subprocess
import sys

import numpy

import prompts as first

CORPUS = {"qa_dolly_open": 3600, "qa_describe_topics": 4700, "qa_shortdesc": 9000, "qa_opentrivia": 11000, "qa_dictionary": 2500, "qa_factbook": 2500}
INSTRUCT = ("rasbt_instruction_data.json", "dolly_hhrlhf_small.jsonl.zst")
ANSWERED = ("qa_dolly_open", *INSTRUCT)


def read(path):
    text = subprocess.run(["zstd", "-dc", path], capture_output=True, check=True, text=True).stdout if path.endswith(".zst") else open(path, encoding="utf-8").read()
    rows = json.loads(text) if text.lstrip().startswith("[") else [json.loads(line) for line in text.splitlines() if line.strip()]
    return [r for r in rows if r.get("open", True)]


def flat(text):
    return " ".join(text.split())


def said(row):
    question = row.get("instruction") or row.get("question") or row["prompt"].split("### Instruction:")[-1].split("### Response:")[0]
    extra = row.get("input") or ""
    return flat(question + (" " + extra if extra else "")), flat(row.get("output") or row.get("answer") or row.get("response") or "")


def variants(question):
    """As it stands, or as hurried people type it."""
    kind = random.random()
    if kind < 0.07:
        return question.lower()
    if kind < 0.12:
        return question.rstrip("?.! ")
    return question


def gather(data, kept):
    pairs = {}
    for name, most in CORPUS.items():
        rows = read(os.path.join(data, "corpus", name + ".jsonl.zst"))
        for row in random.sample(rows, min(most, len(rows))):
            question, answer = said(row)
            pairs.setdefault(question, answer if name in ANSWERED else "")
    for name in INSTRUCT:
        for row in read(os.path.join(data, "instruct", name)):
            pairs.setdefault(*said(row))
    for line in first.TALK:
        pairs[line] = ""
    normal = {re.sub(r"\W", "", line).lower() for line in kept}
    return [(q, a) for q, a in pairs.items() if 3 < len(q) < 320 and re.sub(r"\W", "", q).lower() not in normal]


def main():
    program, model, data, out = sys.argv[1:]
    random.seed(3)
    texts = [line.strip() for path in sorted(glob.glob(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../smol/*.txt")))
             for line in open(path, encoding="utf-8") if line.strip()]
    pairs = gather(data, texts)
    random.shuffle(pairs)
    asked, answers = [variants(q) for q, _ in pairs], [a[:500] for _, a in pairs]
    lines = [first.SYSTEM, "system", "user", "assistant", *first.FOLLOW, *texts, *asked, *[a for a in answers if a]]
    ids = iter(first.encode(program, model, lines))
    system, *roles = (next(ids) for _ in range(4))
    start, end, line = 1, 2, first.newline(program, model)
    head = [start, *roles[0], *line, *system, end, *line]

    def user(words):
        return [start, *roles[1], *line, *words, end, *line, start, *roles[2], *line]
    after, shown = [next(ids) for _ in first.FOLLOW], [user(next(ids)) for _ in texts]
    many = [next(ids) for _ in asked]
    theirs = [next(ids)[:95] if a else [] for a in answers]
    follow = [[*line, *user(random.choice(after if random.random() < 0.5 else many))] if random.random() < 0.35 else [] for _ in many]
    lists = {"head": [head], "prompts": [user(m) for m in many], "follow": follow, "answers": theirs, "open": shown}
    arrays = {}
    for name, rows in lists.items():
        arrays[name] = numpy.array([i for row in rows for i in row], numpy.uint16)
        arrays[name + "_lengths"] = numpy.array([len(row) for row in rows], numpy.uint16)
    numpy.savez_compressed(out, **arrays)
    print({name: len(rows) for name, rows in lists.items()}, os.path.getsize(out), "bytes")


if __name__ == "__main__":
    main()
