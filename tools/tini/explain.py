# SPDX-License-Identifier: MIT
"""Everyday explanations (explain.txt): questions with a marked subject, and the forms that follow from them by rule."""

import re

import tabled
from facts import Fact
from phrasing import Phrasing

MARKED = re.compile(r"(?:(.+?) )?\b(is|are|was|were|can|should|must|do|does) \[(.+?)\]\s*(.*)")
IRREGULAR = {"have": "has", "go": "goes", "do": "does", "not": "does not"}


def third(verb):
    """run -> runs, fly -> flies."""
    if verb in IRREGULAR:
        return IRREGULAR[verb]
    if re.search(r"[^aeiou]y$", verb):
        return verb[:-1] + "ies"
    return verb + ("es" if re.search(r"(s|sh|ch|x|o)$", verb) else "s")


def clause(question):
    """'why is [the sky] blue' -> ('why', 'the sky is blue'); None where no subject is marked."""
    m = MARKED.fullmatch(question)
    if not m:
        return None
    word, helper, subject, rest = (part or "" for part in m.groups())
    if helper == "do":
        said = f"{subject} do {rest}" if rest.startswith("not") else f"{subject} {rest}"
    elif helper == "does":
        verb, _, more = rest.partition(" ")
        said = f"{subject} {third(verb)} {more}"
    else:
        said = f"{subject} {helper} {rest}"
    return word or "whether", said.strip()


def forms(questions):
    """'|' list -> cores by kind; a topic for each 'what is [x]'."""
    cores, topics = {"q": [], "i": [], "n": []}, []
    for q in questions.split("|"):
        held = "~" if q.startswith("~") else ""
        q = q.removeprefix("~")
        cores["q"].append(held + re.sub(r"[\[\]]", "", q))
        said = clause(q)
        if not said:
            continue
        word, rest = said
        m = re.fullmatch(r"what (is|are) \[(.+?)\]", q)
        if m:
            topics.append(m.group(2))
            cores["i"].append(f"{held}what {m.group(2)} {m.group(1)}")
        elif not (word == "what" and rest.endswith(" for")):
            cores["i"].append(f"{held}{word} {rest}")
        if word == "why":
            cores["q"].append(f"{held}how come {rest}")
            cores["n"].append(f"{held}the reason why {rest}")
    return {kind: "|".join(items) for kind, items in cores.items() if items}, topics


def explanations():
    about = Phrasing({"t": "{x}"})
    for line in tabled.lines("explain.txt"):
        questions, answer, more = line.split(" = ")
        cores, topics = forms(questions)
        subject = re.sub(r"[\[\]~]", "", questions.split("|")[0])
        yield Fact("explain", subject, answer, Phrasing(cores), {}, 2.0, 1.5, more=more)
        for topic in topics:
            yield Fact("describe", topic, answer, about, {}, 0.5, 0.5, more=more)
