#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Asks a model, from left to right, to say again what nobody taught it: names, words, words in capitals and in small letters.

echoed.py PROGRAM [-m MODEL] [--wrong]      a line of how many are right, and with --wrong what went wrong
"""

import random

import animals
import broad
import echo

PEOPLE = """Saskia Vikram Birgit Lorenzo Andres Tariq Ewan Niklas Beatrice Alfred Jurgen Wolfgang Babatunde Thandiwe Demetrius
 Rajesh Bjorn Svetoslav Ricarda Quentin Ottokar Xaver Zdenka Ilkka Maarten Pieter Hyun Tomasz Gergely Mirela""".split()
EACH = 30
FORMS = {"said again": ("Repeat after me: {x}", str), "in capitals": ("Write this in capital letters: {x}", str.upper),
         "in small letters": ("Write this in small letters: {x}", str.lower)}


def asked(rng):
    """(what is tested, what was said so far, the answer)."""
    tokens = broad.pieces(broad.TOKENIZER)
    names = [broad.made_name(rng, tokens) for _ in range(EACH)]
    for what, some in (("people's names", PEOPLE), ("made names", names)):
        for x in some:
            yield what, ["My name is %s." % x, "Nice to meet you, %s! What would you like to know?" % x, "What is my name?"], "Your name is %s." % x
    for what, (form, rule) in FORMS.items():
        for _ in range(EACH):
            x = echo.some_words(rng, names, tokens[2], PEOPLE)
            yield what, [form.format(x=x)], rule(x)


def main():
    a = animals.arguments(__doc__, tables=False)
    rows = list(asked(random.Random(5)))
    said = animals.conversations(a, [row[1] for row in rows])
    for kind in dict.fromkeys(row[0] for row in rows):
        right = [answer == row[2] for row, answer in zip(rows, said) if row[0] == kind]
        print(f"{kind}: {sum(right)} of {len(right)}")
    for row, answer in zip(rows, said) if a.wrong else []:
        if answer != row[2]:
            print(f"{row[0]}: {row[1][-1] if len(row[1]) == 1 else row[2]} - {answer}")


if __name__ == "__main__":
    main()
