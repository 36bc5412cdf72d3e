# SPDX-License-Identifier: MIT
"""The evaluation sets: forms, pairs, names and topics that the training never shows. Each row says what counts as right (judge.py)."""

import naming
import outside
import personas
import phrasing
import sums
import surface
import tales
from conversation import REFUSED
from facts import Fact
from turns import State

KINDS = ["same_relation", "other_noun", "there", "animal_it", "meant_subject", "meant_noun", "more", "why", "sure", "shorter", "again", "new_fact", "same_whole", "talk",
         "asked_again", "asked_later", "refused", "go_on_counting", "joke", "story_detail"]
NEUTRAL = "You are a helpful assistant."
HELD = [(1, 0), (0, 1), (1, 0), (1, 1)]     # (core held out, carrier held out)
GREETED = "greeting/"
FOLDERS = "tools/tini/sets,tools/tini/anew,tools/tini/stranger"     # of all sets; none of their prompts is a row of a training


def pick(rng, items, count, used):
    """Facts drawn by their share of the test, each once."""
    keys = sorted((f for f in items if f.test and id(f) not in used), key=lambda f: -(rng.random() ** (1 / f.test)))[:count]
    used.update(map(id, keys))
    return keys


def user(prompt, *before):
    return [*before, {"role": "user", "content": prompt}]


