# SPDX-License-Identifier: MIT
"""What is typed first and no other table has (firsts.txt): single facts, animals in the plural, poems about anything, what is to be said again or done to a text,
countries compared by their people, two questions at once, what no table compares, letters of words, sums without spaces and in two sentences."""

import re
from dataclasses import replace

import facts
import outside
import phrasing
import rows
import sums
import tabled
import tales
import talk
import visitors
import widen
import world as worlds

TABLE = tabled.sections("firsts.txt")
SINGLE, TOLD, NICKNAMES, NUMBER = TABLE["single"], *([row.split(" = ") for row in TABLE[name]] for name in ("told", "nicknames", "number"))
NUMBER = [(widen.forms_of(forms), answer) for forms, answer in NUMBER]
FORMS = {name: widen.forms_of("|".join(section)) for name, section in TABLE.items() if name not in ("single", "told", "nicknames", "number")}
EACH = 6        # rows of a form of [single]
OF_ANIMAL = 5   # rows of what is asked of an animal, in the plural
OF_MADE = 40    # rows of what a thing is made of, which most of what is refused looks like
POEMS, SAID, WORKED, TRANSLATED, COMPARED, SUMS, BOTH, APART, LETTERS, SPELLED, NUMBERS, ZEROS = 5000, 5000, 4000, 1000, 5000, 7000, 6000, 3000, 1500, 2000, 7000, 1000
KINDS = "amphibians birds fish insects mammals reptiles".split()
POEM = "I think of {x} night and day, at home, at work, along the way. The sun may set, the wind may blow, but this is still the best I know."
WELL_KNOWN = "France|Germany|Italy|Spain|China|India|Japan|the United States|the United Kingdom|Russia|Brazil|Canada|the USA|America".split("|")
# What is asked is answered, also after "say"; so what is said again is not a question.
ASKS = re.compile("(what|who|whose|whom|which|where|when|why|how|is|are|am|was|were|do|does|did|can|could|will|would|should|may|have|has|tell|name|list|give|explain|describe|show)\\b", re.I)
# Behind what a held-out carrier begins with stands a question, also in the test, so that no copying form begins like that.
for kept in {carrier.partition("{q}")[0].lower() for carrier in phrasing.CARRIERS["q"][1]} - {""}:
    if kept in {form.partition("{x}")[0] for form in FORMS["say"]}:
        raise SystemExit(f"firsts.txt: {kept!r} begins a question that is held out")
SOURCES_OF_TEXT = ("single", "explain", "talk", "capital", "kind", "sound", "eats", "made", "opposite")


def answered(lines):
    """(answer, its forms) of each line."""
    for line in lines:
        answer, *forms = [p.strip() for p in line.split("|")]
        yield answer, [form for part in forms for form in widen.combined(part)]


def singles(lines=SINGLE):
    """The facts of such lines, for the world."""
    for answer, forms in answered(lines):
        yield facts.Fact("single", forms[0], answer, talk.intent("first/" + forms[0], forms, answer).phrasing)


def asked(rng, drawer, form, answer, **slots):
    """A row of this form, typed in some way, or None."""
    return drawer.one(rng, talk.intent("first/", [widen.filled(form, slots)], answer), "first")


def written(drawer, prompt, answer):
    """A row of this prompt as it is, or None."""
    return rows.row([("user", prompt), ("assistant", answer)], "first") if drawer.free(prompt, answer) else None


def plural(word, irregular):
    if word in irregular:
        return irregular[word]
    if re.search("(s|x|ch|sh)$", word):
        return word + "es"
    return word[:-1] + "ies" if re.search("[^aeiou]y$", word) else word + "s"


def animals(rng, drawer):
    """What is known of animals, and what is not, asked in the plural."""
    by = drawer.world.by
    irregular = {f.subject: f.value for f in by["plural"].values()}
    many = {x: [plural(x, irregular)] for x in sorted({x for relation in facts.OF_ANIMALS for x in by[relation]})}
    for name, x in NICKNAMES:
        many[x].append(name)
    foods = sorted({f.value for f in by["eats"].values()})
    for relation in (*facts.OF_ANIMALS, "unknown"):
        for x in many:
            f = by.get(relation, {}).get(x)
            for name in many[x] * OF_ANIMAL:
                yield asked(rng, drawer, rng.choice(FORMS["animals " + relation]), f.answer if f else outside.REFUSALS["fact"], x=name, one=tales.article(x),
                            y=rng.choice(rng.choice(list(many.values()))), other=tales.article(rng.choice(list(many))), kind=rng.choice(KINDS), food=rng.choice(foods))


