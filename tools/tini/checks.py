# SPDX-License-Identifier: MIT
"""Yes-or-no questions in more forms than world.py's, about more relations, and with more wrong values: checks.txt. The value that is asked about settles yes or no."""

import random
import re

import facts
import tabled
import widen

WRONG = ((1, 1), (5, 3), (7, 11), (11, 5), (13, 8), (3, 2))     # (i * a + b) % count: whose value is asked about in its place
EACH = 60       # forms of a relation that a question takes: together they take all
SPOKEN = re.compile(r"people speak (\w+), which is the main language$")


def value_of(f):
    """What stands for {y}, or ''."""
    if f.relation == "language":
        found = SPOKEN.match(f.value)
        return found[1] if found else ""
    return f"{facts.article(f.value)} {f.value}" if f.relation == "kind" and f.value else f.value


def forms_of(relation, sections, held):
    around = widen.forms_of("|".join(sections["of any"]))
    forms = widen.forms_of("|".join(sections["ask " + relation]))
    forms += [form.replace("{s}", said) for said in widen.forms_of("|".join(sections["say " + relation])) for form in around]
    return [form for form in dict.fromkeys(forms) if widen.key(form) not in held]


def checks(world, held):
    sections = tabled.sections("checks.txt")
    for relation in (name[4:] for name in sections if name.startswith("ask ")):
        asked, rng = forms_of(relation, sections, held), random.Random(relation)
        items = [f for f in world.by[relation].values() if value_of(f) and f.value != f.subject]
        for i, f in enumerate(items):
            right = value_of(f)
            wrong = dict.fromkeys(value_of(items[(a * i + b) % len(items)]) for a, b in WRONG)
            if relation == "capital" and right in f.subject:
                continue
            for value in (right, *(w for w in wrong if w != right and w not in right and right not in w)):
                word, weight = ("Yes", 2.0) if value == right else ("No", 0.5)
                slots = {"y": value, "ax": f"{facts.article(f.subject)} {f.subject}"}
                phrasing = facts.Phrasing({"q": "|".join(rng.sample(asked, EACH))})
                yield facts.Fact("check", f.subject, f"{word}, {facts.behind_yes(f.answer)}", phrasing, slots, weight, 0, word + ".", word, f.about)
