#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Asks a model, in plain words and from left to right, what tables.txt says of every animal, and what it does not say, which is to be refused.

animals.py PROGRAM [-m MODEL] [--data ../shared/data] [--wrong]      a line for each question's relation, and with --wrong what went wrong
"""

import argparse
import collections
from concurrent.futures import ThreadPoolExecutor

import broad
import facts
import outside
import score
import text

PLAIN = {"sound": "What sound does {a} {x} make?", "young": "What is a baby {x} called?", "home": "Where does {a} {x} live?",
         "kind": "What kind of animal is {a} {x}?", "legs": "How many legs does {a} {x} have?", "eats": "What does {a} {x} eat?"}


def arguments(doc, tables=True):
    """What known.py and echoed.py take too: a program, its model, and where the tables are read their sources."""
    p = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("program")
    p.add_argument("-m", "--model", default="models/tini")
    if tables:
        p.add_argument("--data", default="../shared/data")
    p.add_argument("--wrong", action="store_true")
    return p.parse_args()


def conversations(a, talks):
    """What the model says to each of them, left to right; a talk is what the user, the model, the user .. said."""
    roles = ("user", "assistant")
    server = score.Server(a.program, ["-m", a.model, "--adapter", "none"])
    with ThreadPoolExecutor(8) as pool:
        messages = [[{"role": roles[i % 2], "content": said} for i, said in enumerate(talk)] for talk in talks]
        said = list(pool.map(lambda m: server.ask(m, {"sampler": "ar", "temperature": 0}, False)["answer"], messages))
    server.close()
    return said


def answers(a, questions):
    """What the model says to each of them alone."""
    return conversations(a, [[q] for q in questions])


def main():
    a = arguments(__doc__)
    by = {relation: {} for relation in facts.OF_ANIMALS}
    for f in facts.table_facts(text.Sources(a.data)):
        by.setdefault(f.relation, {})[f.subject] = f
    counts, wrong = collections.Counter(), []
    asked = [(PLAIN[relation].format(x=x, **facts.named(x)), relation, known) for relation, x, known in broad.cells(by)]
    for (question, relation, known), answer in zip(asked, answers(a, [row[0] for row in asked])):
        right = answer == (known.answer if known else outside.REFUSALS["fact"])
        counts[relation, bool(known), right] += 1
        if not right:
            wrong.append(f"{question} - {answer}")
    for told, name in ((True, "known"), (False, "not known, refused")):
        right = {r: counts[r, told, True] for r in facts.OF_ANIMALS}
        of = {r: right[r] + counts[r, told, False] for r in facts.OF_ANIMALS}
        print(f"{name}: {sum(right.values())} of {sum(of.values())} (" + ", ".join(f"{r} {right[r]} of {of[r]}" for r in facts.OF_ANIMALS) + ")")
    for line in wrong if a.wrong else []:
        print(line)


if __name__ == "__main__":
    main()
