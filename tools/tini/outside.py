# SPDX-License-Identifier: MIT
"""What tini does not know (outside.txt, and real questions of others): each prompt has one of eight plain refusals."""

import re

import carriers
import tabled
import text as texts
from talk import QUESTION

TABLE = tabled.sections("outside.txt")
REFUSALS = dict(row.split(" = ", 1) for row in TABLE["refusals"])
LISTS = {name.split(" ", 1)[1]: tabled.split("".join(rows)) for name, rows in TABLE.items() if name.startswith("list ")}
KINDS = {name: tabled.split("".join(rows)) for name, rows in TABLE.items() if name != "refusals" and not name.startswith("list ")}
NAMES = tabled.words("names.txt")
SMALL = set("""what is the a an of in are do does did was were to it that for there and or can could you me my i please tell s how
who which where when why many much name know have has from at on by with would will this one his her its they people called be been""".split())

BEGINNINGS = "Bra Zun Tor Mel Ki Vor Lan Qui Fa Gro Hel Ju Nok Pel Ras Sto Ul Vex Wim Yar Dra Che Mo Tri Lo Bel Kan Sor".split()
MIDDLES = "ri lo ta ne mu va do ki sa ze na li go re ba to".split()
ENDINGS = "land nia via stan dor gard burg polis mar than ria ton ville wick mere".split()
SURNAMES = "elto anson ovik urra ellman obrey intz akko arda umber ossel irey esko avian".split()
LETTERS = ["asdf", "qwer", "jkl", "hjkl", "zxcv", "dfgh", "lkj", "fgh", "uiop", "wasd"]


def invented(rng, held):
    """A name of a place that nobody knows; the test's have three middles or more."""
    return rng.choice(BEGINNINGS) + "".join(rng.choice(MIDDLES) for _ in range(2 if held else rng.choice([0, 1]))) + rng.choice(ENDINGS)


def made_person(rng, held):
    return rng.choice(NAMES[held]) + " " + rng.choice(BEGINNINGS) + rng.choice(SURNAMES)


def gibberish(rng):
    if rng.random() < 0.5:
        return rng.choice(LETTERS) + rng.choice(["", rng.choice(LETTERS), rng.choice(LETTERS)[:2]])
    return "".join(rng.choice("bcdfghjklmnpqrstvwxz" if rng.random() < 0.6 else "aeiou") for _ in range(rng.randrange(4, 11)))


class Outside:
    """Draws questions that are refused. known: {"country": [..], "city": [..], "animal": [..]} of the world that is known."""

    def __init__(self, known):
        self.known = known

    def fill(self, rng, form, held):
        for slot in re.findall(r"\{(\w+)\}", form):
            if slot in LISTS:
                value = rng.choice(LISTS[slot][held] or LISTS[slot][0])
            elif slot in self.known:
                value = rng.choice(self.known[slot])
            else:
                value = {"invented": lambda: invented(rng, held), "madeperson": lambda: made_person(rng, held), "gibberish": lambda: gibberish(rng),
                         "name": lambda: rng.choice(NAMES[held]), "big": lambda: str(rng.randrange(101, 10 ** rng.choice([3, 4, 5]))),
                         "small": lambda: str(rng.randrange(2, 100))}[slot]()
            form = form.replace("{" + slot + "}", value, 1)
        return form

    def draw(self, rng, held=0):
        """(prompt, refusal's name, kind). held: 0 training; 1 held-out forms and things of the kinds, or kinds that are held out whole."""
        wholly = held and rng.random() < 0.3
        name = rng.choice([k for k in KINDS if k.startswith("~") == bool(wholly)])
        kind, refusal = name.removeprefix("~").split(" ")
        train, kept = KINDS[name]
        form = rng.choice(train if wholly or not held or not kept else kept)
        prompt = self.fill(rng, form, held)
        if refusal == "odd":
            return prompt, refusal, kind
        return self.carried(rng, prompt, held), refusal, kind

    def carried(self, rng, prompt, held):
        """The question as such, or in a carrier."""
        if not QUESTION.match(prompt + " "):
            return rng.choice([prompt, prompt, prompt + ".", prompt + ", please.", "please " + prompt, "can you " + prompt + "?", "hi, " + prompt])
        if held or rng.random() < 0.5:
            return prompt + "?"
        return carriers.draw(rng, "q").replace("{q}", prompt).replace("{Q}", prompt[:1].upper() + prompt[1:])


def content(words):
    return frozenset(w for w in re.findall(r"[a-z0-9]+", words.lower()) if w not in SMALL)


class Overlap:
    """Finds questions that a known one's words all stand in: those must not be taught as unknown."""

    def __init__(self, known_questions):
        self.sets = {}
        for q in known_questions:
            c = content(q)
            if c:
                self.sets.setdefault(min(c, key=lambda w: (-len(w), w)), set()).add(c)

    def known(self, question):
        words = content(question)
        return any(c <= words for w in words for c in self.sets.get(w, ()))


def real_questions(sources, overlap):
    """Questions that other people asked, of which tini knows none: (question, held). Two fields of trivia are for the test."""
    def pairs():
        for r in sources.rows_of("corpus/qa_opentrivia.jsonl.zst"):
            if r["open"] and r["question"].endswith("?"):
                yield r["question"], r["category"] in ("religion-faith", "sports")
        for r in sources.rows_of("qa/webquestions_trainmodel.json"):
            yield r["qText"], False
        for r in sources.rows_of("qa/triviaqa_sm_sub.jsonl.zst"):
            yield r["context"].removeprefix("Question: ").removesuffix("\nAnswer:"), False
        for r in sources.rows_of("qa/nq_open_dev.jsonl"):
            yield r["question"] + "?", False
        for r in sources.rows_of("qa/webquestions_devtest.json"):
            yield r["qText"], True
    seen = set()
    for question, held in pairs():
        question = texts.plain(question)
        question = question[:1].upper() + question[1:]
        if question not in seen and 12 <= len(question) <= 110 and question.isascii() and not overlap.known(question):
            seen.add(question)
            yield question, held
