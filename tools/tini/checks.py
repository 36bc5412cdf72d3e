# SPDX-License-Identifier: MIT
"""Yes-or-no questions in more forms than world.py's, about more relations, and with more wrong values: checks.txt."""

import random
import re

import facts
import tabled
import widen

WRONG = ((1, 1), (5, 3), (7, 11), (11, 5), (13, 8), (3, 2))     # (i * a + b) % count: whose value is asked about in its place
EACH = 60       # forms of a relation that a question takes: together they take all
PLAIN = {"capital": 6, "kind": 2, "city": 2, "location": 1.5, "language": 1.5, "currency": 1, "color": 1, "element": 0.5, "us_state": 0.5}     # their shares
PLAIN_YES = 0.4
SPOKEN = re.compile(r"people speak (\w+), which is the main language$")


def value_of(f):
    """What stands for {y}, or ''."""
    if f.relation == "language":
        found = SPOKEN.match(f.value)
        return found[1] if found else ""
    return f"{facts.article(f.value)} {f.value}" if f.relation == "kind" and f.value else f.value


def free(forms, held):
    return [form for form in dict.fromkeys(forms) if widen.key(form) not in held]


def forms_of(relation, sections, held):
    around = widen.forms_of("|".join(sections["of any"]))
    forms = widen.forms_of("|".join(sections["ask " + relation]))
    forms += [form.replace("{s}", said) for said in widen.forms_of("|".join(sections["say " + relation])) for form in around]
    return free(forms, held)


def items_of(world, relation):
    return [f for f in world.by[relation].values() if value_of(f) and f.value != f.subject and not (relation == "capital" and f.value in f.subject)]


def asked_about(f, value, forms, weight=1.0):
    """The question whether this value is the fact's. The answer is the fact: who asked sees by it whether it is so, and a model this small did not learn to compare the two."""
    slots = {"y": value, "ax": f"{facts.article(f.subject)} {f.subject}"}
    return facts.Fact("check", f.subject, f.answer, facts.Phrasing({"q": "|".join(forms)}), slots, weight, 0, f.short, f.value, f.about)


def another(value, right):
    return value != right and value not in right and right not in value


def checks(world, held):
    sections = tabled.sections("checks.txt")
    for relation in (name[4:] for name in sections if name.startswith("ask ")):
        asked, rng = forms_of(relation, sections, held), random.Random(relation)
        items = items_of(world, relation)
        for i, f in enumerate(items):
            right = value_of(f)
            wrong = dict.fromkeys(value_of(items[(a * i + b) % len(items)]) for a, b in WRONG)
            for value in (right, *(w for w in wrong if another(w, right))):
                yield asked_about(f, value, rng.sample(asked, EACH), 2.0 if value == right else 0.5)


def plain(rng, drawer, held, count):
    """Rows in the forms that ask outright, about any other value of the relation, four in ten about the right one."""
    sections = tabled.sections("checks.txt")
    forms = {relation: free(widen.forms_of("|".join(sections["ask " + relation])), held) for relation in PLAIN}
    items = {relation: items_of(drawer.world, relation) for relation in PLAIN}
    for relation in rng.choices(list(PLAIN), list(PLAIN.values()), k=count):
        f = rng.choice(items[relation])
        value = value_of(f if rng.random() < PLAIN_YES else rng.choice(items[relation]))
        if value == value_of(f) or another(value, value_of(f)):
            yield drawer.one(rng, asked_about(f, value, [rng.choice(forms[relation])]), "check")
