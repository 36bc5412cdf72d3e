#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Rows in far more forms than build.py's: more.txt, broad.txt, visitors.txt and guests.txt beside the tables, made names, weak turns, shouting. For a GPU, which has read the rest in minutes.

broad.py --data ../shared/data --out out/tini-broad [--scale 1.0]      writes chat.jsonl and text.jsonl there, and the parts of chat.jsonl, for a base that goes on
                                                                       with few tokens, that README.md lists
broad.py --check                                                       fails where a row of OUT is a question of an evaluation set

No form of anew.txt is in these rows, none that is held out in a table, and no prompt of tools/tini/sets or tools/tini/anew. Adapters learn from the same rows (train.py --rows chat).
"""

import argparse
import collections
import json
import os
import random
import re

import check as rows_check
import checks
import echo
import evalsets
import facts
import firsts
import follow
import gaps
import judge
import knowledge
import memory
import more
import outside
import personas
import rows as drawing
import running
import surface
import tabled
import text
import visitors
import widen
import world as worlds

SEED = 37
VALID = 500
PLAIN = 16000
# Conversations that copy a word that nobody has, and system prompts that give one or some words of any kind; what is left of the conversations has a name.
COPIES, COPYING = 60000, ("begin", "end", "name", "lower", "begin", "end", "name", "upper")
PHRASES = 6000
ECHOES = 60000
# How often a question that is refused is of these kinds, whose things are thousands.
OFTEN = {"person": 4, "unknown_city": 5, "unknown_place": 2, "book_other": 4, "science_other": 4, "film": 2, "battle": 2, "company": 2, "band": 2, "write": 2, "live": 2, "medicine": 2}
# What is answered by what was said and a rule, not by a fact that is known.
RULED = {"system:upper", "system:lower", "system:word", "system:begin", "system:end", "system:name", "pair:asked_again", "pair:said", "pair:story_detail", "later:more_people", "spell"}
# Shouted: a name in capitals falls into pieces like one that nobody knows, which is refused, so most of these are facts.
LOUD_FACTS, LOUD_OTHERS = 12000, 10000
# Rows of a fact by itself, by its relation; relations of few facts too, since countries are asked for many times as often: with few rows in a mixture they are
# the first to be forgotten. Most for those beside which much is refused (who discovered it, when was it built).
EVERYDAY = {"explain": 45, "single": 45, "describe": 16, "list": 14, "size": 8, "talk": 0, "check": 0, "poem": 0, "spell": 0,
            "born": 100, "discoverer": 150, "players": 100, "painting": 75, "inventor": 100, "landmark": 60, "river": 100, "planet": 60, "group": 50,
            "use": 70, "made": 70, "element": 60, "job": 50, "sides": 60, "roman": 40, "instrument": 50}
FEW, ROWS_OF_FEW = 110, 25
# Single facts beside which much is refused too: of things whose other measures and years no table has.
BESIDE, ROWS_BESIDE = re.compile(r"how (high|tall|far|old|hot|long)\b|when |who |is \d|what is the square root"), 110
# Rows of what a country's facts leave out.
ROWS_OF_GAP = 30
# Rows of an everyday explanation by itself: what is asked in the most words that no row has.
ROWS_OF_WHY = 80
# Rows of what is larger, of lists, of descriptions and of what a thing is made of, each by itself.
NAMED, ROWS_OF_NAMED = ("size", "list", "describe", "made"), 8
# Rows of a description by itself.
ROWS_OF_DESCRIPTION = 24
# Rows of what knowledge.txt knows.
ROWS_OF_FURTHER = 30
# Rows of what is asked of an animal, or of its refusal.
ROWS_OF_GRID = 24
# Rows of each kind; singles, and talk beside them, for a fact of weight 1 and an intent.
SIZES = {"singles": 15, "talk": 1050, "explain": 24, "sums": 75000, "stories": 10000, "refusals": 60000, "real": 2.4, "systems": 120000, "talks": 90000, "pairs": 150000, "later": 36000, "examples": 25, "guests": 3}
SHOUTED, SHOUTED_TALK = 0.09, 0.05
EVEN = 0.35
MADE_NAMES = 30000
TOKENIZER = "models/tini/tokenizer.json"
KINDS_MORE = {"go_on_counting": 14, "shorter": 12, "meant_subject": 12, "said": 8, "never_said": 3, "talk": 26, "after_talk": 7}
NEVER_SHOUTED = ("spell", "example")
# System prompts whose rule was learnt for the words of the tables alone.
SHARES = {"upper": 8, "lower": 8, "begin": 12, "end": 12, "name": 10, "word": 12}
# Further ways to ask why something is so, what a thing is, and how it works, beside more.py's.
ALSO = ((more.WHY["q"], ["do you know why {c}", "can you explain why {c}", "{c}, why", "{c}, but why", "{c}, how come", "who can tell why {c}", "how does it come that {c}", "what has it to do with that {c}"]),
        (more.TOPIC["q"], ["what does {t} mean", "what do you understand by {t}", "what would you call {t}, in simple words", "how would you describe {t}", "what is it, {t}", "what can you tell me of {t}"]),
        (more.WORK["q"], ["what makes {w} work", "on what principle does {w} work", "what goes on in {w}", "how exactly does {w} work", "how does it work, {w}"]))
# What made names are of: syllables of names, or of any sounds, since a name that is copied may be of any tokens.
BEGIN = "bar bel bri cal cas dor el fen gar hal in jor kel lan mar nor ol per quin ros sel tar ul vel wen yan zel ad em is olu chi ngu kwa zhi sri oye abd moh tche bja yev xia".split()
MIDDLE = "a e i o u an el in or ar ia eo ali eri ona umi uwa ao ei oo yu ie ua".split()
FIRST_SOUNDS = "b br bl c ch chr cl d dr dj e f fr fl g gr gl gw h i j k kh kl kr kw l ll m mb n nd ng o p ph pl pr q r rh s sh sch sk sl sm sn sp st sv t th tr ts u v vl w wh x y z zh".split()
VOWELS = "a a a e e e i i i o o u u y ae ai au ea ee ei eo ia ie io oa oe oo ou ua ue ui".split()
LAST_SOUNDS = "b c ck d ff g k l ll lm ld m mm n n nn nd ng nk nt p r r rd rg rk rl rm rn rt s s ss sk st t tt th v x z".split()
END = "da lin ra ric ta na th mir dan sa lo ette bert wyn la ko ya ndra mund shi ke vi seun ngo kwe ola chi owski ssen ez ito ullah deep jit".split()


def pieces(tokenizer):
    """Tokens of letters: those that begin a word with a capital, those that go on with one, and those of two letters or more that begin one."""
    with open(tokenizer, encoding="utf-8") as f:
        vocabulary = json.load(f)["model"]["vocab"]
    first = [t[1:] for t in vocabulary if re.fullmatch("\u0120[A-Za-z]+", t)]
    return [t for t in first if re.fullmatch("[A-Z][a-z]{0,4}", t)], [t for t in vocabulary if re.fullmatch("[a-z]{1,5}", t)], [t for t in first if len(t) > 1]


def made_name(rng, tokens):
    """A first name that nobody has, so that names are copied and not known; tokens: pieces(). A token that no answer ever had is not copied either."""
    kind = rng.random()
    if kind < 0.5:
        return rng.choice(tokens[0]) + "".join(rng.choice(tokens[1]) for _ in range(rng.choice([1, 1, 2, 2, 3])))
    if kind < 0.8:
        parts = [rng.choice(FIRST_SOUNDS) + rng.choice(VOWELS) + (rng.choice(LAST_SOUNDS) if rng.random() < 0.5 else "") for _ in range(rng.choice([1, 2, 2, 2, 3]))]
        return ("".join(parts) + rng.choice(["", "", "", "a", "o", "us", "ia", "ina"])).capitalize()
    return (rng.choice(BEGIN) + rng.choice(MIDDLE) + (rng.choice(BEGIN) + rng.choice(MIDDLE) if rng.random() < 0.4 else "") + rng.choice(END)).capitalize()


def phrases(rng, sources, held):
    """Some words that a sentence of a story begins with, as a system prompt may want them before or behind every answer: (before, behind)."""
    stories = sources.documents("text/tinystories/stories.txt.zst") + sources.documents("corpus/stories_storybooks.txt.zst")
    begin, end = {}, {}
    while len(end) < PHRASES:
        said = re.findall(r"[A-Za-z][A-Za-z' ]{2,60}", rng.choice(stories))
        words = rng.choice(said).split()[:rng.choice([1, 2, 2, 3, 3, 4])] if said else []
        first = " ".join(words).strip("' ")
        if 3 <= len(first) <= 30 and first.lower() not in held:
            first = first[:1].upper() + first[1:]
            begin[first + rng.choice([":", ",", "!", "."])] = end[first + rng.choice([".", "!", "."])] = None
    return list(begin), list(end)


class Maker(visitors.Maker):
    """Sayings that are copied later may be in small or great letters: the answer has the name as it is written."""

    def typed(self, rng, prompt, kind=""):
        if kind == "said" and rng.random() < 0.2:
            return rng.choice([surface.plain, surface.plain, surface.lower, surface.shout])(rng, prompt)
        return super().typed(rng, prompt, kind)


def widened(world, sources, held, beside):
    """The world with further forms, facts, names, words and things that are refused; what was done, in words."""
    rng = random.Random(SEED)
    visitors.add(world, held)
    world.single.extend(checks.checks(world, held))
    world.single.extend([*firsts.singles(), *beside])
    kept = {name.lower() for names in (memory.NAMES, outside.NAMES) for name in names[1]} | {n.lower() for row in tabled.sections("anew.txt")["names"] for n in row.split()}
    counts = [widen.widen(world, file, held) for file in ("more.txt", "broad.txt", *visitors.FILES)]
    further = more.Forms(world.explained, world.talked, world.single)
    further.held |= held
    for rules, forms in ALSO:
        rules.extend(forms)
    by_first = {f.subject: f for f in world.why}
    for line in tabled.lines("explain.txt"):
        first = line.split(" = ")[0].split("|")[0]
        further.by_rule(by_first[first.translate({ord("["): None, ord("]"): None})], first)
    tokens = pieces(TOKENIZER)
    names = [name for name in (made_name(rng, tokens) for _ in range(MADE_NAMES)) if name.lower() not in kept]
    for table in (memory.NAMES, personas.NAMES):
        table[0].extend(names)
    kept = {w.strip(".,:! ").lower() for words in personas.WORDS.values() for w in words[1]}
    for name, further_words in zip(("begin", "end"), phrases(random.Random(SEED + 5), sources, kept)):
        personas.WORDS[name][0].extend(further_words)
    outside.answered({f.subject for f in beside})
    outside.further_lists(sources, {t for f in world.single for t in (f.subject, f.answer)})
    return "; ".join(f"{added} further forms, {left} left out since held out" for added, left in counts) + f"; {further.added} by rule"


def shouting(rng, drawer, made):
    """The same rows, some with their last question shouted."""
    for row in made:
        if row:
            share = SHOUTED + (SHOUTED_TALK if row["group"] == "talk" else 0)
            yield rng.random() < share and row["group"] not in NEVER_SHOUTED and more.shouted(rng, drawer, row) or row


def drawn(rng, drawer, scale, held):
    w, n = drawer.world, {name: size * scale for name, size in SIZES.items()}
    parts = [drawer.singles(rng, n["singles"]), drawer.sums(rng, round(n["sums"])), drawer.stories(rng, round(n["stories"])), drawer.refusals(rng, round(n["refusals"]), n["real"]),
             drawer.systems(rng, round(n["systems"])), drawer.talks(rng, round(n["talks"])), more.pairs(rng, drawer, round(n["pairs"])), drawer.examples(n["examples"]),
             visitors.later(rng, drawer, round(n["later"])), visitors.alone(rng, drawer, "guests.txt", held, SIZES["guests"])]
    parts += [(drawer.one(rng, f, "talk") for f in w.talked for _ in range(round(n["talk"])))]
    parts += [(drawer.one(rng, f, "explain") for f in w.why for _ in range(round(n["explain"])))]
    made = [row for part in parts for row in shouting(rng, drawer, part)]
    rng.shuffle(made)
    return made


def everyday(rng, drawer):
    count = collections.Counter(f.relation for f in drawer.world.single)
    for f in drawer.world.single:
        beside = f.relation == "single" and BESIDE.match(f.subject)
        rows = ROWS_BESIDE if beside else EVERYDAY.get(f.relation, ROWS_OF_FEW if count[f.relation] <= FEW else 0)
        for _ in range(rows):
            yield drawer.one(rng, f, drawing.group_of(f))


def alone(rng, drawer, found, count):
    """So many rows of each of these facts."""
    return filter(None, shouting(rng, drawer, (drawer.one(rng, f, drawing.group_of(f)) for f in found for _ in range(count))))


def cells(by):
    """What is asked of all animals: (relation, animal, its fact or None), of facts by relation and subject."""
    animals = sorted({x for relation in facts.OF_ANIMALS for x in by[relation]})
    for relation in facts.OF_ANIMALS:
        for x in animals:
            yield relation, x, by[relation].get(x)


def grid(rng, drawer):
    """What is asked of all animals, by itself, and a refusal where the table has no answer: else such a question gets another animal's."""
    for relation, x, known in cells(drawer.world.by):
        f = known or facts.Fact("unknown", x, outside.REFUSALS["fact"], facts.PHRASINGS[relation], facts.named(x), 1.0, 0, "", "", "")
        for _ in range(ROWS_OF_GRID):
            yield drawer.one(rng, f, drawing.group_of(f))