def poems(rng, drawer):
    """Three in four about what no story has as its hero."""
    for i in range(POEMS):
        hero, x = rng.choice(tales.HEROES), rng.choice(FORMS["poem subjects"])
        x, answer = (x, POEM.replace("{x}", x)) if i % 4 else (tales.article(hero), tales.rhymed(hero))
        yield asked(rng, drawer, rng.choice(FORMS["poem"]), answer, x=x)


def sentences(world):
    """Whole short sentences of any kind, of answers and of visitors."""
    answers = [f.answer for f in world.single if f.relation in SOURCES_OF_TEXT]
    found = [part for answer in answers for part in re.findall(r"[A-Z][^.!?]+[.!?]", answer)]
    found += [phrasing.upper(form).rstrip("?") for f in world.talked for form in f.phrasing.cores["r"][0]]
    return [s for s in dict.fromkeys(found) if 4 <= len(s) <= 60 and '"' not in s]


def texts(rng, drawer):
    """What is to be said again, and what cannot be done to a text."""
    known = [s for s in sentences(drawer.world) if not ASKS.match(s)]
    for name, count, told in (("say", SAID, None), ("work", WORKED, outside.REFUSALS["task"]), ("translate", TRANSLATED, drawer.world.intent["self/what languages do you speak"].answer)):
        for _ in range(count):
            x = rng.choice(known)
            x = x.rstrip(".") if rng.random() < 0.5 else x
            x = x.lower() if rng.random() < 0.2 else x
            prompt = rng.choice(FORMS[name]).replace("{x}", x)
            yield written(drawer, phrasing.upper(prompt) if rng.random() < 0.7 else prompt, told or x)


def compared(rng, drawer):
    """Two countries by their people, where it is plain which has more, or that they are about as many; the answer has a country's full name."""
    size = {f.subject: visitors.people(f.value) for f in drawer.world.by["population"].values()}
    names = {name.removeprefix("the "): name for name in size if name.startswith("the ")}
    names |= {other: name for name, others in facts.ALIASES.items() for other in others}
    known = sorted(c for c in size if size[c])
    for i in range(COMPARED):
        a, b = rng.choices(WELL_KNOWN if i % 2 else known, k=2)
        first, second = names.get(a, a), names.get(b, b)
        times = size[a] / size[b]
        if first == second or 1.1 < max(times, 1 / times) < 1.2:
            continue
        if 1 / 1.2 < times < 1.2:
            answer = f"about as many people live in {first} as in {second}"
        else:
            answer = f"{first} has more people than {second}" if times > 1 else f"{second} has more people than {first}"
        yield asked(rng, drawer, rng.choice(FORMS["more people"]), phrasing.upper(answer) + ".", a=a, b=b)


def both(rng, drawer):
    """Two questions about a country at once, and both answers."""
    by, relations = drawer.world.by, ("capital", "currency", "language", "population", "location")
    countries = sorted(set.intersection(*(set(by[r]) for r in relations)))
    known = [c for c in WELL_KNOWN if c in countries]
    for i in range(BOTH):
        c, (r, s) = rng.choice(countries if i % 3 else known), rng.sample(relations, 2)
        slots = {"x": c, "r": rng.choice(worlds.NOUNS[r].split("|")), "s": rng.choice(worlds.NOUNS[s].split("|")), "there": rng.choice(tabled.split(worlds.THERE[s])[0])}
        yield asked(rng, drawer, rng.choice(FORMS["both there" if i % 2 else "both"]), f"{by[r][c].answer} {by[s][c].answer}", **slots)


