# SPDX-License-Identifier: MIT
"""Naming some things of a kind ("Name three fruits."), and which of two things is larger. Tables: lists.txt, sizes.txt."""

import hashlib

import tabled
from facts import Fact, article, listed, upper
from phrasing import Phrasing

COUNTS = "one two three four five six".split()
NAME = Phrasing({
    "k": "name {m} {x}|give me {m} {x}|list {m} {x}|tell me {m} {x}|say {m} {x}|{m} {x}|write down {m} {x}|name me {m} {x}|examples of {x}: {m}|~mention {m} {x}|~give the names of {m} {x}",
    "q": "can you name {m} {x}|what are {m} {x}|which {m} {x} do you know|could you name {m} {x}|do you know {m} {x}|can you give me {m} {x}|can you list {m} {x}|"
         "what are {m} examples of {x}|~are you able to name {m} {x}|~which are {m} {x}"})
SOME = Phrasing({
    "k": "name some {x}|give me some {x}|list some {x}|tell me some {x}|name a few {x}|list {x}|name {x}|examples of {x}|some {x}|~mention some {x}|~give me a few examples of {x}",
    "q": "can you name some {x}|what are some {x}|which {x} do you know|do you know any {x}|can you list some {x}|what {x} do you know|~which {x} can you name|~are you able to list {x}"})
ONE = Phrasing({
    "k": "name {x}|name me {x}|give me {x}|tell me {x}|give an example of {x}|an example of {x}|say {x}|~mention {x}",
    "q": "can you name {x}|what is an example of {x}|do you know {x}|~are you able to name {x}"})
LARGER = Phrasing({
    "q": "which is bigger, {a} or {b}|which is larger, {a} or {b}|what is bigger, {a} or {b}|what is larger, {a} or {b}|is {a} bigger than {b}|is {a} larger than {b}|"
         "is {b} smaller than {a}|is {a} or {b} bigger|which one is bigger, {a} or {b}|is {a} smaller than {b}|~which of them is larger, {a} or {b}|~is {a} or {b} the larger one|~what is the bigger one, {a} or {b}",
    "i": "whether {a} is bigger than {b}|which is bigger, {a} or {b}|~if {a} is larger than {b}",
    "k": "{a} or {b} bigger|bigger {a} or {b}|larger {a} or {b}|~{a} vs {b} which is bigger"})
SMALLER = Phrasing({
    "q": "which is smaller, {a} or {b}|what is smaller, {a} or {b}|is {a} or {b} smaller|which one is smaller, {a} or {b}|~which of them is smaller, {a} or {b}|~what is the smaller one, {a} or {b}",
    "k": "{a} or {b} smaller|smaller {a} or {b}|~{a} vs {b} which is smaller"})
SPELL = Phrasing({
    "q": 'how do you spell {x}|how is {x} spelled|how do I spell {x}|how do you write {x}|can you spell {x}|how is the word {x} written|what is the spelling of {x}|~how does one spell {x}|~what letters are in {x}',
    "n": "the spelling of {x}|the spelling of the word {x}|~the letters of the word {x}", "k": "spell {x}|{x} spelling|spelling of {x}|spell the word {x}|please spell {x}|~letters of {x}"})
SPELLED = """red blue green yellow orange purple black white brown apple banana orange cherry bread water house school mother father brother sister friend tree flower garden
table chair window door book pencil paper music animal country language people because beautiful color different tomorrow yesterday morning evening night summer winter spring
autumn hello please thanks happy family kitchen doctor teacher farmer one two three four five six seven eight nine ten""".split()
LONG = {"a second": ("longer", "shorter"), "a millimeter": ("longer", "shorter"), "a gram": ("heavier", "lighter")}


def is_one(member, one):
    """What is said of one thing of a kind."""
    return f"{upper(member)} is {article(one)} {one}."


def lists():
    """Facts 'list': one for each kind and number of things, one for 'some', one for 'a'."""
    for line in tabled.lines("lists.txt"):
        names, members = line.split(" = ")
        members = members.split(", ")
        variants = [n.split(", ") for n in names.split("|")]
        one, many = variants[0]
        for single, plural in variants:
            for n in range(2, min(len(members), 6) + 1):
                answer = f"{upper(COUNTS[n - 1])} {many} are {listed(members[:n])}."
                for shown in (COUNTS[n - 1], str(n)):
                    yield Fact("list", plural, answer, NAME, {"m": shown}, 0.25, 0.1)
            yield Fact("list", plural, f"Three {many} are {listed(members[:3])}.", SOME, {}, 0.6, 0.3)
            yield Fact("list", f"{article(single)} {single}", is_one(members[0], one), ONE, {}, 0.4, 0.2)


def held(a, b):
    return hashlib.sha256(f"{min(a, b)} {max(a, b)}".encode()).digest()[0] % 8 == 0


def sizes(wanted):
    """Facts 'size' for all pairs of a line that are held out, or that are not."""
    for line in tabled.lines("sizes.txt"):
        things = line.split(", ")
        more, less = LONG.get(things[0], ("bigger", "smaller"))
        for i, small in enumerate(things):
            for big in things[i + 1:]:
                if held(small, big) != wanted:
                    continue
                for a, b in ((small, big), (big, small)):
                    for phrasing, x, word, y in ((LARGER, big, more, small), (SMALLER, small, less, big)):
                        yield Fact("size", f"{a} {b} {word}", f"{upper(x)} is {word} than {y}.", worded(phrasing, more, less), {"a": a, "b": b},
                                   0.12 if phrasing is LARGER else 0.04, 1, upper(x) + ".", x)


def reword(form, more, less):
    """A question about size, about length or weight."""
    return form.replace("bigger", more).replace("larger", more).replace("smaller", less)


def worded(phrasing, more, less):
    """The same questions about length or weight."""
    if more == "bigger":
        return phrasing
    key = (id(phrasing), more, less)
    if key not in WORDED:
        other = object.__new__(Phrasing)
        other.kinds, other.held_kinds = phrasing.kinds, phrasing.held_kinds
        other.cores = {k: tuple([reword(c, more, less) for c in part] for part in parts) for k, parts in phrasing.cores.items()}
        WORDED[key] = other
    return WORDED[key]


def reworded(phrasing):
    """(phrasing, more, less) of what worded() made of this one."""
    return [(other, more, less) for (made_of, more, less), other in WORDED.items() if made_of == id(phrasing)]


WORDED = {}


def spellings(words):
    """Facts 'spell': the letters of common words."""
    for word in words:
        yield Fact("spell", word, f"{upper(word)} is spelled {'-'.join(word.lower())}.", SPELL, {}, 0.6, 0.5, "-".join(word.lower()) + ".", "-".join(word.lower()))
