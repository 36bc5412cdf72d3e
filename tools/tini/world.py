# SPDX-License-Identifier: MIT
"""All that tini knows, by relation and by subject, and what follows after an answer."""

import describe
import explain
import facts
import naming
import sums
import tales
import talk
from facts import Fact

COUNTRY = ("capital", "currency", "language", "location", "population", "borders", "demonym", "coast")
# Relations of a country by short names ("And the currency?"), and asked with "there" or "it".
NOUNS = {"capital": "capital|capital city", "currency": "currency|money", "language": "language|languages", "population": "population|number of people",
         "borders": "neighbours|neighbors", "location": "continent"}
THERE = {
    "capital": "what is its capital|what is the capital there|which city is its capital|what is the capital of that country|~which city is the capital there",
    "language": "what language do they speak there|what language is spoken there|what do people speak there|which language do people speak there|what is its language|what languages do they speak|~which language is used there|~what do they speak over there",
    "currency": "what currency do they use there|what money do they use there|what is its currency|how do people pay there|what money do people use there|~with what money do they pay there|~what is the money there",
    "population": "how many people live there|what is its population|how many people are there in that country|~how many inhabitants does it have|~how large is its population",
    "location": "where is it|where is that|which continent is it on|where is that country|~on which continent is it|~in which part of the world is that",
    "borders": "which countries border it|what are its neighbours|which countries are next to it|~what countries are around it",
    "demonym": "what are people from there called|what do you call people from there|~what is a person from there called",
    "coast": "does it have a coast|is it landlocked|is it by the sea|~does it lie on the sea"}
ANIMAL = {
    "sound": "what sound does it make|what noise does it make|what does it say|~which sound does it make",
    "young": "what is its young called|what is its baby called|what do you call its young|~what is a young one called",
    "home": "where does it live|what is its home|~what is its home called",
    "legs": "how many legs does it have|how many legs has it got|~on how many legs does it walk",
    "eats": "what does it eat|what does it like to eat|what is its food|~what do you feed it",
    "kind": "what kind of animal is it|what type of animal is it|~what sort of animal is it"}
CHECKS = {
    "capital": "is {y} the capital of {x}|is the capital of {x} {y}|{y} is the capital of {x}, right|is {y} {x}'s capital|~so {y} is the capital of {x}|~is it true that {y} is the capital of {x}",
    "currency": "do people in {x} pay with the {y}|does {x} use the {y}|is the {y} the currency of {x}|~is it true that {x} uses the {y}",
    "location": "is {x} in {y}|is {x} part of {y}|does {x} lie in {y}|is {x} a country in {y}|~is it true that {x} is in {y}",
    "city": "is {x} in {y}|is {x} a city in {y}|does {x} lie in {y}|~is it true that {x} is in {y}",
    "color": "is {x} {y}|are you sure that {x} is {y}|~is it true that {x} is {y}",
    "element": "is {y} the symbol of {x}|is the symbol of {x} {y}|~is it true that {y} stands for {x}"}


