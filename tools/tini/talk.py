# SPDX-License-Identifier: MIT
"""Small talk (talk.txt): each saying has one answer, and questions among them may stand in a carrier."""

import re

import tabled
from facts import Fact
from phrasing import Phrasing

QUESTION = re.compile(r"(how|what|whats|who|where|when|why|which|are|do|does|can|will|is|have|did|by|from|may|in)\b.* ", re.I)


def intent(subject, sayings, answer):
    """One intent as a fact of relation 'talk'; subject: 'section/first saying'."""
    cores = {"q": [], "r": []}
    for saying in sayings:
        asks = QUESTION.match(saying.removeprefix("~")) and not subject.startswith("leaving/")
        cores["q" if asks else "r"].append(saying)
    return Fact("talk", subject, answer, Phrasing({k: "|".join(v) for k, v in cores.items() if v}), {}, 6.0, 1.0)


def talk():
    """Every intent of small talk."""
    for section, rows in tabled.sections("talk.txt").items():
        for row in rows:
            sayings, answer = row.rsplit(" = ", 1)
            sayings = sayings.split("|")
            yield intent(f"{section}/{sayings[0]}", sayings, answer)
