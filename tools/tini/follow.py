# SPDX-License-Identifier: MIT
"""Later turns that need the subject of the answer before (follow.txt): another of a list, the names of what was counted, where somebody was born, a further sum,
and what is not known of a thing that was described."""

import naming
import outside
import sums
import tabled
import widen

TABLE = tabled.sections("follow.txt")
FORMS = {name: widen.forms_of("|".join(rows)) for name, rows in TABLE.items() if name != "lists"}
LISTS = dict(row.split(" = ") for row in TABLE["lists"])
SHE = {"Marie Curie", "Anne Frank", "Joan of Arc"}
SIGNS = {"sum": ("{a} plus {b}", "{a} + {b}"), "difference": ("{a} minus {b}", "{a} - {b}"), "product": ("{a} times {b}", "{a} x {b}")}
ROWS = {"another": 14, "names": 60, "born": 70, "unknown": 4}  # of each fact
SUMS = 3000


def pronouns(form, name):
    words = ("she", "her", "Her") if name in SHE else ("he", "his", "His")
    return widen.filled(form, dict(zip(("he", "his", "His"), words)))


def pairs(rng, world):
    """(fact asked first, what is said then, its answer) of all kinds, in no order."""
    for line in tabled.lines("lists.txt"):
        names, members = line.split(" = ")
        members, one = members.split(", "), names.split("|")[0].split(", ")[0]
        said = [naming.is_one(member, one) for member in members]
        first = next(f for f in world.listed if f.answer == said[0])
        yield from ((first, rng.choice(FORMS["another"]), said[1]) for _ in range(ROWS["another"]))
    for counted, named in LISTS.items():
        first, all_of = (next(f for f in world.single if f.relation == "single" and f.answer.startswith(begin)) for begin in (counted, named))
        yield from ((first, rng.choice(FORMS["names"]), all_of.answer) for _ in range(ROWS["names"]))
    for name, born in world.by["born"].items():
        about = world.descriptions.get(name.lower())
        if about:
            yield from ((about, pronouns(rng.choice(FORMS["born"]), name), born.answer) for _ in range(ROWS["born"]))
    for f in world.single:
        if f.relation == "describe" and f.subject[:1].islower() and f.subject not in world.by["kind"]:
            many = f.answer.lower().startswith(f.subject + " are ")
            yield from ((f, rng.choice(FORMS["unknown many" if many else "unknown one"]), outside.REFUSALS["fact"]) for _ in range(ROWS["unknown"]))
    for _ in range(SUMS):
        first, then = (a_sum(rng) for _ in range(2))
        said = rng.choice(SIGNS[then.relation]).format(**then.slots)
        yield first, rng.choice(FORMS["sum"]).replace("{e}", said), then.answer


def a_sum(rng):
    """A sum, a difference or a product that is not held out."""
    while True:
        f = sums.a_sum(rng, False)
        if f.relation in SIGNS:
            return f


def follows(rng, drawer):
    """Rows of two turns, and None where one is a test or means something else."""
    maker = drawer.maker
    for first, said, answer in pairs(rng, drawer.world):
        messages = maker.row(rng, [(first.ask(rng), first.answer, "first", first), (said, answer, "follow", None)])
        yield {"messages": messages, "group": "follow"} if messages and drawer.allowed(messages) else None
