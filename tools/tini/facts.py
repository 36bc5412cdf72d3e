# SPDX-License-Identifier: MIT
"""Every fact tini is taught: one canonical answer each, and the relation that knows how to ask it."""

import re
import unicodedata
from dataclasses import dataclass, field, replace

import tabled
from phrasing import BY_RULE, Phrasing, upper
from relations import RELATIONS

CONTINENTS = {
  "Western Europe": "Europe", "Northern Europe": "Europe", "Southern Europe": "Europe",
  "Eastern Europe": "Europe", "Central Europe": "Europe", "Southeastern Europe": "Europe",
  "East Asia": "Asia", "Southeast Asia": "Asia", "South Asia": "Asia", "Central Asia": "Asia",
  "Western Asia": "Asia", "North Africa": "Africa", "West Africa": "Africa", "East Africa": "Africa",
  "Central Africa": "Africa", "Southern Africa": "Africa", "South America": "South America",
  "North America": "North America", "Central America": "North America",
  "the Caribbean": "North America", "Australasia": "Oceania", "Melanesia": "Oceania",
  "Micronesia": "Oceania", "Polynesia": "Oceania"}
REGIONS = {
  "Southeast Europe": "Southeastern Europe", "Eastern Asia": "East Asia",
  "South-Eastern Asia": "Southeast Asia", "Southern Asia": "South Asia",
  "Northern Africa": "North Africa", "Western Africa": "West Africa", "Eastern Africa": "East Africa",
  "Middle Africa": "Central Africa", "Caribbean": "the Caribbean",
  "Australia and New Zealand": "Australasia"}
THE = {"Netherlands", "United States", "United Kingdom", "Philippines", "Bahamas", "Gambia",
       "United Arab Emirates", "Dominican Republic", "Central African Republic", "Maldives",
       "Solomon Islands", "Marshall Islands", "Comoros", "Seychelles"}
NAMES = {"DR Congo": "the Democratic Republic of the Congo", "Congo": "the Republic of the Congo",
         "Türkiye": "Turkey"}
CAPITALS = {"SWZ": "Mbabane", "SMR": "San Marino", "USA": "Washington D.C."}
LANGUAGES = {
  "NOR": ["Norwegian"], "CHE": ["German", "French", "Italian", "Romansh"], "IRN": ["Persian"],
  "NZL": ["English", "Maori"], "ARG": ["Spanish"], "AUT": ["German"], "CZE": ["Czech"],
  "BEL": ["Dutch", "French", "German"], "IND": ["Hindi", "English"], "MDA": ["Romanian"],
  "ZAF": ["Zulu", "Xhosa", "Afrikaans", "English"], "AFG": ["Dari", "Pashto"],
  "IRQ": ["Arabic", "Kurdish"], "BOL": ["Spanish", "Quechua", "Aymara"], "NAM": ["English"],
  "PER": ["Spanish", "Quechua", "Aymara"], "PRY": ["Spanish", "Guarani"],
  "ZWE": ["English", "Shona", "Ndebele"], "COD": ["French", "Lingala", "Swahili"],
  "SGP": ["English", "Malay", "Chinese", "Tamil"], "GNQ": ["Spanish", "French", "Portuguese"],
  "LUX": ["Luxembourgish", "French", "German"], "COG": ["French", "Lingala"],
  "PHL": ["Filipino", "English"], "IRL": ["English", "Irish"], "PAK": ["Urdu", "English"], "NRU": ["English", "Nauruan"]}
CURRENCIES = {
  "USA": "US dollar", "ECU": "US dollar", "SLV": "US dollar", "TLS": "US dollar",
  "MHL": "US dollar", "PLW": "US dollar", "FSM": "US dollar", "PRI": "US dollar", "PAN": "Panamanian balboa",
  "GEO": "Georgian lari", "MKD": "Macedonian denar", "GMB": "Gambian dalasi", "GRL": "Danish krone",
  "CUB": "Cuban peso", "VEN": "Venezuelan bolivar", "BIH": "convertible mark", "PSE": "Israeli shekel",
  "ISR": "Israeli shekel", "ARE": "Emirati dirham", "CAF": "CFA franc", "ZWE": None,
  "PRK": "North Korean won", "BOL": "boliviano", "PNG": "kina"}
