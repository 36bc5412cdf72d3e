# SPDX-License-Identifier: MIT
"""Running text for the base: simple stories whole, the beginnings of encyclopedia articles, and letters' case put back."""

import os
import re
from collections import Counter

import text

# File, share of its documents, characters of each at most.
FILES = [("text/tinystories/stories.txt.zst", 1.0, 9000), ("corpus/stories_storybooks.txt.zst", 1.0, 4000), ("corpus/encyclopedia_schools.txt.zst", 1.0, 700),
         ("corpus/encyclopedia_vital.txt.zst", 1.0, 700), ("corpus/factbook_text.txt.zst", 1.0, 700), ("corpus/news_onestop.txt.zst", 0.5, 1500),
         ("corpus/stories_gutenberg.txt.zst", 0.1, 4000)]
LOWERED = "text/tinystories/lowercase_more.txt.zst"


def cut(doc, longest):
    """A document's beginning, ended at a paragraph or a sentence."""
    if len(doc) <= longest:
        return doc
    head = doc[:longest]
    return head[:max(head.rfind("\n"), head.rfind(". ") + 1, longest // 2)].strip()


def names_of(stories):
    """Words that stand with a capital inside sentences nearly always: names."""
    inside, small = Counter(), Counter()
    for story in stories:
        inside.update(re.findall(r"(?<=[a-z,] )[A-Z][a-z]+", story))
        small.update(re.findall(r"\b[a-z]+\b", story))
    return {w.lower() for w, n in inside.items() if n >= 2 and small[w.lower()] * 10 < n}


def with_case(story, names):
    """A story in small letters with its capitals: at the beginning of sentences, in names and in "I"."""
    story = re.sub(r"\b[a-z]+\b", lambda m: m.group().capitalize() if m.group() in names else m.group(), story)
    story = re.sub(r"\bi\b", "I", story)
    return re.sub(r"(^|[.!?]\"? +|\n\"?|(?<=[ ,])\")([a-z])", lambda m: m.group(1) + m.group(2).upper(), story)


def texts(sources, rng):
    rows = []
    for name, share, longest in FILES:
        docs = sources.documents(name)
        for doc in docs[:int(len(docs) * share)]:
            rows.append({"text": text.plain(cut(doc, longest)) if "\n" not in doc else cut(doc, longest), "group": os.path.basename(name).split(".")[0]})
    names = names_of(sources.documents("text/tinystories/stories.txt.zst"))
    for story in re.split(r"(?<!\n)\n(?!\n)", sources.read(LOWERED)):
        story = re.sub(r"\n+", "\n", story).strip()
        if 300 <= len(story) <= 4000 and story.isascii():
            rows.append({"text": with_case(story, names), "group": "tinystories_lowered"})
    rng.shuffle(rows)
    return rows
