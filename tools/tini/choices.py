#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Choices among four, made of the questions that tini is measured by: rows for `redraft calibrate`.

    python3 tools/tini/choices.py >rows.jsonl
    build/redraft calibrate --data rows.jsonl -o curve.svg

The right word and three that answer other questions of the same group; the same rows every time."""
import json
import random
from pathlib import Path

import setfiles

random.seed(3)
groups = {}
for row in setfiles.read(Path(__file__).parent / "sets", "facts"):
    if row["right"].get("holds") and len(row["messages"]) == 1:
        groups.setdefault(row["group"], []).append((row["messages"][0]["content"], row["right"]["holds"][0]))
rows = []
for pairs in groups.values():
    words = sorted({word for _, word in pairs})
    if len(words) < 4:
        continue
    for question, word in pairs:
        options = random.sample([other for other in words if other != word], 3) + [word]
        random.shuffle(options)
        rows.append({"state": "", "questions": {"answer": {"type": "choice", "instructions": question, "criteria": dict.fromkeys(options)}},
                     "labels": {"answer": word}})
random.shuffle(rows)
for row in rows:
    print(json.dumps(row))
