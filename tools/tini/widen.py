# SPDX-License-Identifier: MIT
"""Further forms from a file, put where the tables' own forms stand: among those of the training, or in place of the held-out ones.

Sections: [talk] first saying = others; [explain] first question = others; [core RELATION KIND]; [carrier KIND]; [turn LIST]; [sign NAME]; [there RELATION]; [it RELATION];
[memory KIND said|asked]; [outside KIND REFUSAL]; [list NAME]; [persona KIND], [persona first words], [persona last words]; [names]. A form may hold choices, <a/b/>, which stand for all their combinations.
"""

import itertools
import random
import re

import describe
import memory
import naming
import outside
import personas
import phrasing
import relations
import sums
import tabled
import talk
import turns
import world as worlds
from facts import PHRASINGS

MOST = 240      # combinations taken of one form
# What [core ..] may name: the relations, and what is asked of numbers, of lists, of sizes and of things that have a description.
CORES = PHRASINGS | {
    "larger": sums.LARGER, "smaller": sums.SMALLER, "double": sums.DOUBLE, "half": sums.HALF, "divided": sums.DIVIDED, "before": sums.BEFORE, "even": sums.EVEN,
    "many": naming.NAME, "some": naming.SOME, "one": naming.ONE, "bigger": naming.LARGER, "less": naming.SMALLER,
    "thing": describe.OF_ONE, "things": describe.OF_MANY, "person": describe.OF_PERSON, "town": describe.OF_CITY, "land": describe.OF_COUNTRY}


def combined(form):
    """'<hi/hello> <you/>' -> 'hi you', 'hi', 'hello you', 'hello'; of very many a part, always the same."""
    parts = [p.split("/") if i % 2 else [p] for i, p in enumerate(re.split(r"[<>]", form))]
    made = [" ".join("".join(choice).split()).replace(" ,", ",").replace(" ?", "?").replace(" .", ".") for choice in itertools.product(*parts)]
    made = [text for text in dict.fromkeys(made) if text]
    return made if len(made) <= MOST else random.Random(form).sample(made, MOST)


def forms_of(row):
    return [form for part in row.split("|") if part.strip() for form in combined(part.strip())]


def filled(form, slots):
    """The form with each {name} of these in its place."""
    for name, value in slots.items():
        form = form.replace("{" + name + "}", str(value))
    return form


class Widener:
    """Knows the list of every section. A list is a pair: forms of the training, held-out forms."""

    def __init__(self, world):
        self.world, self.touched = world, []
        self.intents = {f.subject.split("/", 1)[1]: f for f in world.talked}
        self.explained = {f.subject: f for f in world.why}

    def cores(self, p, kind, forms):
        """The lists of a Phrasing that these forms belong to; a question is a clause too."""
        self.touched.append(p)
        yield p.cores[kind], forms
        clauses = [said for said in map(phrasing.indirect, forms) if said] if kind == "q" else [f"what {n} is" for n in forms] if kind == "n" else []
        if clauses:
            yield p.cores["i"], clauses

    def subject(self, found, row):
        first, forms = row.split(" = ", 1)
        if first not in found:
            raise SystemExit(f"no row begins with {first!r}")
        return found[first], forms_of(forms)

    def lists(self, name, rows):
        """(list, further forms) of one section."""
        what, _, rest = name.partition(" ")
        if what == "new":
            return      # intents of their own: visitors.py
        if what == "talk":
            for row in rows:
                f, forms = self.subject(self.intents, row)
                kinds = {"q": [], "r": []}
                for form in forms:
                    kinds["q" if talk.QUESTION.match(form) and not f.subject.startswith("leaving") else "r"].append(form)
                for kind, part in kinds.items():
                    yield from self.cores(f.phrasing, kind, part)
        elif what == "explain":
            for row in rows:
                f, forms = self.subject(self.explained, row)
                yield from self.cores(f.phrasing, "q", forms)
        else:
            forms = [form for row in rows for form in forms_of(row)]
            if what == "core":
                relation, kind = rest.split(" ")
                p = CORES[relation]
                yield from self.cores(p, kind, forms)
                for other, more, less in naming.reworded(p):
                    yield from self.cores(other, kind, [naming.reword(form, more, less) for form in forms if naming.reword(form, more, less) != form])
            elif what == "carrier":
                yield phrasing.CARRIERS[rest], forms
            elif what == "turn":
                yield getattr(turns, rest), forms
            elif what == "sign":
                yield dict(turns.SIGNS)[rest], forms
            elif what == "memory":
                kind, part = rest.split(" ")
                yield memory.FORMS[kind][0 if part == "said" else 2], forms
            elif what == "outside":
                yield outside.KINDS[rest], forms
            elif what == "persona":
                yield personas.WORDS["begin" if rest == "first words" else "end"] if rest.endswith(" words") else personas.TABLE[rest][0], forms
            elif what == "list":
                yield outside.LISTS[rest], forms
            elif what == "names":
                for names in (memory.NAMES, outside.NAMES, personas.NAMES):
                    yield names, [name for form in forms for name in form.split()]
            else:
                raise SystemExit(f"[{name}] is no section of forms")

    def spoken(self, name):
        """The table of a section whose forms stand in one text: [there ..] and [it ..]."""
        return {"there": worlds.THERE, "it": worlds.ANIMAL}.get(name.split(" ")[0])

    def settle(self):
        """After forms came or went: which kinds of core there are."""
        for p in self.touched:
            p.kinds = [k for k in "qqqqiinnnsskktrrr" if p.cores[k][0]]
            p.held_kinds = [k for k in "qqqiinnskr" if p.cores[k][1]]