class World:
    def __init__(self, sources):
        self.facts = facts.all_facts(sources)
        self.described = list(describe.all_descriptions(sources))
        self.explained = list(explain.explanations())
        self.why = [f for f in self.explained if f.relation == "explain"]   # the everyday ones, without what is described
        self.talked = list(talk.talk())
        self.listed = list(naming.lists())
        self.sized = list(naming.sizes(False))
        self.by = {}
        for f in self.facts:
            self.by.setdefault(f.relation, {})[f.subject] = f
        self.descriptions = {f.subject.lower(): f for f in [*self.described, *(e for e in self.explained if e.relation == "describe")]}
        self.lies_in = {f.subject: f.value for f in self.facts if f.relation in ("city", "capital_of")}
        self.intent = {f.subject: f for f in self.talked}
        self.checked = list(self.checks())
        self.known = {"country": [c for c in self.by["capital"]], "city": [f.subject for f in self.facts if f.relation == "city"] +
                      [f.value for f in self.by["capital"].values()],
                      "animal": [f"{facts.article(x)} {x}" for x in self.by["kind"]], "knownbook": list(self.by["book"]),
                      **{r: list(self.by[r]) for r in ("river", "landmark", "born", "painting", "inventor", "planet", "element", "job", "use", "instrument")}}
        words = [w for w in [*self.by["kind"], *naming.SPELLED, *facts.DAYS, *facts.MONTHS] if w.isalpha()]
        self.spelled = list(naming.spellings(dict.fromkeys(words)))
        self.single = [*self.facts, *self.spelled, *self.explained, *self.described, *self.talked, *self.listed, *self.sized, *self.checked, *self.poems()]

    def examples(self):
        """(prompt, fact): what the documents and the page show, and what is typed first."""
        yield from [("What's the capital of France?", self.by["capital"]["France"]), ("What is the capital of France?", self.by["capital"]["France"]),
                    ("Where is Paris?", self.by["city"]["Paris"]), ("Why is the sky blue?", next(f for f in self.explained if f.subject == "why is the sky blue"))]
        for form in ("What do you know about Amsterdam?", "What do you know about the city of Amsterdam?", "Tell me about Amsterdam."):
            yield form, self.descriptions["amsterdam"]
        for prompt, name in (("Hello", "greeting/hello"), ("Hello!", "greeting/hello"), ("How are you?", "greeting/how are you"), ("Who are you?", "self/who are you"),
                             ("What can you do?", "self/what can you do"), ("What is your name?", "self/what is your name"), ("Tell me a joke.", "fun/tell me a joke")):
            yield prompt, self.intent[name]

    def poems(self):
        for hero in tales.HEROES:
            yield Fact("poem", tales.article(hero), tales.rhymed(hero), tales.RHYME, {}, 0.25, 0.3)

    def checks(self):
        """Yes-or-no questions about the right value, and wrong ones: the answer is the fact."""
        for relation, forms in CHECKS.items():
            phrasing = facts.Phrasing({"q": forms})
            items = list(self.by[relation].values())
            values = [f.value for f in items]
            for i, f in enumerate(items):
                small = f.test <= 3 and relation in ("capital", "currency", "location")
                if small or not f.value or f.value == f.subject or relation == "capital" and f.value in f.subject:
                    continue
                wrong = [v for v in (values[(i + 1) % len(items)], values[(5 * i + 3) % len(items)]) if v != f.value]
                for value in (f.value, *wrong):
                    yield Fact("check", f.subject, f.answer, phrasing, {"y": value}, 0.25 if value == f.value else 0.15, 0.4, f.short, f.value, f.about)

    def more(self, f):
        """The fact that "tell me more" brings after this one."""
        if f.more:
            return Fact("more", f.subject, f.more, f.phrasing)
        for name in (f.about, f.about.removeprefix("the ")) if f.about else (f.subject + "s",) if f.relation in ANIMAL else ():
            d = self.descriptions.get(name.lower())
            if d and d.answer != f.answer:
                return d
        return Fact("more", f.subject, "I am sorry, that is all I know about it.", f.phrasing)

    def shorter(self, f):
        """The answer in fewer words, or ''."""
        if f.short:
            return f.short
        if f.relation == "describe" and f.answer.count(". ") >= 1:
            return f.answer.split(". ")[0] + "."
        return ""

    def country_of(self, f):
        """The country that 'there' means after this answer, or None."""
        if f.relation in COUNTRY or f.relation == "check" and f.subject in self.by["capital"] or f.relation == "describe" and f.subject in self.by["capital"]:
            return f.subject
        if f.relation in ("city", "capital_of"):
            return f.value
        return self.lies_in.get(f.subject) if f.relation == "describe" else None


def number(rng, wanted=False):
    return sums.a_sum(rng, wanted)
