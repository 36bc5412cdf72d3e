# SPDX-License-Identifier: MIT
"""Puts turns together: a first turn, what follows, and a system prompt that may change every answer."""

import re

import outside
import personas
import surface
import tales
from turns import KINDS, State, Turns

LENGTHS = [(2, 46), (3, 26), (4, 14), (5, 9), (6, 5)]
FIRST = [("fact", 56), ("small_talk", 10), ("a_sum", 9), ("story", 7), ("said", 10), ("refused", 5), ("fun", 3), ("never_said", 2)]


class Maker:
    def __init__(self, world, unknown):
        self.world, self.turns, self.outside = world, Turns(world, unknown), unknown
        # Words of all subjects and values: no slip of the fingers may make one of them.
        self.words = frozenset(w for f in world.single for w in re.findall(r"[a-z]+", (f.subject + " " + f.value).lower()))

    def typed(self, rng, prompt, kind=""):
        """As it is typed; what has to be copied later, or names a thing in a word or two, has no slips."""
        if kind in ("said", "knock"):
            return rng.choice([prompt, prompt, prompt, surface.unmarked(rng, prompt), surface.short_forms(rng, prompt)])
        return surface.typed(rng, prompt, self.words)

    def first(self, rng, s, kind=None):
        """A first turn: (said, answer, fact), and the state after it."""
        kind = kind or rng.choices(*zip(*FIRST))[0]
        if kind == "story":
            x, s.story, told = tales.request(rng, False)
            return tales.TELL.ask(rng, x), told, None
        if kind == "said":
            return self.turns.said(rng, s, 0)
        if kind in ("refused", "never_said"):
            return getattr(self.turns, kind)(rng, s, 0)
        if kind == "fun":
            f = self.world.intent["fun/" + rng.choice(["tell me a joke", "tell me a fun fact", "tell me a joke", "knock knock"])]
            return f.ask(rng), f.answer, f
        return getattr(self.turns, kind)(rng)

    def follow(self, rng, s, kind, held=0):
        """A later turn of this kind, or None where it does not fit."""
        return getattr(self.turns, kind)(rng, s, held) or None

    @staticmethod
    def after(s, turn, kind):
        """What the turn leaves behind."""
        _, answer, fact = turn
        s.refused = kind == "refused" or answer in REFUSED
        if kind not in ("story", "story_detail", "another_story"):
            s.story = None
        if fact is not None or kind in ("refused", "story", "said", "asked_again", "never_said", "another_story", "story_detail", "knock"):
            s.last = fact
        s.told = answer

    def talk(self, rng, length=None, first=None):
        """[(said, answer, kind, fact)] of a whole conversation."""
        s, out = State(), []
        length = length or rng.choices(*zip(*LENGTHS))[0]
        kind = first or rng.choices(*zip(*FIRST))[0]
        turn = self.first(rng, s, kind)
        while turn is None:
            turn = self.first(rng, s, kind)
        self.after(s, turn, kind)
        out.append((turn[0], turn[1], kind, turn[2]))
        while len(out) < length:
            kind = rng.choices(*zip(*KINDS))[0]
            turn = self.follow(rng, s, kind)
            if turn:
                self.after(s, turn, kind)
                out.append((turn[0], turn[1], kind, turn[2]))
        return out

    def row(self, rng, talk, persona=None):
        """Messages of a conversation, as this persona would answer; None where it has nothing to say."""
        messages = []
        if persona:
            _, system, rule, name = persona
            messages.append({"role": "system", "content": system})
        for said, answer, kind, fact in talk:
            if persona:
                answer = personas.changed(answer, fact.short if fact else "", rule, name)
                if answer is None or rule in ("{upper}", "{lower}") and len(answer) > 170:
                    return None
            messages += [{"role": "user", "content": self.typed(rng, said, kind)}, {"role": "assistant", "content": answer}]
        return messages


REFUSED = set(outside.REFUSALS.values())
