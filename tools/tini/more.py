#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Rows for the base's second part: what it was found weak at, in further forms (more.txt), beside what it knows.

more.py --data ../shared/data --out out/tini-data      writes more.jsonl and more_valid.jsonl there, and of chat.jsonl, which build.py wrote,
                                                       old.jsonl and oldsums.jsonl
more.py --check                                        reads more.txt alone, without the sources

The evaluation sets stay what build.py made them: their prompts are left out, and a form that is held out anywhere is an error.
"""

import argparse
import itertools
import json
import os
import random

import conversation
import evalsets
import explain
import memory
import outside
import phrasing
import rows as drawing
import setfiles
import surface
import tabled
import talk
import text
import turns
import world as worlds

SEED = 23
VALID = 300
# Further questions about a thing whose row asks what it is, and about why something is so.
TOPIC = {"q": ["what is meant by {t}", "what does one understand by {t}", "how would you explain {t}", "how do you define {t}", "what exactly is meant by {t}", "what do people mean by {t}"],
         "n": ["the meaning of {t}", "a definition of {t}", "an explanation of {t}", "a short explanation of {t}"]}
WHY = {"q": ["what is the reason that {c}", "for what reason is it that {c}", "why is it that {c}", "how can it be that {c}", "how is it that {c}", "is there a reason why {c}"],
       "n": ["the cause why {c}", "a reason why {c}", "the explanation why {c}"]}
WORK = {"q": ["what is the working of {w}", "in what way does {w} work", "how come {w} works", "what lets {w} work", "what happens in {w}", "how is it that {w} works"]}
# Rows drawn: of each explanation and intent of small talk, and of the kinds that stand for themselves.
SINGLE = {"explain": 44, "talk": 110}
OTHERS = {"singles": 2.0, "sums": 4500, "stories": 1400, "refusals": 9000, "real": 0.1, "systems": 4000, "talks": 5000}
PAIRS = 17000
OLD, OLD_SUMS = 0.06, 0.4
SHOUTED = 0.12
# Second turns by kind: those that were weak most of all.
WEAK = [("why", 10), ("shorter", 11), ("again", 9), ("talk", 15), ("asked_again", 12), ("meant_subject", 9), ("meant_noun", 5), ("more", 8), ("sure", 6), ("same_relation", 9),
        ("other_noun", 6), ("there", 6), ("animal_it", 3), ("new_fact", 5), ("refused", 6), ("joke", 4), ("another_story", 1), ("story_detail", 3), ("go_on_counting", 5), ("said", 3)]
FIRST = {"why": "fact", "shorter": "fact", "again": "fact", "meant_subject": "fact", "meant_noun": "fact", "more": "fact", "sure": "fact", "same_relation": "fact", "other_noun": "fact",
         "there": "fact", "animal_it": "fact", "asked_again": "said", "joke": "fun", "another_story": "story", "story_detail": "story", "go_on_counting": "a_sum"}


class Forms:
    """Puts further forms where the old ones stand; a held-out one is refused."""

    def __init__(self, explained, talked, others=()):
        self.explanations, self.talks, self.refused, self.added = explained, talked, [], 0
        self.held = set(phrasing.HELD)
        for f in (*explained, *talked, *others):
            for _, held in f.phrasing.cores.values():
                self.held.update(phrasing.normal(form.replace("{x}", f.subject)) for form in held)
        lists = [v for v in vars(turns).values() if isinstance(v, tuple) and len(v) == 2 and isinstance(v[0], list)]
        lists += [kind[i] for kind in memory.FORMS.values() for i in (0, 2)] + list(outside.KINDS.values())
        self.held.update(phrasing.normal(form) for _, held in lists for form in held)
        self.held.update(phrasing.normal(form) for name, kind in outside.KINDS.items() if name.startswith("~") for form in kind[0])

    def add(self, where, forms):
        for form in forms:
            if phrasing.normal(form) in self.held:
                self.refused.append(form)
            elif form not in where:
                where.append(form)
                self.added += 1

    def ask(self, f, kind, forms):
        self.add(f.phrasing.cores[kind][0], forms)
        if kind == "q":
            self.add(f.phrasing.cores["i"][0], [said for said in map(phrasing.indirect, forms) if said])
        f.phrasing.kinds = [k for k in "qqqqiinnnsskktrrr" if f.phrasing.cores[k][0]]

    def by_rule(self, f, first):
        """What the form of the row's first question allows."""
        said = explain.clause(first)
        if not said:
            return
        word, rest = said
        topic = rest.removesuffix(" is").removesuffix(" are") if word == "what" and rest.endswith((" is", " are")) else None
        for rules, slot, value in ((TOPIC, "{t}", topic), (WHY, "{c}", rest if word == "why" else None), (WORK, "{w}", rest.removesuffix(" works") if word == "how" and rest.endswith(" works") else None)):
            for kind, forms in rules.items() if value else ():
                self.ask(f, kind, [form.replace(slot, value) for form in forms])

    def explained(self, line_by_subject, row):
        first, forms = row.split(" = ", 1)
        f = next((f for f in self.explanations if f.relation == "explain" and f.subject == first), None)
        if f is None:
            raise SystemExit(f"more.txt: explain.txt has no row that begins with {first!r}")
        self.ask(f, "q", forms.split("|"))
        self.by_rule(f, line_by_subject[first])

    def talked(self, row):
        first, forms = row.split(" = ", 1)
        f = next((f for f in self.talks if f.subject.split("/", 1)[1] == first), None)
        if f is None:
            raise SystemExit(f"more.txt: talk.txt has no row that begins with {first!r}")
        for saying in forms.split("|"):
            kind = "q" if talk.QUESTION.match(saying) and not f.subject.startswith("leaving") else "r"
            self.ask(f, kind, [saying])

    def all(self):
        firsts = (line.split(" = ")[0].split("|")[0] for line in tabled.lines("explain.txt"))
        line_by_subject = {first.translate({ord("["): None, ord("]"): None}): first for first in firsts}
        for name, section in tabled.sections("more.txt").items():
            what, _, rest = name.partition(" ")
            forms = [form for row in section for form in row.split("|") if form]
            if what == "explain":
                for row in section:
                    self.explained(line_by_subject, row)
            elif what == "talk":
                for row in section:
                    self.talked(row)
            elif what == "turn":
                self.add(getattr(turns, rest)[0], forms)
            elif what == "memory":
                kind, part = rest.split(" ")
                self.add(memory.FORMS[kind][0 if part == "said" else 2][0], forms)
            else:
                self.add(outside.KINDS[rest][0], forms)
        if self.refused:
            raise SystemExit("more.txt: held out elsewhere: " + " | ".join(self.refused))


