# SPDX-License-Identifier: MIT
"""Sums up to 100, each a fact of its own: a tenth of the pairs of numbers is held out for the test."""

import hashlib
import re

from facts import Fact, PHRASINGS, fact
from phrasing import Phrasing

WORDS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
nineteen twenty""".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()

DIVIDED = Phrasing({
    "n": "{a} divided by {b}|{a} / {b}|the quotient of {a} and {b}|{a} : {b}|~the result of {a} divided by {b}",
    "q": "how much is {a} divided by {b}|what does {a} divided by {b} equal|what do you get if you divide {a} by {b}|how often does {b} go into {a}|"
         "how many times does {b} go into {a}|how much is {a} / {b}|what number is {a} divided by {b}|~what comes out of {a} divided by {b}",
    "k": "{a} / {b}|{a}/{b}|{a} divided by {b}|divide {a} by {b}|{a} / {b} =|calculate {a} / {b}|~work out {a} / {b}"})
LARGER = Phrasing({
    "q": "which is larger, {a} or {b}|which number is larger, {a} or {b}|which is bigger, {a} or {b}|what is more, {a} or {b}|what is larger, {a} or {b}|"
         "is {a} or {b} larger|which number is bigger, {a} or {b}|is {a} more than {b}|is {a} larger than {b}|is {b} smaller than {a}|is {a} less than {b}|"
         "which of {a} and {b} is larger|is {a} greater than {b}|~which number is greater, {a} or {b}|~what number is the larger one, {a} or {b}|~is {a} or {b} more",
    "n": "the larger of {a} and {b}|the bigger number of {a} and {b}|the greater of {a} and {b}|~the larger number, {a} or {b}",
    "k": "{a} or {b} larger|larger {a} or {b}|bigger {a} or {b}|{a} > {b}|~{a} vs {b} which is larger"})
SMALLER = Phrasing({
    "q": "which is smaller, {a} or {b}|which number is smaller, {a} or {b}|what is less, {a} or {b}|what is smaller, {a} or {b}|is {a} or {b} smaller|"
         "which of {a} and {b} is smaller|which is less, {a} or {b}|~what number is the smaller one, {a} or {b}|~is {a} or {b} less",
    "n": "the smaller of {a} and {b}|the lesser of {a} and {b}|~the smaller number, {a} or {b}",
    "k": "{a} or {b} smaller|smaller {a} or {b}|~{a} vs {b} which is smaller"})
DOUBLE = Phrasing({"n": "twice {a}|double {a}|the double of {a}|two times {a}|{a} doubled|~twice the number {a}",
                   "q": "how much is twice {a}|what is two times {a}|what do you get if you double {a}|how much is double {a}|~what comes out if you double {a}",
                   "k": "double {a}|twice {a}|2 times {a}|~{a} times two"})
HALF = Phrasing({"n": "half of {a}|the half of {a}|one half of {a}|{a} halved|~half the number {a}",
                 "q": "how much is half of {a}|what is {a} divided by two|what do you get if you halve {a}|what is half of {a}|~what comes out if you halve {a}",
                 "k": "half of {a}|half {a}|{a} halved|~{a} by two"})
NEXT = PHRASINGS["next_number"]
BEFORE = Phrasing({"n": "the number before {x}|the number that comes before {x}|one less than {x}|~the number right before {x}",
                   "q": "what number comes before {x}|which number comes before {x}|what comes before {x}|which number is before {x}|what is one less than {x}|~what number is just before {x}",
                   "k": "number before {x}|before {x}|~last number before {x}"})
EVEN = Phrasing({"q": "is {x} even or odd|is {x} an even number|is {x} odd|is {x} an odd number|is {x} even|is the number {x} even or odd|~is {x} an odd or an even number",
                 "i": "whether {x} is even|if {x} is odd|whether {x} is even or odd|~if {x} is an even number", "k": "{x} even or odd|{x} even|~even or odd {x}"})
COUNT = Phrasing({"k": "count from {a} to {b}|please count from {a} to {b}|count {a} to {b}|~count up from {a} to {b}",
                  "q": "can you count from {a} to {b}|how do you count from {a} to {b}|~could you count from {a} up to {b}"})
COUNT_TO = Phrasing({"k": "count to {b}|please count to {b}|count up to {b}|~count until {b}",
                     "q": "can you count to {b}|how do you count to {b}|~could you count up to {b}"})
BACK = Phrasing({"k": "count down from {b}|count backwards from {b}|count down from {b} to one|~count back from {b}",
                 "q": "can you count backwards from {b}|can you count down from {b}|~could you count down from {b}"})
APPLES = [("I have {a} {t} and get {b} more, how many do I have", "You have {y} {t}.", 1),
          ("I have {a} {t} and give away {b}, how many do I have left", "You have {y} {t} left.", -1),
          ("{name} has {a} {t} and buys {b} more, how many {t} does {name} have", "{name} has {y} {t}.", 1),
          ("{name} has {a} {t} and eats {b}, how many {t} are left", "There are {y} {t} left.", -1),
          ("there are {a} {t} on the table and I take away {b}, how many are left", "There are {y} {t} left.", -1),
          ("~if you have {a} {t} and I give you {b} more, how many {t} do you have", "You have {y} {t}.", 1)]
THINGS = "apples oranges cookies pears plums eggs cherries nuts sweets cakes".split()


def spelled(n):
    """0..100 in words."""
    if n <= 20:
        return WORDS[n]
    if n == 100:
        return "one hundred"
    return TENS[n // 10 - 2] + ("-" + WORDS[n % 10] if n % 10 else "")


def held(*parts):
    """True for a tenth of all tuples, always the same ones."""
    return hashlib.sha256(repr(parts).encode()).digest()[0] % 10 == 0


def kept(kind, a, b):
    """Is this pair one of the held-out ones? Small numbers never are."""
    pair = (kind, min(a, b), max(a, b)) if kind in ("sum", "larger", "smaller") else (kind, a, b)
    return kind in ("sum", "difference", "larger", "smaller") and max(a, b) > 12 and held(*pair)


def told(answer):
    """The kind and the two numbers that an answer gives away, or None."""
    for kind, form in (("sum", r"(\d+) plus (\d+) is \d+\."), ("difference", r"(\d+) minus (\d+) is (?:minus )?\d+\."),
                       ("larger", r"(\d+) is larger than (\d+)\."), ("smaller", r"(\d+) is smaller than (\d+)\.")):
        said = re.fullmatch(form, answer)
        if said:
            return kind, int(said[1]), int(said[2])
    return None


def sign(name, a, b, y):
    return fact(name, f"{a} {b}", str(y), 1, 1, a=str(a), b=str(b))


def made(kind, phrasing, answer, short, **slots):
    slots = {k: str(v) for k, v in slots.items()}
    return Fact(kind, slots.get("x", " ".join(slots.values())), answer, phrasing, slots, 1, 1, short, short.rstrip("."))


def counting(first, last):
    step = 1 if last >= first else -1
    return ", ".join(str(n) for n in range(first, last + step, step)) + "."


def larger(kind, a, b):
    word, phrasing = ("larger", LARGER) if kind == "larger" else ("smaller", SMALLER)
    x, y = (max(a, b), min(a, b)) if kind == "larger" else (min(a, b), max(a, b))
    return made(kind, phrasing, f"{x} is {word} than {y}.", f"{x}.", a=a, b=b)


def a_sum(rng, wanted):
    """One fact about numbers; wanted: from the held-out pairs or not."""
    while True:
        kind = rng.choices(["sum", "difference", "product", "divided", "larger", "smaller", "double", "half", "next", "before", "even", "count", "apples"],
                           [26, 22, 14, 6, 10, 4, 3, 3, 4, 3, 3, 3, 4])[0]
        a, b = rng.randrange(0, 101), rng.randrange(0, 101)
        if rng.random() < 0.35:
            a, b = rng.randrange(0, 13), rng.randrange(0, 13)
        if kind == "product":
            a, b = rng.randrange(1, 13), rng.randrange(1, 13)
        if kind == "difference" and b > a and rng.random() < 0.9:
            a, b = b, a
        if kind == "sum" and a + b > 100 and rng.random() < 0.7 or a == b and kind in ("larger", "smaller"):
            continue
        if kind == "count":
            a = rng.choice([1, 1, 1, rng.randrange(2, 21)])
            b = a + rng.randrange(3, 11)
        if kind == "divided":
            b = rng.randrange(1, 11)
            a = b * rng.randrange(1, 11) if rng.random() < 0.75 else rng.randrange(b, 101)
        if kind in ("half", "double"):
            a = rng.randrange(1, 51) * (2 if kind == "half" else 1)
        if kept(kind, a, b) != wanted:
            continue
        return of_kind(rng, kind, a, b)


def of_kind(rng, kind, a, b):
    if kind in ("larger", "smaller"):
        return larger(kind, a, b)
    if kind in ("sum", "difference", "product"):
        y = {"sum": a + b, "difference": a - b, "product": a * b}[kind]
        return sign(kind, a, b, y if y >= 0 else f"minus {-y}")
    if kind == "divided":
        rest = f", with {a % b} left over" if a % b else ""
        return made(kind, DIVIDED, f"{a} divided by {b} is {a // b}{rest}.", f"{a // b}." if not rest else "", a=a, b=b)
    if kind == "double":
        return made(kind, DOUBLE, f"Twice {a} is {2 * a}.", f"{2 * a}.", a=a)
    if kind == "half":
        return made(kind, HALF, f"Half of {a} is {a // 2}.", f"{a // 2}.", a=a)
    if kind == "next":
        n = min(a, 99)
        return made(kind, NEXT, f"The number after {n} is {n + 1}.", f"{n + 1}.", x=n)
    if kind == "before":
        n = max(a, 1)
        return made(kind, BEFORE, f"The number before {n} is {n - 1}.", f"{n - 1}.", x=n)
    if kind == "even":
        return made(kind, EVEN, f"{a} is an {'odd' if a % 2 else 'even'} number.", "Odd." if a % 2 else "Even.", x=a)
    if kind == "count":
        if a == 1:
            b = min(b, 20)
            return made(kind, COUNT_TO, counting(1, b), "", b=b) if rng.random() < 0.6 else made(kind, BACK, counting(b, 1), "", b=b)
        return made(kind, COUNT, counting(a, b), "", a=a, b=b)
    return story_sum(rng, a, b)


def story_sum(rng, a, b):
    form, answer, way = rng.choice([f for f in APPLES if f[0][0] != "~"])
    a, b = max(a % 50, 2), max(b % 50, 1)
    if way < 0 and b >= a:
        a, b = b + 1, a - 1 if a > 1 else 1
    if kept("sum" if way > 0 else "difference", a, b):
        return story_sum(rng, a + 1, b)
    y = a + way * b
    thing, name = rng.choice(THINGS), rng.choice(["Tom", "Anna", "Ben", "Mia", "Sam", "Lily"])
    answer = answer.format(a=a, b=b, y=y, t=thing, name=name)
    if y == 1:
        return sign("sum", a, b, a + b) if a + b <= 100 else story_sum(rng, 9, 5)
    return Fact("apples", f"{a} {b}", answer, Phrasing({"q": form.format(a=a, b=b, t=thing, name=name)}), {}, 1, 1, f"{y}.", str(y))


def in_words(rng, text):
    """Numbers up to twenty written as words, sometimes."""
    if rng.random() < 0.15:
        return re.sub(r"(?<![\d.])\d{1,2}(?![\d.])", lambda m: spelled(int(m.group())), text)
    return text
