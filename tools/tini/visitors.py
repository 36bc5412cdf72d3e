# SPDX-License-Identifier: MIT
"""What visitors say beside the tables: intents of small talk of their own ([new SECTION] in visitors.txt and guests.txt), their sayings once more by
themselves, and later turns that look further back than one answer."""

import re

import conversation
import tabled
import talk
import turns
import widen
from rows import times
from world import NOUNS

BEFORE = "I am sorry, that is all I know about it."
# What may follow small talk: its list of forms in turns.py, and the answer.
AFTER_TALK = (("WHY", turns.WHY_REFUSED), ("SURE", "Yes, I am sure."), ("MORE", BEFORE))
BACK_TO = """Back to {x}. What is its {r}?|Back to {x}: the {r}?|Let us go back to {x}. What is the {r} there?|Earlier we talked about {x}. What is its {r}?|And the {r} of {x}, which we had before?|You told me about {x}. What about its {r}?|
Coming back to {x}, what is its {r}?|As for {x}, what is its {r}?|back to {x}, its {r}?|again {x}, what is the {r}|And {x}, what was its {r}?|once more about {x}: what is its {r}|Returning to {x}, tell me its {r}.|Now {x} again. Its {r}?|
I forgot to ask about {x}: what is its {r}?|One more thing about {x}. What is its {r}?|Still about {x}, what is the {r}?|And what is the {r} of {x}, by the way?|remember {x}? what is its {r}|We had {x}. Its {r}, please.""".split("|")
LATER = """And what is the {r} of that country?|What is the {r} of the country we talked about?|And that country's {r}?|Back to that country, what is its {r}?|And its {r}, of the country I mean?|What was the {r} of that country?|
that country, what is its {r}|about the country again: its {r}?|And the {r} there, in that country?|Let us go back to the country. What is its {r}?|Do you know the {r} of that country too?|the {r} of that country please|One more about the country: its {r}?|
And in the country from before, what is the {r}?|What is the {r} of the country from before?|the country before, its {r}?|And the {r} of the country I asked about?|the country i asked about, whats the {r}""".split("|")
ORDINAL = """What is the {r} of the {o} country?|And the {r} of the {o} one?|The {o} country, what is its {r}?|Of the {o} one, what is the {r}?|the {o} one, its {r}?|For the {o} country, tell me the {r}.|Go back to the {o} country. What is its {r}?|
And what is the {r} of the {o} country?|the {r} of the {o} country please|I want the {r} of the {o} one.|Back to the {o} one: the {r}?|and the {o} country's {r}""".split("|")
PEOPLE = """Which one has more people?|Which of the two has more people?|Which one is bigger by population?|Where do more people live?|Which country has more people?|And which has more people?|which one has more people|Who has more people?|Which of them has the larger population?|
Which of these two has more inhabitants?|Which one is more populous?|Do more people live in {a} or {b}?|Has {a} more people than {b}?|Is {a} more populous than {b}?|Which of both has the bigger population?|So which one has more people?|more people in which one|
And which of them has more inhabitants?|Compare them, which has more people?|Which has the greater population?""".split("|")
SCALE = {"thousand": 1e3, "million": 1e6, "billion": 1e9}


FILES = ("visitors.txt", "guests.txt")


def intents(file, held):
    """Facts of the [new ..] sections."""
    for name, rows in tabled.sections(file).items():
        if name.startswith("new "):
            for row in rows:
                forms, answer = row.rsplit(" = ", 1)
                sayings = [form for form in widen.forms_of(forms) if widen.key(form) not in held]
                yield talk.intent(f"{name[4:]}/{sayings[0]}", sayings, answer)


def add(world, held):
    for file in FILES:
        for f in intents(file, held):
            world.talked.append(f)
            world.single.append(f)
            world.intent[f.subject] = f


def alone(rng, drawer, file, held, each):
    """Every saying of this file's small talk, drawn so many times; in the tables it is one of very many."""
    answers = {f.subject.split("/", 1)[1]: f.answer for f in drawer.world.talked}
    for name, rows in tabled.sections(file).items():
        if name == "talk" or name.startswith("new "):
            for row in rows:
                first, forms = row.split(" = ", 1) if name == "talk" else row.rsplit(" = ", 1)[::-1]
                for form in widen.forms_of(forms):
                    if widen.key(form) not in held:
                        f = talk.intent(f"alone/{form}", [form], answers.get(first, first))
                        for _ in range(times(rng, each)):
                            yield drawer.one(rng, f, "talk")


def people(text):
    """The number that a population's words give, or None."""
    found = re.search(r"([0-9][0-9.,]*) *(thousand|million|billion)?", text)
    return found and float(found[1].rstrip(".,").replace(",", "")) * SCALE.get(found[2], 1)