DEMONYMS = {
  "NZL": None, "ISL": "Icelandic", "SUR": "Surinamese", "LUX": None, "KGZ": "Kyrgyz", "TJK": "Tajik",
  "DJI": "Djiboutian", "SVN": "Slovenian", "BIH": "Bosnian", "LSO": None, "BWA": None, "VUT": None,
  "KIR": None, "SLB": None, "ATG": "Antiguan", "KNA": None, "VAT": None, "LIE": None, "SMR": None,
  "GRL": "Greenlandic", "CPV": "Cape Verdean", "GNB": None, "ECU": "Ecuadorian", "ARE": "Emirati"}
# Other names that people type; the answer has the name above.
ALIASES = {"the United States": ["the USA", "America", "the US", "USA", "the United States of America"], "the United Kingdom": ["the UK", "UK", "Great Britain", "Britain"],
           "the Netherlands": ["Holland"], "Czechia": ["the Czech Republic"], "Myanmar": ["Burma"], "the United Arab Emirates": ["the UAE"], "Timor-Leste": ["East Timor"],
           "Eswatini": ["Swaziland"], "North Macedonia": ["Macedonia"], "Vatican City": ["the Vatican"], "Ivory Coast": ["Cote d'Ivoire"],
           "the Democratic Republic of the Congo": ["Congo", "the Congo"], "Cape Verde": ["Cabo Verde"]}
# Countries within a country: name, capital, language, people.
WITHIN = [("England", "London", "English", "English"), ("Scotland", "Edinburgh", "English", "Scottish"), ("Wales", "Cardiff", "English and Welsh", "Welsh"),
          ("Northern Ireland", "Belfast", "English", "Northern Irish")]
MOST_NEIGHBOURS = 5  # that one fact lists
EXTRA = {"TWN", "UNK", "PSE", "GRL", "PRI"}
FAMOUS = set("""FRA DEU ITA ESP PRT NLD BEL LUX CHE AUT GBR IRL DNK SWE NOR FIN ISL POL CZE SVK HUN GRC ROU BGR
HRV SRB UKR RUS TUR ISR EGY MAR DZA TUN LBY NGA GHA KEN ETH TZA UGA ZAF SDN SEN MDG ZWE COD CHN JPN KOR PRK MNG IND
PAK BGD NPL LKA THA VNM KHM MMR MYS SGP IDN PHL AUS NZL IRN IRQ SAU SYR JOR LBN ARE QAT KWT AFG KAZ CAN USA MEX CUB
JAM GTM CRI PAN COL VEN ECU PER BOL CHL ARG BRA URY PRY EST LVA LTU SVN ALB MLT CYP VAT""".split())


@dataclass
class Fact:
    relation: str
    subject: str
    answer: str
    phrasing: Phrasing
    slots: dict = field(default_factory=dict)
    weight: float = 1.0        # share of the training rows
    test: float = 1.0          # share of the test questions
    short: str = ""            # the answer in a word or two, where there is one
    value: str = ""            # what stands for {y}
    about: str = ""            # what "tell me more" describes
    more: str = ""             # or says

    def ask(self, rng, held=(0, 0), by_rule=BY_RULE):
        """An unpolished question; the relation's slots are filled after the subject."""
        text = self.phrasing.ask(rng, self.subject, held, by_rule)
        for name, value in self.slots.items():
            text = text.replace("{" + name + "}", value)
        return upper(text) if text[:1].islower() and rng.random() < 0.5 else text


# Relations whose value answers alone; and those after which "tell me more" is about the value, or about the subject.
SHORT = set("""capital capital_of currency location demonym population us_state element planet planet_at young home group
kind legs opposite past plural color book painting inventor discoverer made hello thanks roman sides instrument players city sum
difference product next_number next_day last_day next_month last_month month_days month_number next_letter""".split())
ABOUT_VALUE = set("capital book painting inventor discoverer planet_at".split())
ABOUT_SUBJECT = set("""capital_of currency language location demonym coast borders population domain planet landmark river born
city""".split())

PHRASINGS = {name: Phrasing(cores) for name, (_, cores) in RELATIONS.items()}


def ascii_name(text):
    text = text.replace("đ", "d").replace("ł", "l").replace("ʻ", "'").replace("ʼ", "'")
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def listed(items):
    items = list(items)
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1]


def article(word):
    return "an" if word[0].lower() in "aeiou" and not word.lower().startswith(("uni", "eu", "one")) else "a"


