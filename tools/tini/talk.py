# SPDX-License-Identifier: MIT
"""Small talk (talk.txt): each saying has one answer, and questions among them may stand in a carrier."""

import re

import tabled
from facts import Fact
from phrasing import Phrasing

QUESTION = re.compile(r"(how|what|whats|who|where|when|why|which|are|do|does|can|will|is|have|did|by|from|may|in)\b.* ", re.I)


def talk():
    """Every intent of small talk as a fact of relation 'talk'; subject: 'section/first saying'."""
    for section, rows in tabled.sections("talk.txt").items():
        for row in rows:
            sayings, answer = row.rsplit(" = ", 1)
            cores = {"q": [], "r": []}
            for saying in sayings.split("|"):
                said = saying.removeprefix("~")
                kind = "q" if QUESTION.match(said) and section != "leaving" else "r"
                cores[kind].append(saying)
            yield Fact("talk", f"{section}/{sayings.split('|')[0]}", answer,
                       Phrasing({k: "|".join(v) for k, v in cores.items() if v}), {}, 6.0, 1.0)