class Turns(turns.Turns):
    def after_talk(self, rng, s, held):
        """Why, really, tell me more: after small talk, of which there is no more to say."""
        if not s.last or s.last.relation != "talk" or s.last.subject.split("/")[0] not in ("self", "feeling", "fun"):
            return None
        name, answer = rng.choice(AFTER_TALK)
        return rng.choice(getattr(turns, name)[held]), answer, s.last

    def of(self, rng, s, country, forms, **slots):
        """A noun of this country by one of the forms."""
        names = [r for r in NOUNS if country in self.world.by[r] and (country, r) not in s.asked]
        if not names:
            return None
        f = self.world.by[rng.choice(names)][country]
        form = rng.choice(forms).strip()
        return widen.filled(form, {"r": rng.choice(NOUNS[f.relation].split("|")), **slots}), f.answer, f

    def countries(self, s):
        return list(dict.fromkeys(country for country, _ in s.asked))

    def back_to(self, rng, s, held):
        """A country from further up, by its name."""
        now = s.last and self.world.country_of(s.last)
        earlier = [c for c in self.countries(s) if c != now]
        if not earlier or held:
            return None
        country = rng.choice(earlier)
        return self.of(rng, s, country, BACK_TO, x=country)

    def pronoun_later(self, rng, s, held):
        """The one country that was spoken of, after something else."""
        countries = self.countries(s)
        if len(countries) != 1 or held or s.last and self.world.country_of(s.last):
            return None
        return self.of(rng, s, countries[0], LATER)

    def ordinal(self, rng, s, held):
        """The first or the second of two countries."""
        countries = self.countries(s)
        if len(countries) != 2 or held:
            return None
        at = rng.randrange(2)
        return self.of(rng, s, countries[at], ORDINAL, o=rng.choice((("first", "first", "former", "1st"), ("second", "second", "last", "latter", "2nd"))[at]))

    def more_people(self, rng, s, held):
        """Which of two countries has more people."""
        countries = self.countries(s)
        if len(countries) != 2 or held or any(c not in self.world.by["population"] for c in countries):
            return None
        size = {c: people(self.world.by["population"][c].value) for c in countries}
        if None in size.values() or max(size.values()) < 1.2 * min(size.values()):
            return None
        more, fewer = sorted(countries, key=lambda c: -size[c])
        form = rng.choice(PEOPLE).strip()
        if "{a}" in form:
            rng.shuffle(countries)
            form = form.replace("{a}", countries[0]).replace("{b}", countries[1])
        return form, f"{more[:1].upper() + more[1:]} has more people than {fewer}.", None


class Maker(conversation.Maker):
    """Remembers which countries were spoken of, and which of their facts."""

    def __init__(self, world, unknown):
        super().__init__(world, unknown)
        self.turns = Turns(world, unknown)

    def after(self, s, turn, kind):
        conversation.Maker.after(s, turn, kind)
        s.asked = getattr(s, "asked", [])
        country = turn[2] and self.world.country_of(turn[2])
        if country:
            s.asked.append((country, turn[2].relation))


FURTHER = ("back_to", "pronoun_later", "ordinal", "more_people")
BETWEEN = ("small_talk", "a_sum", "explained", "said")


def between(rng, turns, s):
    """A turn that has nothing to do with a country."""
    kind = rng.choice(BETWEEN)
    if kind == "said":
        return turns.said(rng, s, 0)
    f = rng.choice(turns.world.why) if kind == "explained" else None
    return (f.ask(rng), f.answer, f) if f else getattr(turns, kind)(rng)


def later(rng, drawer, count):
    """Conversations of two to five turns whose last one looks back over others."""
    m = drawer.maker
    for _ in range(count):
        s, said, kind = conversation.State(), [], rng.choice(FURTHER)
        steps = ["country"] + ["between"] * rng.choice([0, 0, 1]) + ["country"] * (kind != "pronoun_later") + ["between"] * rng.choice([1, 1, 2, 3] if kind == "pronoun_later" else [0, 0, 0, 1, 2])
        for step in steps:
            if step == "between":
                turn = between(rng, m.turns, s)
            elif said and rng.random() < 0.5:
                turn = m.follow(rng, s, "same_relation")
            else:
                f = rng.choices(m.turns.country, m.turns.country_weights)[0]
                turn = (f.ask(rng), f.answer, f)
            if turn:
                m.after(s, turn, step)
                said.append((turn[0], turn[1], step if turn[2] else "said", turn[2]))
        last = said and m.follow(rng, s, kind)
        messages = last and m.row(rng, [*said, (last[0], last[1], kind, last[2])])
        if messages and drawer.allowed(messages):
            yield {"messages": messages, "group": "later:" + kind}