def fact(relation, x, y="", weight=1.0, test=1.0, **slots):
    form, _ = RELATIONS[relation]
    values = {"x": x, "y": y, "X": upper(x), **slots}
    answer = upper(form.format(**values))
    short = upper(y) + ("" if y.endswith(".") else ".") if relation in SHORT else ""
    return Fact(relation, x, answer, PHRASINGS[relation], slots, weight, test, short, y,
                y if relation in ABOUT_VALUE else x if relation in ABOUT_SUBJECT else "")


class Country:
    def __init__(self, row):
        code, name = row["cca3"], row["name"]["common"]
        self.code = code
        self.name = NAMES.get(name, ("the " if name in THE else "") + ascii_name(name))
        self.capital = CAPITALS.get(code, ascii_name(row["capital"][0]) if row["capital"] else None)
        self.region = REGIONS.get(row["subregion"], row["subregion"])
        self.continent = CONTINENTS.get(self.region)
        self.famous = code in FAMOUS
        self.languages = [ascii_name(n) for n in LANGUAGES.get(code, list(row["languages"].values()))]
        money = [m["name"] for m in dict(row["currencies"] or {}).values()]
        self.currency = CURRENCIES.get(code, ascii_name(money[0]) if money else None)
        if self.currency:
            self.currency = self.currency.replace("United States dollar", "US dollar").replace("Euro", "euro")
        self.demonym = DEMONYMS.get(code, row["demonyms"]["eng"]["m"])
        self.neighbours, self.landlocked = row["borders"], row["landlocked"]
        self.domain = row["tld"][0] if row["tld"] else None


def countries(sources):
    rows = sources.rows_of("qa/countries.json.zst")
    kept = [Country(r) for r in rows if r["unMember"] or r["cca3"] in EXTRA or r["cca3"] == "VAT"]
    return sorted(kept, key=lambda c: c.name)


def people(sources):
    """Population by country name, as the factbook text gives it: "About 17.8 million"."""
    out = {}
    for doc in sources.documents("corpus/factbook_text.txt.zst"):
        m = re.search(r"About ([\d.]+) (million|billion) people live there", doc)
        if m:
            n = m.group(1) if m.group(2) == "billion" else str(max(1, round(float(m.group(1)))))
            out[doc.split("\n", 1)[0]] = f"{n} {m.group(2)}"
    return out


def country_facts(sources):
    all_countries = countries(sources)
    by_code = {c.code: c for c in all_countries}
    population = people(sources)
    taken = {}
    for c in all_countries:
        taken[c.capital] = taken.get(c.capital, 0) + 1
    for c in all_countries:
        w, t = (1.6, 3.0) if c.famous else (1.0, 1.0)
        if c.capital:
            yield fact("capital", c.name, c.capital, w * 1.3, t * 3, region=c.region)
            if taken[c.capital] == 1 and c.capital not in c.name and c.name not in c.capital:
                f = fact("capital_of", c.capital, c.name, w, t * 2, region=c.region)
                yield f
                yield replace(f, relation="city", phrasing=PHRASINGS["city"], weight=w, test=t)
        if c.currency:
            yield fact("currency", c.name, c.currency, w, t * 2)
        if len(c.languages) <= 4:
            one = len(c.languages) == 1
            yield fact("language", c.name, f"people speak {listed(c.languages)}, which "
                       + ("is the main language" if one else "are the main languages"), w, t * 2)
        if c.continent:
            f = fact("location", c.name, c.continent, w, t * 2, region=c.region)
            if c.region == "South America":
                f.answer = f"{upper(c.name)} is on the continent of South America, south of the Caribbean Sea."
            elif c.region == "North America":
                f.answer = f"{upper(c.name)} is on the continent of North America, in the northern half of the world."
            yield f
        if c.demonym:
            yield fact("demonym", c.name, c.demonym, w * 0.8, t)
        coast = (f"{upper(c.name)} has no coast on the sea, because it is landlocked." if c.landlocked
                 else f"{upper(c.name)} has a coast on the sea, so it is not landlocked.")
        yield fact("coast", c.name, coast, w * 0.6, t * 0.5)
        near = [by_code[b].name for b in c.neighbours if b in by_code]
        if len(near) == len(c.neighbours) and 1 <= len(near) <= MOST_NEIGHBOURS:
            f = fact("borders", c.name, listed(near), w, t * 0.7)
            if len(near) == 1:
                f.answer = f"{upper(c.name)} has a land border with only one country, {near[0]}."
            yield f
        n = population.get(c.name.replace("the ", ""))
        if n and c.famous:
            yield fact("population", c.name, n, w, t * 0.5, region=c.region)
        if c.domain and c.famous:
            yield fact("domain", c.name, c.domain, 0.8, 0.3)