def all_lists(world):
    """Every list of forms there is, each once."""
    pairs = [pair for f in world.single for pair in f.phrasing.cores.values()] + [pair for p in CORES.values() for pair in p.cores.values()]
    pairs += [*phrasing.CARRIERS.values(), *(v for v in vars(turns).values() if isinstance(v, tuple) and len(v) == 2 and isinstance(v[0], list)), *dict(turns.SIGNS).values()]
    pairs += [kind[i] for kind in memory.FORMS.values() for i in (0, 2)] + list(outside.KINDS.values()) + list(outside.LISTS.values()) + [row[0] for row in personas.TABLE.values()] + list(personas.WORDS.values())
    return list({id(pair): pair for pair in pairs}.values())


def key(form):
    return phrasing.normal(re.sub(r"[{}]", "", form))


def held_out(world, *files):
    """Keys of all forms that are held out: those with "~", kinds of questions held out whole, and all of these files."""
    held = {key(form) for _, kept in all_lists(world) for form in kept}
    held.update(key(form) for name, kind in outside.KINDS.items() if name.startswith("~") for form in kind[0])
    held.update(key(form) for table in (worlds.THERE, worlds.ANIMAL) for text in table.values() for form in tabled.split(text)[1])
    for file in files:
        w = Widener(world)
        for name, rows in tabled.sections(file).items():
            if w.spoken(name):
                held.update(key(form) for row in rows for form in forms_of(row))
                continue
            held.update(key(form) for pair, forms in w.lists(name, rows) for form in forms)
    return held


def widen(world, file, held):
    """Puts the file's forms among those of the training, but for held-out ones; (added, left out)."""
    w, added, left = Widener(world), 0, 0
    for name, rows in tabled.sections(file).items():
        table = w.spoken(name)
        if table:
            relation = name.split(" ")[1]
            further = [form for row in rows for form in forms_of(row) if key(form) not in held]
            table[relation] = "|".join([*further, table[relation]])
            added += len(further)
            continue
        for pair, forms in w.lists(name, rows):
            there = {key(form) for form in pair[0]}
            for form in forms:
                if key(form) in held:
                    left += 1
                elif key(form) not in there:
                    there.add(key(form))
                    pair[0].append(form)
                    added += 1
    w.settle()
    return added, left


def test_with(world, file):
    """Puts the file's forms in place of those that were held out; a list of turns for which it has none keeps its own."""
    w, old = Widener(world), all_lists(world)
    before = [list(kept) for _, kept in old]
    for _, kept in old:
        kept.clear()
    sections = tabled.sections(file)
    for kind in list(outside.KINDS):
        if not kind.startswith("~") and "outside " + kind not in sections:
            del outside.KINDS[kind]
    for name, rows in sections.items():
        table = w.spoken(name)
        if table:
            relation = name.split(" ")[1]
            table[relation] = "|".join([*tabled.split(table[relation])[0], *("~" + form for row in rows for form in forms_of(row))])
            continue
        for pair, forms in w.lists(name, rows):
            pair[1].extend(forms)
    cores = {id(pair) for p in [f.phrasing for f in world.single] for pair in p.cores.values()}
    for pair, kept in zip(old, before):
        if not pair[1] and id(pair) not in cores:
            pair[1].extend(kept)
    for names in (memory.NAMES, outside.NAMES, personas.NAMES):
        names[1][:] = [name for row in sections["names"] for name in row.split()]
    w.touched += [f.phrasing for f in world.single]
    w.settle()
