# SPDX-License-Identifier: MIT
"""What the other tables lacked and a visitor asked for (knowledge.txt): things described, and single questions."""

import describe
import firsts
import tabled


def facts():
    """The facts of the file, for the world."""
    table = tabled.sections("knowledge.txt")
    for topic, answer in (row.split(" = ", 1) for row in table["things"]):
        yield from describe.of_topic(topic, answer, describe.asked_as(topic, answer, (), ()), 1.6)
    yield from firsts.singles(table["single"])