def within_facts():
    """England, Scotland, Wales and Northern Ireland."""
    for name, capital, language, people in WITHIN:
        region = "the United Kingdom"
        yield fact("capital", name, capital, 1.5, 3, region=region)
        yield fact("currency", name, "British pound", 1.2, 1)
        verb = "are the main languages" if " and " in language else "is the main language"
        yield fact("language", name, f"people speak {language}, which {verb}", 1.2, 1)
        f = fact("location", name, "Europe", 1.2, 1, region=region)
        f.answer = f"{name} is a part of the United Kingdom, which is in Northern Europe."
        yield f
        yield fact("demonym", name, people, 1, 1)


def other_names(items):
    """The same facts asked for under other names of their country."""
    for f in items:
        for name in [*ALIASES.get(f.subject, []), *([f.subject[4:]] if f.subject.startswith("the ") else [])]:
            if f.relation in ("capital", "currency", "language", "location", "population", "demonym", "borders", "coast"):
                yield replace(f, subject=name, weight=f.weight * 0.35, test=0.2, about=f.about and (f.subject if f.about == f.subject else f.about))


# What is asked of all animals.
OF_ANIMALS = ("sound", "young", "home", "kind", "legs", "eats")


def named(x):
    """The slots of a thing that has an article."""
    return {"a": article(x), "A": upper(article(x))}


def tables():
    """{section: [(subject, value)]} of tables.txt."""
    return {name: [tuple(row.split(" = ", 1)) for row in rows] for name, rows in tabled.sections("tables.txt").items()}


def table_facts(sources):
    region = {c.name: c.region for c in countries(sources)}
    for name, rows in tables().items():
        for x, y in rows:
            slots = {}
            if name in (*OF_ANIMALS, "sides"):
                slots = {**named(x), "ay": y if y.startswith("the ") else f"{article(y)} {y}"}
            if name == "city":
                slots = {"region": region[y]}
            yield fact(name, x, y, **slots)
            if name == "us_state" and " " not in x:
                f = fact("city", x, "the United States", 0.8, 0.5, region="North America")
                f.answer = f"{x} is a state of the United States, a country in North America."
                yield f
            if name == "planet":
                yield fact(name + "_at", y, x)


DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = ("January February March April May June July August September October November "
          "December").split()
LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]


def order_facts():
    for i, d in enumerate(DAYS):
        yield fact("next_day", d, DAYS[(i + 1) % 7])
        yield fact("last_day", d, DAYS[(i - 1) % 7])
    for i, m in enumerate(MONTHS):
        yield fact("next_month", m, MONTHS[(i + 1) % 12])
        yield fact("last_month", m, MONTHS[(i - 1) % 12])
        yield fact("month_days", m, str(LENGTHS[i]))
        yield fact("month_number", m, str(i + 1))
    for i in range(25):
        yield fact("next_letter", chr(65 + i), chr(66 + i))


def single_cores(questions):
    """The questions, and noun phrases that follow from them: "what is the largest ocean" -> "the largest ocean"."""
    nouns = []
    for q in questions:
        held = "~" if q.startswith("~") else ""
        m = re.fullmatch(r"~?(?:what|who) (?:is|was) (the .+)", q)
        if m and not re.search(r" (made of|called|for|in)$", m.group(1)):
            nouns.append(held + m.group(1))
        m = re.fullmatch(r"~?how many (\w+) are in (.+)", q)
        if m:
            nouns.append(f"{held}the number of {m.group(1)} in {m.group(2)}")
    return {"q": "|".join(questions), "n": "|".join(nouns)} if nouns else {"q": "|".join(questions)}


def single_facts():
    for line in tabled.lines("misc.txt"):
        answer, *questions = [p.strip() for p in line.split("|")]
        yield Fact("single", questions[0], answer, Phrasing(single_cores(questions)), {}, 1.3, 1.0)


def all_facts(sources):
    world = [*country_facts(sources), *within_facts()]
    return [*world, *other_names(world), *table_facts(sources), *order_facts(), *single_facts()]
