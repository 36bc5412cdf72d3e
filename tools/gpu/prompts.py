#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Chat prompts of SmolLM2 as ids, for smol.py: prompts.py PROGRAM MODEL.gguf DATA OUT.json. Questions only; nobody's answers.

They are the questions of Dolly (CC BY-SA), of topics and short descriptions (from Wikipedia's titles), and of OpenTriviaQA
(CC BY-SA), and small talk; `follow` holds what is said as a second turn after the first answer, or nothing.
"""

import json
import os
import random
import subprocess
import sys

SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
TALK = """Hello|Hi|Hey there|Good morning|How are you?|Who are you?|What can you do?|What is your name?|Thank you!|Can you help me?|Tell me a joke.|I am sad today.|Good night.
What is the meaning of life?|Tell me about yourself.|Are you a robot?|Nice to meet you.|Write a short poem.|Tell me a story.|What do you like?|Give me some advice.""".replace("\n", "|").split("|")
FOLLOW = ["Why?", "Tell me more.", "Can you explain that in simple words?", "Give me an example.", "Thank you!", "Are you sure?", "Summarize that in one sentence.", "What else should I know?"]
SOURCES = [("qa_dolly_open", "instruction", 3500), ("qa_describe_topics", None, 3000), ("qa_shortdesc", None, 2500), ("qa_opentrivia", None, 2500), ("qa_dictionary", None, 800)]
SHOWN = ["Hello", "What is the capital of France?", "Tell me about Amsterdam.", "Why is the sky blue?", "Give me three tips for saving money.", "How do plants make food?"]


def questions(data):
    out = []
    for name, _, most in SOURCES:
        text = subprocess.run(["zstd", "-dc", os.path.join(data, "corpus", name + ".jsonl.zst")], capture_output=True, check=True, text=True).stdout
        rows = [json.loads(line) for line in text.splitlines()]
        rows = [r for r in rows if r.get("open", True)]
        asked = [" ".join((r.get("instruction") or r.get("question")).split()) for r in rows]
        out += random.sample(asked, min(most, len(asked)))
    asked = sorted({q for q in out if 3 < len(q) < 300}) + TALK * 4
    random.shuffle(asked)
    return asked


def encode(program, model, lines):
    text = subprocess.run([program, "tokenize", "-m", model, "--lines", "--no-special", "--threads", "1"], input="\n".join(lines) + "\n", capture_output=True, check=True, text=True).stdout
    rows = [[int(i) for i in line.replace(",", " ").split()] for line in text.splitlines()]
    if len(rows) != len(lines):
        raise SystemExit(f"{len(lines)} lines became {len(rows)}")
    return rows


def main():
    program, model, data, out = sys.argv[1:]
    random.seed(1)
    asked = questions(data)
    said = encode(program, model, [SYSTEM, "system", "user", "assistant", *asked, *FOLLOW, *SHOWN])
    system, roles, said = said[0], said[1:4], said[4:]
    start, end, line = 1, 2, newline(program, model)
    head = [start, *roles[0], *line, *system, end, *line]

    def user(ids):
        return [start, *roles[1], *line, *ids, end, *line, start, *roles[2], *line]
    many, after, shown = said[:len(asked)], said[len(asked):len(asked) + len(FOLLOW)], said[len(asked) + len(FOLLOW):]
    follow = []
    for i in range(len(many)):
        other = random.choice(after) if random.random() < 0.5 else random.choice(many)
        follow.append([*line, *user(other)] if random.random() < 0.4 else None)
    with open(out, "w", encoding="utf-8") as f:
        json.dump({"prompts": [head + user(m) for m in many], "follow": follow, "shown": [head + user(s) for s in shown]}, f, separators=(",", ":"))
    print(len(many), "prompts")


def newline(program, model):
    ids = subprocess.run([program, "tokenize", "-m", model, "--no-special", "a\nb"], capture_output=True, check=True, text=True).stdout.split()
    return [int(i) for i in ids[1:-1]]


if __name__ == "__main__":
    main()