class Sets:
    def __init__(self, maker, real_held):
        self.maker, self.world, self.real_held = maker, maker.world, real_held

    def facts(self, rng, count=500):
        """Facts, explanations, lists, comparisons of things and yes-or-no questions, each in a held-out form."""
        w, used, rows = self.world, set(), []
        for items, n in ((w.facts, 0.62), (w.why, 0.18), (w.described, 0.06), (w.checked, 0.06), (list(w.listed), 0.04)):
            for i, f in enumerate(pick(rng, items, round(count * n), used)):
                held = HELD[i % 4] if f.phrasing.held_kinds else (0, 1)
                rows.append(self.fact_row(rng, f, held))
        for f in rng.sample(list(naming.sizes(True)), count - len(rows)):
            rows.append(self.fact_row(rng, f, rng.choice([(1, 0), (0, 1)])))
        return rows

    def fact_row(self, rng, f, held):
        prompt = surface.short_forms(rng, f.ask(rng, held))
        return {"group": f.relation, "form": {(1, 0): "core", (0, 1): "carrier", (1, 1): "both"}[held], "messages": user(prompt), "right": {"equals": [f.answer], **self.holds(f)}}

    @staticmethod
    def holds(f):
        return {"holds": [f.value]} if f.value else {}

    def second(self, rng, each=25):
        """Twenty kinds of later turns, each after a first turn in a form of the training."""
        rows = []
        for kind in KINDS:
            made = 0
            while made < each:
                row = self.later(rng, kind)
                if row:
                    rows.append(row)
                    made += 1
        return rows

    def later(self, rng, kind):
        s, m = State(), self.maker
        first = {"asked_again": "said", "asked_later": "said", "refused": "fact", "go_on_counting": "a_sum", "joke": "fun", "story_detail": "story",
                 "talk": rng.choice(["fact", "small_talk"])}.get(kind, "fact")
        turns = []
        turn = m.turns.said(rng, s, 1) if first == "said" else m.first(rng, s, first)
        if turn is None:
            return None
        if turn[2] is not None and first != "said":
            if kind == "why" and rng.random() < 0.5:
                f = rng.choice(self.world.why)
                turn = (None, f.answer, f)
            turn = (turn[2].ask(rng, (0, 0), 0), turn[1], turn[2])
        m.after(s, turn, first)
        turns.append(turn)
        if kind == "asked_later":
            for _ in range(rng.choice([1, 1, 2])):
                turn = m.turns.fact(rng)
                turn = (turn[2].ask(rng, (0, 0), 0), turn[1], turn[2])
                m.after(s, turn, "fact")
                turns.append(turn)
        last = m.follow(rng, s, "asked_again" if kind == "asked_later" else kind, 1)
        if not last:
            return None
        before = [message for said, answer, _ in turns for message in ({"role": "user", "content": said}, {"role": "assistant", "content": answer})]
        right = {"equals": [last[1]]}
        if last[1] in REFUSED:
            right = {"refuses": True}
        return {"group": kind, "messages": user(last[0], *before), "right": right}

    def system(self, rng, pairs=125, changed=200):
        """The same questions without a system prompt, with LAD's, with an unseen neutral one; then prompts that change the answer."""
        rows, used = [], set()
        for i, f in enumerate(pick(rng, [*self.world.facts, *self.world.why], pairs, used)):
            prompt = f.ask(rng, (0, 1) if i % 2 or not f.phrasing.held_kinds else (1, 0))
            unseen = personas.draw(rng, 1, "neutral")[1]
            for name, system in (("none", None), ("helpful", NEUTRAL), ("unseen", unseen)):
                before = [{"role": "system", "content": system}] if system else []
                rows.append({"group": name, "pair": i, "messages": user(prompt, *before), "right": {"equals": [f.answer], **self.holds(f)}})
        kinds = [k for k in personas.KINDS if k != "neutral"]
        i = 0
        while len(rows) < 3 * pairs + changed:
            kind, system, rule, name = personas.draw(rng, 1, kinds[i % len(kinds)])
            f = rng.choices(self.maker.turns.country, self.maker.turns.country_weights)[0]
            if name:
                f = self.world.intent[rng.choice(["self/who are you", "self/what is your name"])]
            answer = personas.changed(f.answer, f.short, rule, name)
            if answer:
                rows.append({"group": "persona:" + kind, "messages": user(f.ask(rng), {"role": "system", "content": system}), "right": {"equals": [answer], "case": True}})
                i += 1
        return rows

    def small_talk(self, rng, count=500):
        """Sayings that the training never shows, clean, hurried or with other marks; greetings may answer as any greeting does."""
        greetings = [f.answer for f in self.world.talked if f.subject.startswith(GREETED)]
        rows = []
        for f in self.world.talked:
            for kind in "qr":
                for form in f.phrasing.cores[kind][1]:
                    said = form[:1].upper() + form[1:] + ("?" if kind == "q" else rng.choice([".", "!", ""]))
                    right = {"equals": greetings if f.subject.startswith(GREETED) and "how are you" not in f.subject else [f.answer]}
                    for typed in (said, rng.choice([surface.plain, surface.marks, surface.shout])(rng, said)):
                        rows.append({"group": f.subject.split("/")[0], "messages": user(typed), "right": right})
        rng.shuffle(rows)
        return rows[:count]

    def told(self, rng, count=500):
        """Stories with unseen combinations, poems, descriptions and explanations: judged by how they are written."""
        rows = []
        for i in range(round(count * 0.5)):
            x, details, _ = tales.request(rng, True)
            f = Fact("story", x, "", tales.TELL)
            held = [(1, 0), (0, 1)][i % 2]
            rows.append({"group": "story", "messages": user(f.ask(rng, held)), "right": {"written": 25, "holds": [details["w"], details["N"]] if details["N"] in x else [details["w"]]}})
        w, used = self.world, set()
        poems = [f for f in w.single if f.relation == "poem"]
        described = [f for f in w.described]
        for items, share, least in ((poems, 0.1, 15), (described, 0.2, 10), (w.why, 0.2, 6)):
            for f in pick(rng, items, round(count * share), used):
                held = (1, 0) if f.phrasing.held_kinds and rng.random() < 0.5 else (0, 1)
                rows.append({"group": f.relation, "messages": user(f.ask(rng, held)), "right": {"written": least}})
        return rows

    def unknown(self, rng, count=500):
        """Questions outside: held-out forms and things of the taught kinds, kinds never taught, and real questions of fields never taught."""
        rows, seen = [], set()
        while len(rows) < round(count * 0.7):
            said, _, kind = self.maker.outside.draw(rng, 1)
            if phrasing.normal(said) in seen:
                continue
            seen.add(phrasing.normal(said))
            whole = any(name.removeprefix("~").split(" ")[0] == kind and name.startswith("~") for name in outside.KINDS)
            rows.append({"group": ("new " if whole else "") + kind, "messages": user(said), "right": {"refuses": True}})
        for q in rng.sample(self.real_held, count - len(rows)):
            rows.append({"group": "new real", "messages": user(q), "right": {"refuses": True}})
        return rows

    def typed(self, rng, pairs=125):
        """The same question clean, misspelt, shouted and unpunctuated."""
        rows, used = [], set()
        items = [f for f in [*self.world.facts, *self.world.why]
                 if f.relation not in ("opposite", "past", "plural", "next_letter", "roman", "element", "domain")]
        for i, f in enumerate(pick(rng, items, pairs, used)):
            prompt = f.ask(rng, (0, 1) if i % 2 or not f.phrasing.held_kinds else (1, 0))
            for name, way in (("clean", lambda r, t: t), ("misspelt", lambda r, t: surface.misspell(r, t, self.maker.words)),
                              ("shouted", surface.shout), ("unpunctuated", surface.plain)):
                rows.append({"group": name, "pair": i, "messages": user(way(rng, prompt)), "right": {"equals": [f.answer], **self.holds(f)}})
        return rows

    def numbers(self, rng, count=500):
        """Sums, differences and comparisons of pairs never shown, in forms of the training and in others; beside them the small ones."""
        rows = []
        while len(rows) < count:
            f = sums.a_sum(rng, len(rows) % 4 != 3)
            held = [(1, 0), (0, 1), (0, 0), (0, 0)][len(rows) % 4]
            if f.relation == "apples":
                held = (0, 1)
            rows.append({"group": f.relation, "form": {(1, 0): "core", (0, 1): "carrier", (0, 0): "seen"}[held], "messages": user(f.ask(rng, held)),
                         "right": {"equals": [f.answer], **({"holds": [f.value]} if f.value else {})}})
        return rows

    def all(self, rng):
        """{name: rows}; each row has an id."""
        made = {"facts": self.facts(rng), "second": self.second(rng), "system": self.system(rng), "talk": self.small_talk(rng), "told": self.told(rng),
                "outside": self.unknown(rng), "typed": self.typed(rng), "sums": self.numbers(rng)}
        for name, rows in made.items():
            for i, row in enumerate(rows):
                row["id"] = f"{name}-{i}"
        return made


def key(messages):
    """What two prompts must differ in: all that the user and the system said."""
    return "\n".join(phrasing.normal(m["content"]) for m in messages if m["role"] != "assistant")
