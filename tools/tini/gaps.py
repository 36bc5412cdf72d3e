# SPDX-License-Identifier: MIT
"""What is asked of all countries and their facts leave out: neighbours where there are none or many, people and domains of those that are not famous. Without an
answer of its own such a question gets another country's."""

from dataclasses import replace

import facts
import outside
import sums


def neighbours(c, by_code):
    """In words, where no fact lists them."""
    near = sorted((by_code[b] for b in c.neighbours if b in by_code), key=lambda n: (not n.famous, n.name))
    if not c.neighbours:
        return f"{facts.upper(c.name)} has no land borders with other countries."
    if len(near) > facts.MOST_NEIGHBOURS:
        return f"{facts.upper(c.name)} has land borders with {sums.spelled(len(near))} countries, among them {near[0].name} and {near[1].name}."
    return "" if len(near) == len(c.neighbours) else outside.REFUSALS["fact"]


def told(relation, c, answer):
    """A fact whose answer is not the relation's own sentence."""
    return replace(facts.fact(relation, c.name, "?", test=0, region=c.region), answer=answer)


def known(sources):
    """The missing facts, those of other names too, and refusals where no source has the number."""
    countries, population = facts.countries(sources), facts.people(sources)
    by_code = {c.code: c for c in countries}
    made = []
    for c in countries:
        if not c.famous:
            n = population.get(c.name.replace("the ", ""))
            made.append(facts.fact("population", c.name, n, test=0, region=c.region) if n else told("population", c, outside.REFUSALS["fact"]))
            if c.domain:
                made.append(facts.fact("domain", c.name, c.domain, test=0))
        near = neighbours(c, by_code)
        if near:
            made.append(told("borders", c, near))
    return [*made, *facts.other_names(made)]