def copies(rng, drawer, count):
    """What is asked again, where it is a name; and answers that a system prompt gives a word to."""
    for row in more.pairs(rng, drawer, count, [("asked_again", 1)]):
        answer = row["messages"][-1]["content"]
        if answer.startswith("Your ") and " favorite " not in answer:
            yield row
    m = drawer.maker
    for i in range(count // 4):
        messages = m.row(rng, m.talk(rng, 1), personas.draw(rng, kind=COPYING[i % len(COPYING)]))
        if messages and drawer.allowed(messages):
            yield {"messages": messages, "group": "system:" + COPYING[i % len(COPYING)]}


def build(data, out, folders, scale):
    sources = text.Sources(data)
    world = worlds.World(sources)
    held = widen.held_out(world, "anew.txt")
    missing, further = gaps.known(sources), list(knowledge.facts())
    said = widened(world, sources, held, [*missing, *further])
    owner, forms = {}, []
    for f in world.single:
        for form in drawing.plain_forms(f):
            forms.append(form)
            owner.setdefault(drawing.phrasing.normal(form), f.answer)
    real = [q for q, held in outside.real_questions(sources, outside.Overlap(forms)) if not held]
    maker = Maker(world, outside.Outside(world.known))
    maker.turns.even = EVEN
    maker.outside.shares = OFTEN
    personas.SHARES.update(SHARES)
    weights = dict(more.WEAK)
    weights.update(KINDS_MORE)
    more.WEAK[:] = list(weights.items())
    more.FIRST["after_talk"] = "small_talk"
    drawer = drawing.Drawer(maker, more.tested(*folders), owner, real)
    made = drawn(random.Random(SEED + 1), drawer, scale, held)
    os.makedirs(out, exist_ok=True)
    rng, chat = random.Random(SEED + 3), made[VALID:]
    said_once = [row for file in visitors.FILES for row in visitors.alone(rng, drawer, file, held, 1)]
    other = [row for row in chat if row["group"] != "talk"]
    refused = [row for row in other if judge.refuses(row["messages"][-1]["content"])]
    single = [row for row in chat if len(row["messages"]) == 2 and row["group"] not in NEVER_SHOUTED]
    known = [row for row in single if row["group"].startswith("fact:")]
    others = [row for row in single if not row["group"].startswith("fact:")]
    chosen = [row for rows, n in ((known, LOUD_FACTS), (others, LOUD_OTHERS)) for row in rng.sample(rows, min(n, len(rows)))]
    loud = (more.shouted(rng, drawer, row) for row in chosen)
    facts_alone = [row for row in shouting(rng, drawer, everyday(rng, drawer)) if row]
    small = [row for row in facts_alone if row["group"].startswith("fact:") or row["group"] in ("list", "size")] + [row for row in chat if row["group"] == "spell"]
    small += [row for row in chat if row["group"] == "example"] * 3

    def of_kind(*kinds):
        return [row for row in chat if row["group"].split(":")[0] in kinds]

    parts = {"chat": chat, "small": small, "chat_valid": made[:VALID], "text": running.texts(sources, random.Random(SEED + 2)), "sayings": filter(None, said_once),
             "plain": filter(None, checks.plain(rng, drawer, held, PLAIN)), "talk": of_kind("talk"), "conversations": of_kind("pair", "turns", "later"), "sums": of_kind("sum"), "stories": of_kind("story", "poem"), "other": other, "refusals": refused, "shouted": filter(None, loud),
             "copies": copies(random.Random(SEED + 4), drawer, COPIES), "echo": echo.echoes(random.Random(SEED + 6), drawer, ECHOES, personas.NAMES[0], pieces(TOKENIZER)[2], personas.WORDS["begin"][0]),
             "gaps": alone(random.Random(SEED + 8), drawer, missing, ROWS_OF_GAP),
             "why": alone(random.Random(SEED + 9), drawer, world.why, ROWS_OF_WHY),
             "named": alone(random.Random(SEED + 10), drawer, [f for f in world.single if f.relation in NAMED], ROWS_OF_NAMED),
             "described": alone(random.Random(SEED + 13), drawer, [f for f in world.single if f.relation == "describe"], ROWS_OF_DESCRIPTION),
             "knowledge": alone(random.Random(SEED + 11), drawer, further, ROWS_OF_FURTHER),
             "follow": filter(None, follow.follows(random.Random(SEED + 12), drawer)),
             "firsts": filter(None, shouting(rng, drawer, firsts.drawn(random.Random(SEED + 7), drawer))), "ruled": [row for row in chat if row["group"] in RULED], "everyday": facts_alone, "grid": filter(None, shouting(rng, drawer, grid(rng, drawer)))}
    for name, part in parts.items():
        with open(os.path.join(out, name + ".jsonl"), "w", encoding="utf-8") as f:
            for row in part:
                f.write(json.dumps({k: v for k, v in row.items() if k != "kinds"}, ensure_ascii=False) + "\n")
    print(f"{said}; {len(made)} rows; {drawer.dropped} prompts were left out, because they are tests or mean something else")


def check(out, folders):
    """No prompt of a set among the rows, no held-out pair of numbers, and no two answers to one prompt."""
    forbidden, answers, wrong = more.tested(*folders), {}, []
    for name in ("chat", "chat_valid", "sayings", "plain", "copies", "echo", "everyday", "grid", "firsts", "gaps", "why", "named", "described", "knowledge", "follow"):
        with open(os.path.join(out, name + ".jsonl"), encoding="utf-8") as f:
            for line in f:
                row = json.loads(line)
                messages = row["messages"]
                if rows_check.gives_away(row):
                    wrong.append(f"a held-out pair is added up: {messages!r}")
                for i, m in enumerate(messages):
                    if m["role"] == "assistant":
                        key = evalsets.key(messages[:i])
                        if key in forbidden and i == len(messages) - 1:
                            wrong.append(f"a question of the sets: {key!r}")
                        if answers.setdefault(key, m["content"]) != m["content"]:
                            wrong.append(f"two answers: {key!r}: {answers[key]!r} and {m['content']!r}")
    if wrong:
        raise SystemExit("\n".join([*wrong[:20], f"{len(wrong)} rows fail"]))
    print(f"checked: none of {len(forbidden)} questions of the sets among {len(answers)} prompts, none of these has two answers")


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", default="../shared/data")
    p.add_argument("--sets", default=evalsets.FOLDERS)
    p.add_argument("--out", default="out/tini-broad")
    p.add_argument("--scale", type=float, default=1.0)
    p.add_argument("--check", action="store_true")
    a = p.parse_args()
    if not a.check:
        build(a.data, a.out, a.sets.split(","), a.scale)
    check(a.out, a.sets.split(","))
