#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A second evaluation set, of other forms and names (anew.txt): anew.py --data ../shared/data --out tools/tini/anew

Drawn by evalsets.py as the first one, from another seed. broad.py, which draws rows in many more forms, leaves these forms out."""

import argparse
import random

import conversation
import evalsets
import outside
import rows as drawing
import setfiles
import text
import widen
import world as worlds

SEED = 31
FILE = "anew.txt"


def sets(maker, real_held):
    rng, drawer = random.Random(SEED), evalsets.Sets(maker, real_held)
    return {"facts": drawer.facts(rng, 130), "second": drawer.second(rng, 7), "system": drawer.system(rng, 25, 105), "talk": drawer.small_talk(rng, 150), "outside": drawer.unknown(rng, 160),
            "typed": drawer.typed(rng, 27), "sums": drawer.numbers(rng, 110)}


def without_twins(rows, seen):
    """Rows that no set has yet."""
    for row in rows:
        words = "\n".join(m["content"] for m in row["messages"])
        if words not in seen:
            seen.add(words)
            yield row


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--data", default="../shared/data")
    p.add_argument("--sets", default="tools/tini/sets")
    p.add_argument("--out", default="tools/tini/anew")
    a = p.parse_args()
    sources = text.Sources(a.data)
    world = worlds.World(sources)
    forms = [form for f in world.single for form in drawing.plain_forms(f)]
    real = [q for q, held in outside.real_questions(sources, outside.Overlap(forms)) if held]
    maker = conversation.Maker(world, outside.Outside(world.known))
    widen.test_with(world, FILE)
    seen = {"\n".join(m["content"] for m in row["messages"]) for row in setfiles.everything(a.sets)}
    for name, rows in sets(maker, real).items():
        setfiles.write(a.out, name, [{**row, "id": f"{name}-{i}"} for i, row in enumerate(without_twins(rows, seen))])


if __name__ == "__main__":
    main()
