# SPDX-License-Identifier: MIT
"""System prompts (personas.txt): most change nothing, some change every answer by a rule."""

import re

import tabled

NAMES = tabled.words("names.txt")
TABLE = {}
for name, rows in tabled.sections("personas.txt").items():
    text = "".join(rows)
    forms, _, rule = text.partition(" = ") if " = " in text else (text, "", "{a}")
    TABLE[name] = (tabled.split(forms), rule)
WORDS = {"begin": TABLE.pop("first words")[0], "end": TABLE.pop("last words")[0]}
KINDS = list(TABLE)
# How often each is drawn beside the neutral ones.
SHARES = {"neutral": 50, "upper": 6, "lower": 5, "word": 9, "begin": 6, "end": 6, "name": 8}


def draw(rng, held=0, kind=None):
    """(kind, system prompt, rule with its word filled in, name or None)."""
    kind = kind or rng.choices(KINDS, [SHARES.get(k, 2.5) for k in KINDS])[0]
    forms, rule = TABLE[kind]
    form = rng.choice(forms[held] or forms[0])
    word, name = rng.choice(WORDS.get(kind, WORDS["begin"])[held]), rng.choice(NAMES[held])
    if kind == "begin" and word.endswith(","):
        rule = rule.replace("{a}", "{low}")
    return kind, form.replace("{w}", word).replace("{name}", name), rule.replace("{w}", word), name if kind == "name" else None


def low(text):
    """'The capital ..' -> 'the capital ..', where the first word is no name."""
    first = text.split(" ", 1)[0]
    return text[:1].lower() + text[1:] if first in ("The", "A", "An", "In", "There", "It", "People", "You", "We", "About", "My", "Most") else text


def changed(answer, short, rule, name):
    """The answer as this system prompt wants it; None where the rule has nothing to say here."""
    if rule == "{short}":
        return short or None
    if name:
        answer = answer.replace("because I am a tiny language model", "and I am glad to help") if answer.startswith("My name is") else answer
        return re.sub(r"\btini\b", name, answer)
    return (rule.replace("{upper}", answer.upper()).replace("{lower}", answer.lower()).replace("{low}", low(answer)).replace("{a}", answer))