def pairs(rng, drawer, count, weak=WEAK):
    """Conversations of two or three turns, the last of a weak kind: [(kind, share)]."""
    m = drawer.maker
    for _ in range(count):
        s, talk = conversation.State(), []
        kind = rng.choices(*zip(*weak))[0]
        first = FIRST.get(kind) or rng.choices(*zip(*conversation.FIRST))[0]
        turn = m.first(rng, s, first)
        if turn is None:
            continue
        if kind == "why" and rng.random() < 0.6:
            f = rng.choice(m.world.why)
            turn = (f.ask(rng), f.answer, f)
        m.after(s, turn, first)
        talk.append((turn[0], turn[1], first, turn[2]))
        if kind == "asked_again" and rng.random() < 0.5:
            turn = m.turns.fact(rng)
            m.after(s, turn, "fact")
            talk.append((turn[0], turn[1], "fact", turn[2]))
        last = m.follow(rng, s, kind)
        if not last:
            continue
        talk.append((last[0], last[1], kind, last[2]))
        messages = m.row(rng, talk)
        if messages and drawer.allowed(messages):
            yield {"messages": messages, "group": "pair:" + kind}


def shouted(rng, drawer, row):
    """The same row with its last question shouted."""
    message = row["messages"][-2]
    said = {**message, "content": surface.shout(rng, message["content"])}
    messages = [*row["messages"][:-2], said, row["messages"][-1]]
    return {**row, "messages": messages} if drawer.allowed(messages) else None


