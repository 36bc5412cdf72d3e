# SPDX-License-Identifier: MIT
"""Chooses the words tini's tokenizer is trained on, and writes its two files.

Geographical names get extra weight (in capitals and in lower case, as hurried people type them), so
that most are one or two tokens: a fact's answer then differs from its neighbour's in few places.
"""

import json
import os
from collections import Counter

import bpe

SIZE = 8192
# group, weight: how often its words count
GROUPS = [("text/tinystories/stories.txt.zst", 3), ("corpus/stories_storybooks.txt.zst", 2),
          ("corpus/encyclopedia_schools.txt.zst", 1), ("corpus/encyclopedia_vital.txt.zst", 1),
          ("corpus/factbook_text.txt.zst", 2), ("corpus/news_onestop.txt.zst", 1)]
QUESTIONS = [("corpus/qa_factbook.jsonl.zst", 3), ("corpus/qa_opentrivia.jsonl.zst", 1),
             ("corpus/qa_dolly_open.jsonl.zst", 2), ("corpus/qa_describe_topics.jsonl.zst", 1)]
NAME_WEIGHT = 60


def names(countries):
    for c in countries:
        yield from [c["name"]["common"], *c["capital"], *c["languages"].values(), c["subregion"]]
        yield from [m["name"] for m in dict(c["currencies"] or {}).values()]
        yield c["demonyms"]["eng"]["m"]


def word_counts(sources):
    counts = Counter()

    def add(text, weight):
        for word, n in Counter(bpe.WORDS.findall(text)).items():
            counts[word] += n * weight

    for name, weight in GROUPS:
        add("\n".join(sources.documents(name)), weight)
    add("\n".join(sources.documents("corpus/stories_gutenberg.txt.zst")[::3]), 1)
    for name, weight in QUESTIONS:
        rows = sources.rows_of(name)
        add("\n".join(r.get("question", r.get("instruction")) for r in rows), weight)
        add("\n".join(r.get("answer", r.get("output")) for r in rows), weight)
    for name in names(sources.rows_of("qa/countries.json.zst")):
        add(" " + name, NAME_WEIGHT)
        add(" " + name.lower(), NAME_WEIGHT // 2)
    return counts


def write(sources, folder):
    merges = bpe.train(word_counts(sources), SIZE - len(bpe.SPECIALS) - 256)
    os.makedirs(folder, exist_ok=True)
    for name, data in [("tokenizer.json", bpe.tokenizer_json(merges)),
                       ("tokenizer_config.json", bpe.tokenizer_config())]:
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            json.dump(data, f, ensure_ascii=False, indent=1)
            f.write("\n")
