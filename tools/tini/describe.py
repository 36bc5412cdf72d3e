# SPDX-License-Identifier: MIT
"""Descriptions ("What do you know about X?"): written by hand (topics.txt), or made from country facts."""

import re

import tabled
from facts import Fact, article, countries, listed, tables, upper
from phrasing import Phrasing

ABOUT = Phrasing({"t": "{x}"})
OF_CITY = Phrasing({"t": "{x}|{x}|the city of {x}|the city {x}", "q": "what is {x}|what kind of place is {x}", "k": "{x}|the city of {x}"})
OF_COUNTRY = Phrasing({"t": "{x}|{x}|the country {x}|the country of {x}", "q": "what is {x}|what kind of country is {x}", "k": "{x}|the country {x}"})
OF_PERSON = Phrasing({"t": "{x}", "q": "who was {x}|who is {x}|who was {x}|what was {x}|what did {x} do|what is {x} famous for|~what was {x} known for|~who exactly was {x}", "k": "{x}|{x} who"})
OF_ONE = Phrasing({"t": "{x}", "q": "what is {x}|what is {x}|what exactly is {x}|~what do people call {x}", "k": "{x}"})
OF_MANY = Phrasing({"t": "{x}", "q": "what are {x}|what are {x}|what exactly are {x}|~what do people call {x}", "k": "{x}"})
SURNAMES = """Einstein Newton Darwin Galilei Shakespeare Mozart Beethoven Columbus Caesar Lincoln Mandela Gandhi Armstrong Copernicus Picasso Bach Chopin Vivaldi Monet
Edison Gagarin Dickens Verne Twain Andersen Pasteur Nightingale Curie""".split()
OTHER_NAMES = {"Leonardo da Vinci": "Leonardo", "Vincent van Gogh": "van Gogh", "Galileo Galilei": "Galileo", "Napoleon": "Napoleon Bonaparte", "Martin Luther King": "Martin Luther King Jr",
               "Washington": "Washington D.C.", "New York": "New York City"}
SINGULAR = {"foxes": "fox", "mice": "mouse", "wolves": "wolf", "knives": "knife", "butterflies": "butterfly", "jellyfish": "jellyfish", "fish": "fish", "sheep": "sheep", "octopuses": "octopus",
            "potatoes": "potato", "cookies": "cookie", "mosquitoes": "mosquito", "mangoes": "mango", "axes": "axe", "geese": "goose", "moose": "moose", "reindeer": "reindeer", "salmon": "salmon",
            "oxen": "ox", "teeth": "tooth", "deer": "deer", "goldfish": "goldfish", "starfish": "starfish", "bison": "bison", "scarves": "scarf", "shelves": "shelf", "loaves": "loaf", "leaves": "leaf", "calves": "calf", "elves": "elf", "tomatoes": "tomato", "volcanoes": "volcano", "newspapers": "newspaper", "bridges": "bridge", "horses": "horse", "houses": "house"}
# What has no singular, or another meaning in it.
PLURAL_ONLY = set("trousers scissors glasses sunglasses jeans shorts pants pajamas pyjamas binoculars pliers tweezers noodles clothes stairs headphones tights chess drums cards taxes".split())
PLACE = "{city} is {what} {country}, a country in {region}. People there speak {languages}{paying}."


def of_country(c):
    kind = "a country" if c.code not in ("GRL", "PRI") else "an island"
    out = f"{upper(c.name)} is {kind} in {c.region}."
    if c.capital and len(c.languages) <= 4 and c.currency:
        out += (f" Its capital is {c.capital}, people there speak {listed(c.languages)}, "
                f"and the currency is the {c.currency}.")
    return out


def of_city(city, what, c):
    return PLACE.format(city=city, what=what, country=c.name, region=c.region, languages=listed(c.languages[:4]),
                        paying=f" and pay with the {c.currency}" if c.currency else "")


def asked_as(topic, answer, cities, countries_named):
    """How one asks for this topic, by what its description says of it."""
    if topic in countries_named:
        return OF_COUNTRY
    if topic in cities:
        return OF_CITY
    if answer.startswith(topic + " was ") and not topic.startswith("the "):
        return OF_PERSON
    if answer.startswith(upper(topic) + " are ") or answer.startswith(upper(topic) + " were "):
        return OF_MANY
    return OF_ONE


def one_of(topic):
    """'dogs' -> 'a dog'; None where the topic is not plainly many."""
    if topic.startswith(("the ", "a ", "an ")) or topic in PLURAL_ONLY or not topic[0].islower():
        return None
    word = SINGULAR.get(topic)
    if not word and topic.endswith("s") and not topic.endswith(("ss", "ics")):
        word = re.sub("([^aeiou])ies$", r"\1y", topic)
        word = re.sub("(ch|sh|ss|x)es$", r"\1", topic) if word == topic else word
        word = topic[:-1] if word == topic else word
    return word and article(word) + " " + word


def of_topic(topic, answer, phrasing, weight):
    """The description, and of many things that of one."""
    yield Fact("describe", topic, answer, phrasing, {}, weight, 1.0)
    if phrasing is OF_MANY and one_of(topic):
        yield Fact("describe", one_of(topic), answer, OF_ONE, {}, 0.8, 0.5)


def all_descriptions(sources):
    hand = dict(line.split(" = ", 1) for line in tabled.lines("topics.txt"))
    by_name = {c.name: c for c in countries(sources) if c.region}
    cities = {c.capital for c in by_name.values()} | {city for city, _ in tables()["city"]}
    for c in by_name.values():
        hand.setdefault(c.name, of_country(c))
        if c.capital and c.capital not in c.name:
            hand.setdefault(c.capital, of_city(c.capital, "the capital of", c))
    for city, country in tables()["city"]:
        hand.setdefault(city, of_city(city, "a city in", by_name[country]))
    for state, capital in tables()["us_state"]:
        if " " not in state:
            hand.setdefault(state, f"{state} is a state of the United States. Its capital is {capital}, and people there speak English.")
    for topic, answer in hand.items():
        phrasing = asked_as(topic, answer, cities, by_name)
        yield from of_topic(topic, answer, phrasing, 1.0 if topic in by_name or topic in cities else 1.6)
        other = OTHER_NAMES.get(topic) or phrasing is OF_PERSON and topic.split()[-1] in SURNAMES and topic.split()[-1]
        if other and other != topic:
            yield Fact("describe", other, answer, phrasing, {}, 0.8, 0.5)
