#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Asks a model, from left to right, every fact of the tables in the first form of its question: which of them it has lost, since others pushed them out.

known.py PROGRAM [-m MODEL] [--data ../shared/data] [--wrong]      a line for all relations, and with --wrong what went wrong
"""

import collections

import animals
import rows
import text
import world

OTHER = ("talk", "check", "poem")


def question(f):
    """The first direct form of a fact, as it is typed with care."""
    said = next(rows.plain_forms(f), f.subject)
    return said[:1].upper() + said[1:] + ("?" if f.phrasing.cores["q"][0] else "")


def main():
    a = animals.arguments(__doc__)
    asked = {}
    for f in world.World(text.Sources(a.data)).single:
        if f.relation not in OTHER:
            asked.setdefault(question(f), f)
    of, right, wrong = collections.Counter(), collections.Counter(), []
    for (q, f), answer in zip(asked.items(), animals.answers(a, asked)):
        of[f.relation] += 1
        right[f.relation] += answer == f.answer
        if answer != f.answer:
            wrong.append(f"{f.relation}: {q} - {answer}")
    print(f"{sum(right.values())} of {sum(of.values())} (" + ", ".join(f"{r} {right[r]} of {of[r]}" for r in sorted(of)) + ")")
    for line in wrong if a.wrong else []:
        print(line)


if __name__ == "__main__":
    main()
