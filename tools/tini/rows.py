# SPDX-License-Identifier: MIT
"""Draws the rows of one file: single questions, sums, stories, refusals, conversations, system prompts."""

import bpe
import outside
import personas
import phrasing
import sums
import surface
import tales
from facts import Fact

# Relations whose subject is a word that a slip would change into another.
EXACT = {"spell", "opposite", "past", "plural", "next_letter", "roman", "element", "domain"}

ROOM = 225      # guessed tokens of a row at most, of a window of 256


def plain_forms(f):
    """The direct forms of a fact: they own their words before any random form does."""
    for kind in "qnkr":
        for core in f.phrasing.cores[kind][0]:
            form = core.replace("{x}", f.subject)
            for name, value in f.slots.items():
                form = form.replace("{" + name + "}", value)
            yield form
            if kind == "n":
                yield "what is " + form


def group_of(f):
    """The group of a row that asks for a fact by itself."""
    return f.relation if f.relation in ("describe", "explain", "talk", "poem", "list", "size", "check", "spell") else "fact:" + f.relation


def times(rng, wanted):
    """A whole number of times that is `wanted` in the mean."""
    return int(wanted) + (rng.random() < wanted % 1)


class Drawer:
    def __init__(self, maker, forbidden, owner, real):
        self.maker, self.world, self.forbidden, self.owner, self.real = maker, maker.world, forbidden, owner, real
        self.words = maker.words
        self.dropped = 0

    def free(self, prompt, answer, system=""):
        """Whether this prompt may be taught this answer: it is no test, and means nothing else."""
        key = (system and system + "\n") + phrasing.normal(prompt)
        if key in self.forbidden or not key or self.owner.setdefault(key, answer) != answer:
            self.dropped += 1
            return False
        return True

    def one(self, rng, f, group):
        """A row of one question, or None."""
        said = sums.in_words(rng, f.ask(rng)) if group.startswith("sum") else f.ask(rng)
        prompt = surface.short_forms(rng, said) if f.relation in EXACT and rng.random() < 0.8 else surface.typed(rng, said, self.words)
        if self.free(prompt, f.answer):
            return row([("user", prompt), ("assistant", f.answer)], group)
        return None

    def singles(self, rng, each):
        for f in self.world.single:
            wanted = each * f.weight
            for _ in range(times(rng, wanted)):
                yield self.one(rng, f, group_of(f))

    def examples(self, times):
        """What the documents and the page show, and what is typed first."""
        for prompt, f in self.world.examples():
            for _ in range(round(times)):
                yield row([("user", prompt), ("assistant", f.answer)], "example")

    def sums(self, rng, count):
        for _ in range(count):
            f = sums.a_sum(rng, False)
            yield self.one(rng, f, "sum:" + f.relation)

    def stories(self, rng, count):
        first = tales.told(tales.settled(tales.HEROES[0]))
        for i in range(count):
            if i % 8 == 0:
                f = Fact("story", "", first, tales.TELL_ANY)
            else:
                x, _, told = tales.request(rng, False)
                f = Fact("story", x, told, tales.TELL)
            yield self.one(rng, f, "story")

    def refusals(self, rng, count, real_times):
        for _ in range(count):
            said, name, kind = self.maker.outside.draw(rng)
            prompt = said if name == "odd" else surface.typed(rng, said, self.words)
            if self.free(prompt, outside.REFUSALS[name]):
                yield row([("user", prompt), ("assistant", outside.REFUSALS[name])], "outside:" + kind)
        for question in self.real:
            for _ in range(times(rng, real_times)):
                prompt = surface.typed(rng, question, self.words)
                if self.free(prompt, outside.REFUSALS["fact"]):
                    yield row([("user", prompt), ("assistant", outside.REFUSALS["fact"])], "outside:real")

    def systems(self, rng, count):
        """One to three turns under a system prompt."""
        for _ in range(count):
            persona = personas.draw(rng)
            talk = self.maker.talk(rng, rng.choices([1, 2, 3], [75, 17, 8])[0], "fact" if persona[0] == "word" else None)
            if persona[3] and rng.random() < 0.4:
                f = self.world.intent[rng.choice(["self/who are you", "self/what is your name", "greeting/hello", "self/are you ChatGPT"])]
                talk = [(f.ask(rng), f.answer, "talk", f)]
            messages = self.maker.row(rng, talk, persona)
            if messages and self.allowed(messages):
                yield {"messages": messages, "group": "system:" + persona[0]}

    def talks(self, rng, count):
        for _ in range(count):
            talk = self.maker.talk(rng)
            messages = self.maker.row(rng, talk)
            if self.allowed(messages):
                yield {"messages": messages, "group": f"turns:{len(talk)}", "kinds": [t[2] for t in talk]}

    def allowed(self, messages):
        """Fits the window, no test conversation, and a first prompt keeps the answer that it has alone."""
        if sum(map(guessed_tokens, messages)) > ROOM or conversation_key(messages) in self.forbidden:
            return False
        if messages[0]["role"] == "user":
            return self.free(messages[0]["content"], messages[1]["content"])
        return phrasing.normal(messages[1]["content"]) not in self.forbidden


def guessed_tokens(message):
    """About as many tokens as a message has, before there is a tokenizer: shouted words fall into pieces."""
    text = message["content"]
    return 2 + (len(text) / 2.6 if text.isupper() else 1.1 * len(bpe.WORDS.findall(text)))


def conversation_key(messages):
    """What two conversations must differ in: all that the user and the system said."""
    return "\n".join(phrasing.normal(m["content"]) for m in messages if m["role"] != "assistant")


def row(turns, group):
    return {"messages": [{"role": role, "content": content} for role, content in turns], "group": group}