def drawn(rng, drawer):
    w, made = drawer.world, []
    for items, name in ((w.why, "explain"), (w.talked, "talk")):
        made += [drawer.one(rng, f, name) for f in items for _ in range(SINGLE[name])]
    o = OTHERS
    made += itertools.chain(drawer.singles(rng, o["singles"]), drawer.sums(rng, o["sums"]), drawer.stories(rng, o["stories"]), drawer.refusals(rng, o["refusals"], o["real"]),
                            drawer.systems(rng, o["systems"]), drawer.talks(rng, o["talks"]), drawer.examples(12), pairs(rng, drawer, PAIRS))
    made = [row for row in made if row]
    made = [rng.random() < SHOUTED and row["group"] not in ("spell", "example") and shouted(rng, drawer, row) or row for row in made]
    rng.shuffle(made)
    return made


def tested(*folders):
    """The keys of all prompts of the evaluation sets."""
    return {evalsets.key(row["messages"]) for row in setfiles.everything(*folders)}


def checked(sets):
    """Fails where a further form is held out, or is a whole prompt of a test."""
    further = Forms(list(explain.explanations()), list(talk.talk()))
    further.all()
    tests = tested(*sets)
    forms = [form for section in tabled.sections("more.txt").values() for row in section for form in row.split(" = ")[-1].split("|")]
    both = [form for form in forms if phrasing.normal(form) in tests]
    if both:
        raise SystemExit("more.txt: prompts of a test: " + " | ".join(both))
    print(f"more.txt: {further.added} further forms, none of them held out or in {len(tests)} tests")


def keep_old(out):
    """A share of the base's first rows, and more of its sums: what is not to be forgotten."""
    rng = random.Random(5)
    with (open(os.path.join(out, "chat.jsonl"), encoding="utf-8") as chat, open(os.path.join(out, "old.jsonl"), "w", encoding="utf-8") as old,
          open(os.path.join(out, "oldsums.jsonl"), "w", encoding="utf-8") as sums):
        for line in chat:
            if '"group": "sum' in line[-60:]:
                if rng.random() < OLD_SUMS:
                    sums.write(line)
            elif rng.random() < OLD:
                old.write(line)


def build(data, sets, out):
    rng = random.Random(SEED)
    sources = text.Sources(data)
    world = worlds.World(sources)
    owner, forms = {}, []
    for f in world.single:
        for form in drawing.plain_forms(f):
            forms.append(form)
            owner.setdefault(phrasing.normal(form), f.answer)
    real = [q for q, held in outside.real_questions(sources, outside.Overlap(forms)) if not held]
    maker = conversation.Maker(world, outside.Outside(world.known))
    further = Forms(world.explained, world.talked, world.single)
    further.all()
    drawer = drawing.Drawer(maker, tested(*sets), owner, real)
    made = drawn(rng, drawer)
    for name, part in (("more.jsonl", made[VALID:]), ("more_valid.jsonl", made[:VALID])):
        with open(os.path.join(out, name), "w", encoding="utf-8") as f:
            for row in part:
                f.write(json.dumps({"messages": row["messages"], "group": row["group"]}, ensure_ascii=False) + "\n")
    keep_old(out)
    print(f"{further.added} further forms, {len(made)} rows; {drawer.dropped} prompts were left out, because they are tests or mean something else")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--sets", default=evalsets.FOLDERS)
    parser.add_argument("--out", default="out/tini-data")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    if args.check:
        checked(args.sets.split(","))
    else:
        build(args.data, args.sets.split(","), args.out)
