# SPDX-License-Identifier: MIT
"""What tini does not know (outside.txt, and real questions of others): each prompt has one of eight plain refusals."""

import re

import carriers
import phrasing
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
        self.shares = {}    # how often a kind is drawn for the training, of others 1

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
        names = [k for k in KINDS if k.startswith("~") == bool(wholly)]
        name = rng.choice(names) if held or not self.shares else rng.choices(names, [self.shares.get(k.split(" ")[0], 1) for k in names])[0]
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
    """Finds questions that are in the main a known one: its words all stand in them, and are a third of theirs, a single word half. Those must not be taught as
    unknown. (A saying of one word stands in nearly every long question.)"""

    def __init__(self, known_questions):
        self.sets = {}
        for q in known_questions:
            c = content(q)
            if c:
                self.sets.setdefault(min(c, key=lambda w: (-len(w), w)), set()).add(c)

    def known(self, question):
        words = content(question)
        return any(c <= words and len(c) * (3 if len(c) > 1 else 2) >= len(words) for w in words for c in self.sets.get(w, ()))


# Short descriptions of things, by the list whose kind of thing they describe.
DESCRIBED = {
    "person": r"^(An?|The) .*(actor|actress|singer|writer|author|director|politician|rapper|comedian|player|painter|composer|novelist|philosopher|physicist|chemist|journalist|activist|poet|economist|model)\b",
    "place": r"^(City|Town|Commune|Municipality|Village|Capital and .*city|Capital of|Port city|Prefecture-level city|Metropolis|Borough|.* (city|town|commune|municipality)) (in|of)\b",
    "film": r"^((19|20)\d\d|American|British|Japanese).*\b(film|television series|sitcom|video game|anime)$|^Video game$|\bfilm (by|directed)\b",
    "band": r"\b(rock|pop|metal|punk|boy|girl|musical) (band|group|duo)\b|^.{,30}\bband$", "company": r"\b(company|corporation|manufacturer|conglomerate|airline|automaker|retailer)\b",
    "oddbook": r"\b(novel|book|poem|play|novella|painting) by\b|^(Novel|Book|Painting|Play) |\b(novel|painting)$",
    "odd": r"^(Branch|Theory|Field|Study|Concept|Process|Academic|Philosophical|Mathematical|Scientific|Economic|Type of|Form of|Method|Principle|Property|System of)\b"}


def answered(subjects):
    """Takes these out of the lists of the training that stand for people and notions of which nothing is known."""
    for name in ("person", "odd"):
        LISTS[name][0][:] = [x for x in LISTS[name][0] if x not in subjects]


def further_lists(sources, known):
    """Puts the titles of short descriptions into the lists of the training: of what is asked there are then thousands, not dozens, so that what is refused is what is not
    known. Left out: what is held out, and what a known subject or answer names (known: their texts)."""
    told = f" {' | '.join(map(phrasing.normal, known))} "
    kept = {content(name) for _, held in LISTS.values() for name in held}
    for r in sources.rows_of("corpus/qa_shortdesc.jsonl.zst"):
        title, what = texts.plain(r["title"]), texts.plain(r["answer"])
        words = content(title)
        if not title.isascii() or "," in title or not 3 <= len(title) <= 32 or not words or f" {phrasing.normal(title)} " in told or any(words <= k or k <= words for k in kept if k):
            continue
        for name, pattern in DESCRIBED.items():
            if re.search(pattern, what):
                LISTS[name][0].append(title)
                break


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
