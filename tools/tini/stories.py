# SPDX-License-Identifier: MIT
"""Short stories asked for by what they are about: "Tell me a story about a cat."."""

import re
from collections import Counter

ASKS = """Tell me a story about {x}.|Tell me a story about {x}.|Tell me a short story about {x}.|Write a story about {x}.|
Write a short story about {x}.|Can you tell me a story about {x}?|Please tell me a story about {x}.|A story about {x}, please.|
I want to hear a story about {x}.|Could you tell a story about {x}?|Make up a story about {x}.|Story about {x}|
Tell a story with {x} in it.|Do you know a story about {x}?|Read me a story about {x}.|Tell me a bedtime story about {x}."""
ANY = """Tell me a story.|Tell me a short story.|Write a story.|Can you tell me a story?|Please tell me a story.|
I want to hear a story.|Make up a story.|Tell me a bedtime story."""

HEROES = """cat dog bird fish rabbit bear frog mouse lion elephant monkey horse cow pig duck fox owl bee ant butterfly
turtle squirrel spider snake wolf sheep goat hen dragon robot king queen princess prince fairy witch giant boy girl
car train boat truck tree flower ball doll kite bike balloon hat cake apple star moon sun cloud river farmer teacher
doctor baker sailor clown castle garden forest park beach farm zoo school toy book box drum bell key lamp shoe""".split()


def hero(text):
    """What a story is about: the hero word it uses most, twice at least, and early."""
    words = re.findall(r"[a-z]+", text.lower())
    early = set(words[:60])
    counts = Counter(w for w in words if w in HEROES_SET)
    best = [w for w, n in counts.most_common() if n >= 2 and w in early]
    return best[0] if best else None


HEROES_SET = set(HEROES)


def short_stories(sources, tokenizer, longest):
    """(hero or None, story) of at most `longest` tokens, in one paragraph each line."""
    tiny = sources.documents("text/tinystories/stories.txt.zst")
    books = [d.split("\n", 1)[1].strip() for d in sources.documents("corpus/stories_storybooks.txt.zst")
             if "\n" in d]
    fables = [r["fable"] for r in sources.rows_of("text/aesop/aesop4children.json")]
    for story in [*tiny, *books, *fables]:
        flat = re.sub(r"\s+", " ", story).strip()
        if 40 <= tokenizer.count(flat) <= longest and flat.isascii():
            yield hero(flat), flat


def with_article(word):
    return ("the " if word in ("sun", "moon") else "an " if word[0] in "aeiou" else "a ") + word
