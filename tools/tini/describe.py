# SPDX-License-Identifier: MIT
"""Descriptions ("What do you know about X?"): written by hand, made from country facts, or an article's beginning."""

import os
import re

import text
from facts import Fact, HERE, countries, listed, tables, upper
from phrasing import Phrasing

ABOUT = Phrasing({"t": "{x}"})
LONGEST = 58      # tokens of an answer


def by_hand():
    """({topic: text}, [encyclopedia titles]) of topics.txt."""
    with open(os.path.join(HERE, "topics.txt"), encoding="utf-8") as f:
        hand, listing = f.read().split("[encyclopedia]\n")
    pairs = [line.split(" = ", 1) for line in hand.split("\n") if line and line[0] != "#"]
    return dict(pairs), listing.strip().split("|")


def of_country(c):
    kind = "a country" if c.code not in ("GRL", "PRI") else "an island"
    out = f"{upper(c.name)} is {kind} in {c.region}."
    if c.capital and len(c.languages) <= 4 and c.currency:
        out += (f" Its capital is {c.capital}, people there speak {listed(c.languages)}, "
                f"and the currency is the {c.currency}.")
    return out


def of_city(city, what, c):
    return (f"{city} is {what} {c.name}, a country in {c.region}. People there speak "
            f"{listed(c.languages[:4])} and pay with the {c.currency}.")


def beginning(article, tokenizer):
    """The first one or two sentences, cleaned, or None where they are long or broken."""
    parts = text.sentences(text.without_brackets(text.plain(article)))
    if not parts or not parts[0].endswith(".") or re.search(r"[()\[\]{}=;]|, ,|\.\.|[^\x20-\x7e]", parts[0]):
        return None
    out = parts[0]
    if len(parts) > 1 and parts[1].endswith(".") and not re.search(r"[()\[\];]|[^\x20-\x7e]", parts[1]) \
            and tokenizer.count(out + " " + parts[1]) <= LONGEST:
        out += " " + parts[1]
    return out if 12 <= tokenizer.count(out) <= LONGEST else None


def all_descriptions(sources, tokenizer):
    hand, titles = by_hand()
    by_name = {c.name: c for c in countries(sources) if c.region}
    for c in by_name.values():
        hand.setdefault(c.name, of_country(c))
        if c.capital and c.capital not in c.name:
            hand.setdefault(c.capital, of_city(c.capital, "the capital of", c))
    for city, country in tables()["city"]:
        hand.setdefault(city, of_city(city, "a city in", by_name[country]))
    for row in sources.rows_of("corpus/qa_describe_topics.jsonl.zst"):
        topic, out = row["topic"], None
        if topic in titles and topic not in hand:
            out = beginning(row["output"], tokenizer)
        if out:
            common = re.search(r"\b(a|an|the|is|are)\b", out) and not re.search(
                rf"[a-z,] {re.escape(topic)}\b", out) and " " not in topic and \
                re.match(rf"(A|An|The|In)\b", out)
            name = topic.lower() if common and re.search(rf"\b{re.escape(topic.lower())}\b", out) else topic
            hand.setdefault(name, out)
    for topic, answer in hand.items():
        yield Fact("describe", topic, answer, ABOUT, {}, 1.0, 0.0)
