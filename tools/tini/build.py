#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds everything tini is trained on and tested with. See README.md beside this file.

build.py --data ../shared/data --out out/tini-data     writes tokenizer, rows and texts, then checks them
build.py --eval tools/tini/sets                        also writes the evaluation sets there
build.py --check --out out/tini-data                   checks what was written before
"""

import argparse
import json
import os
import random
from collections import defaultdict

import check
import conversation
import evalsets
import outside
import rows as drawing
import running
import setfiles
import text
import vocab
import world as worlds

SEED = 15
# Rows of the two files of conversations. singles: questions for a fact of weight 1.
BASE = {"singles": 34, "sums": 60000, "stories": 26000, "refusals": 52000, "real": 1.0, "systems": 105000, "talks": 210000, "examples": 60}
TUNED = {"singles": 26, "sums": 45000, "stories": 20000, "refusals": 40000, "real": 0.8, "systems": 80000, "talks": 190000, "examples": 60}
VALID = 500


class Writer:
    """JSONL files in one folder, with rows counted by group."""

    def __init__(self, folder):
        self.folder, self.counts = folder, defaultdict(lambda: defaultdict(int))
        os.makedirs(folder, exist_ok=True)

    def rows(self, name, items):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as f:
            for item in items:
                f.write(json.dumps(item, ensure_ascii=False) + "\n")
                self.counts[name][item.get("group", "").split(":")[0]] += 1


def drawn(drawer, rng, sizes, scale):
    sizes = {name: n * scale if isinstance(n, float) or name == "singles" else round(n * scale) for name, n in sizes.items()}
    parts = [drawer.singles(rng, sizes["singles"]), drawer.sums(rng, sizes["sums"]), drawer.stories(rng, sizes["stories"]),
             drawer.refusals(rng, sizes["refusals"], sizes["real"]), drawer.systems(rng, sizes["systems"]), drawer.talks(rng, sizes["talks"]), drawer.examples(sizes["examples"])]
    out = [row for part in parts for row in part if row]
    rng.shuffle(out)
    return out


def denoised(rng, rows):
    """The same rows for the adaptation: of a conversation, one turn's answer is the target, later turns more often."""
    for row in rows:
        starts = [i for i, m in enumerate(row["messages"]) if m["role"] == "assistant"]
        end = starts[-1] if len(starts) == 1 or rng.random() < 0.6 else rng.choice(starts[1:])
        yield {"messages": row["messages"][:end + 1], "group": row["group"]}


def build(sources, out, eval_folder, scale):
    rng = random.Random(SEED)
    world = worlds.World(sources)
    owner, forms = {}, []
    for f in world.single:
        for form in drawing.plain_forms(f):
            forms.append(form)
            owner.setdefault(drawing.phrasing.normal(form), f.answer)
    real = list(outside.real_questions(sources, outside.Overlap(forms)))
    maker = conversation.Maker(world, outside.Outside(world.known))
    sets = evalsets.Sets(maker, [q for q, held in real if held]).all(rng)
    sets = {name: check.without_doubt(items, owner) for name, items in sets.items()}
    forbidden = {evalsets.key(row["messages"]) for items in sets.values() for row in items}
    forbidden |= {evalsets.key(row["messages"]) for row in setfiles.everything(*evalsets.FOLDERS.split(","))}
    drawer = drawing.Drawer(maker, forbidden, owner, [q for q, held in real if not held])

    write = Writer(out)
    base = drawn(drawer, random.Random(SEED + 1), BASE, scale)
    write.rows("chat.jsonl", base[VALID:])
    write.rows("chat_valid.jsonl", base[:VALID])
    tuned = list(denoised(rng, drawn(drawer, random.Random(SEED + 2), TUNED, scale)))
    write.rows("denoise.jsonl", tuned[VALID:])
    write.rows("denoise_valid.jsonl", tuned[:VALID])
    write.rows("text.jsonl", running.texts(sources, rng))
    for name, items in sets.items():
        setfiles.write(eval_folder or os.path.join(out, "eval"), name, items)
    vocab.write(vocab.counts_of(out, vocab.names_of(world)), os.path.join(out, "tokenizer"))
    with open(os.path.join(out, "counts.json"), "w", encoding="utf-8") as f:
        json.dump(write.counts, f, indent=1, sort_keys=True)
        f.write("\n")
    print(f"{drawer.dropped} prompts were drawn again or left out, because they are tests or mean something else")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--out", default="out/tini-data")
    parser.add_argument("--eval", help="folder of the evaluation sets; without it OUT/eval")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the rows, for a quick look")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    if not args.check:
        build(text.Sources(args.data), args.out, args.eval, args.scale)
    check.report(args.out, args.eval or os.path.join(args.out, "eval"))