def refused(rng, drawer):
    """What no table compares, and what asks for a word's letters; those of a word of the table are told, half of the time."""
    by = drawer.world.by
    kinds = (WELL_KNOWN, [tales.article(x) for x in sorted(by["eats"])], [tales.article(x) for x in sorted(by["young"])], sorted(by["job"]))
    for i in range(APART):
        pair = rng.choices(kinds[i % len(kinds)], k=2)
        if pair[0] != pair[1]:
            yield asked(rng, drawer, rng.choice(FORMS["apart"]), outside.REFUSALS["fact"], a=pair[0], b=pair[1])
    words = sorted({word for s in sentences(drawer.world) for word in re.findall("[a-z]{4,}", s)})
    for _ in range(LETTERS):
        yield asked(rng, drawer, rng.choice(FORMS["letters"]), outside.REFUSALS["task"], x=rng.choice(words))
    known = {f.subject.lower() for f in drawer.world.spelled}
    words = [word for word in words if word not in known]
    for i in range(SPELLED):
        f = rng.choice(drawer.world.spelled)
        yield drawer.one(rng, f if i % 2 else replace(f, subject=rng.choice(words), answer=outside.REFUSALS["task"]), "spell")


def result(kind, a, b):
    return {"sum": a + b, "difference": a - b, "product": a * b}[kind]


def told(rng, a, b):
    """A sum in two sentences: (kind, prompt, answer, result)."""
    form, answer, kind = rng.choice(TOLD)
    a, b = (a % 11, b % 11) if kind == "product" else (a, b)
    name, y = rng.choice(tales.NAMES), result(kind, a, b)
    slots = {"a": a, "b": b, "y": y, "n": name, "t": rng.choice(sums.THINGS), "he": "he" if name in tales.HE else "she"}
    return kind, widen.filled(rng.choice(widen.combined(form)), slots), widen.filled(answer, slots), y if b > (kind == "product") and y > 1 else -1


def signed(rng, a, b):
    """A sum with a sign, most often without spaces: (kind, prompt, answer, result)."""
    kind = rng.choice(("sum", "difference", "product"))
    a, b = (a % 13, b % 13) if kind == "product" else (a, b)
    y = result(kind, a, b)
    return kind, widen.filled(rng.choice(FORMS["sign " + kind]), {"a": a, "b": b}), sums.sign(kind, a, b, y).answer, y


def number(rng, drawer):
    """A small question about one number, a square, a series or a percentage."""
    forms, answer = rng.choice(NUMBER)
    x, s, step, t = rng.randrange(0, 99), rng.randrange(2, 13), rng.choice((1, 2, 2, 3, 4, 5, 10, 10)), 10 * rng.randrange(1, 31)
    first = rng.choice((step, rng.randrange(0, 41)))
    slots = {"x": x, "y": x + 1, "z": x + 2, "w": sums.spelled(x), "s": s, "q": s * s, "t": t, "h": t // 10, "i": t // 2} | {name: first + i * step for i, name in enumerate("cdefg")}
    return asked(rng, drawer, rng.choice(forms), widen.filled(answer, slots), **slots)


def numbers(rng, drawer):
    for _ in range(NUMBERS):
        yield number(rng, drawer)
    for i in range(ZEROS):
        a = rng.randrange(1, 101)
        yield drawer.one(rng, sums.of_kind(rng, *(("product", a, 0), ("product", 0, a), ("divided", 0, a))[i % 3]), "zero")
    for i in range(SUMS):
        a, b = rng.randrange(0, 13 if i % 2 else 101), rng.randrange(0, 13 if i % 3 else 101)
        kind, prompt, answer, y = (told if i % 4 == 3 else signed)(rng, a, b)
        if y >= 0 and (kind == "product" or y <= 100 and not sums.kept(kind, a, b)):
            yield written(drawer, prompt, answer)


def drawn(rng, drawer):
    """Rows of all of it, and None where a prompt is a test or means something else."""
    for answer, forms in answered(SINGLE):
        for form in forms:
            for _ in range(EACH):
                yield asked(rng, drawer, form, answer)
    for part in (animals, poems, texts, compared, both, refused, numbers):
        yield from part(rng, drawer)
    for f in drawer.world.by["made"].values():
        for _ in range(OF_MADE):
            yield drawer.one(rng, f, rows.group_of(f))
