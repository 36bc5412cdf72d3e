# SPDX-License-Identifier: MIT
"""The tokenizer's words: those of the rows and texts that were written, and its two files.

The world is closed, so its own rows say which words matter, in all the ways they are typed; the running text adds common English. Subjects and values get extra
weight (with and without capitals), so that most are one or two tokens: an answer then differs from its neighbour's in few places, and a rare name is not garbled.
"""

import json
import os
from collections import Counter

import bpe

SIZE = 8192
EVERY = 4           # one row of conversations in so many is counted
NAME_WEIGHT = 120


def names_of(world):
    """What facts are about and what they say of it."""
    return {text for f in world.facts + world.described for text in (f.subject, f.value) if text}


def counts_of(out, names):
    counts = Counter()
    for name in sorted(names):
        for word in bpe.WORDS.findall(" " + name):
            counts[word] += NAME_WEIGHT
            counts[word.lower()] += NAME_WEIGHT // 2
    with open(os.path.join(out, "chat.jsonl"), encoding="utf-8") as f:
        for i, line in enumerate(f):
            if i % EVERY == 0:
                for message in json.loads(line)["messages"]:
                    counts.update(bpe.WORDS.findall(message["content"]))
    with open(os.path.join(out, "text.jsonl"), encoding="utf-8") as f:
        for line in f:
            for word in bpe.WORDS.findall(json.loads(line)["text"]):
                counts[word] += 1
    return counts


def write(counts, folder, size=SIZE):
    merges = bpe.train(counts, size - len(bpe.SPECIALS) - 256)
    os.makedirs(folder, exist_ok=True)
    for name, data in [("tokenizer.json", bpe.tokenizer_json(merges)), ("tokenizer_config.json", bpe.tokenizer_config())]:
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            json.dump(data, f, ensure_ascii=False, separators=(",", ":"))
            f.write("\n")
