# SPDX-License-Identifier: MIT
"""Every fact tini is taught: one canonical answer each, and the relation that knows how to ask it."""

import os
import re
import unicodedata
from dataclasses import dataclass, field

from phrasing import Phrasing, upper
from relations import RELATIONS

HERE = os.path.dirname(os.path.abspath(__file__))

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
  "PHL": ["Filipino", "English"], "IRL": ["English", "Irish"], "PAK": ["Urdu", "English"]}
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

    def ask(self, rng, held=(0, 0)):
        """An unpolished question; the relation's slots are filled after the subject."""
        text = self.phrasing.ask(rng, self.subject, held)
        for name, value in self.slots.items():
            text = text.replace("{" + name + "}", value)
        return upper(text) if text[:1].islower() and rng.random() < 0.5 else text


PHRASINGS = {name: Phrasing(cores) for name, (_, cores) in RELATIONS.items()}


def ascii_name(text):
    text = text.replace("đ", "d").replace("ł", "l").replace("ʻ", "'").replace("ʼ", "'")
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def listed(items):
    items = list(items)
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1]


def article(word):
    return "an" if word[0].lower() in "aeiou" else "a"


def fact(relation, x, y="", weight=1.0, test=1.0, **slots):
    form, _ = RELATIONS[relation]
    values = {"x": x, "y": y, "X": upper(x), **slots}
    answer = upper(form.format(**values))
    return Fact(relation, x, answer, PHRASINGS[relation], slots, weight, test)


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
        self.area = row["area"]


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
        w, t = (2.0, 3.0) if c.famous else (1.0, 1.0)
        if c.capital:
            yield fact("capital", c.name, c.capital, w * 1.3, t * 3, region=c.region)
            if taken[c.capital] == 1 and c.capital not in c.name and c.name not in c.capital:
                yield fact("capital_of", c.capital, c.name, w, t * 2, region=c.region)
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
        if len(near) == len(c.neighbours) and 1 <= len(near) <= 5:
            f = fact("borders", c.name, listed(near), w, t * 0.7)
            if len(near) == 1:
                f.answer = f"{upper(c.name)} has a land border with only one country, {near[0]}."
            yield f
        n = population.get(c.name.replace("the ", ""))
        if n and c.famous:
            yield fact("population", c.name, n, w, t * 0.5, region=c.region)
        if c.domain and c.famous:
            yield fact("domain", c.name, c.domain, 0.8, 0.3)


def tables():
    """{section: [(subject, value)]} of tables.txt."""
    out, rows = {}, None
    with open(os.path.join(HERE, "tables.txt"), encoding="utf-8") as f:
        for line in f:
            line = line.rstrip("\n")
            if line.startswith("["):
                rows = out.setdefault(line[1:-1], [])
            elif line and not line.startswith("#"):
                rows.append(tuple(line.split(" = ", 1)))
    return out


def table_facts(sources):
    region = {c.name: c.region for c in countries(sources)}
    for name, rows in tables().items():
        for x, y in rows:
            slots = {}
            if name in ("kind", "legs", "eats"):
                slots = {"a": article(x), "A": upper(article(x)), "ay": f"{article(y)} {y}"}
            if name == "city":
                slots = {"region": region[y]}
            yield fact(name, x, y, **slots)
            if name in ("planet", "president"):
                yield fact(name + "_at", y, x)


DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = ("January February March April May June July August September October November "
          "December").split()
LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
ORDER_WEIGHT = 1.0


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
    for n in range(100):
        yield fact("next_number", str(n), str(n + 1), 0.6, 0.3)


def arithmetic_facts():
    def sums(name, a, b, y, weight):
        return fact(name, f"{a} {b}", str(y), weight, 0.35, a=str(a), b=str(b))

    for a in range(13):
        for b in range(13):
            yield sums("sum", a, b, a + b, 0.8)
            if b <= a:
                yield sums("difference", a, b, a - b, 0.8)
            if 1 <= a <= 10 and 1 <= b <= 10:
                yield sums("product", a, b, a * b, 0.8)


def single_facts():
    with open(os.path.join(HERE, "misc.txt"), encoding="utf-8") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                answer, *questions = [p.strip() for p in line.split("|")]
                small_talk = " " not in questions[0] or not re.match(
                    r"(how|what|which|who|where|when|why|at|in|is|name|are)\b", questions[0])
                kind = "k" if small_talk else "q"
                cores = {kind: "|".join(questions)}
                yield Fact("single", questions[0], answer, Phrasing(cores), {}, 1.5, 1.0)


def all_facts(sources):
    return [*country_facts(sources), *table_facts(sources), *order_facts(), *arithmetic_facts(),
            *single_facts()]
