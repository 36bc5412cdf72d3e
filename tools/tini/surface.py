# SPDX-License-Identifier: MIT
"""How a prompt is typed: clean, hurried, shouted, misspelt, telegraphic. Every way is a function (rng, text) -> text."""

import re

CONTRACTIONS = [("What is", "What's"), ("what is ", "what's "), ("Who is", "Who's"), ("Where is", "Where's"),
                ("where is ", "where's "), ("How is ", "How's "), ("I am ", "I'm "), ("do not ", "don't "), ("It is ", "It's ")]
# Spellings that many people get wrong, and shorthand of chats.
WRONG = {"capital": ["capitol", "captial", "capitel", "capitol"], "language": ["langauge", "languge", "lanuage"],
         "currency": ["curency", "currancy", "currecy"], "country": ["contry", "coutry", "countrey"],
         "countries": ["countrys", "contries"], "population": ["popultion", "populaton"], "people": ["poeple", "peple"],
         "which": ["wich", "whitch"], "what": ["wat", "waht", "wht"], "where": ["were", "wher", "whre"], "who": ["hwo"],
         "because": ["becuase", "becaus"], "called": ["caled", "callled"], "speak": ["speek", "speack"], "animal": ["animel", "anmal"],
         "animals": ["animels", "anmals"], "color": ["colr", "collor"], "colour": ["coluor"], "their": ["thier"], "there": ["thre"],
         "tell": ["tel", "tlel"], "about": ["abot", "abuot", "abt"], "story": ["stroy", "storry"], "does": ["dose", "dos"],
         "how": ["hwo", "hw"], "many": ["meny", "mny"], "people's": ["peoples"], "please": ["pls", "plz", "plese", "pleas"],
         "you": ["u", "yuo"], "your": ["ur", "yuor"], "are": ["r", "aer"], "thanks": ["thx", "tanks"], "money": ["mony", "moeny"],
         "write": ["wirte", "rite"], "wrote": ["wrot", "rote"], "invented": ["invetned", "inventd"], "continent": ["continet", "contintent"],
         "located": ["locatd", "loacted"], "opposite": ["oposite", "oppsite"], "plural": ["plurel"], "planet": ["plannet", "planit"],
         "know": ["kno", "knwo", "no"], "live": ["liv", "leave"], "the": ["teh", "th", "da"], "name": ["nam", "nmae"]}
NEAR = dict(zip("qwertyuiopasdfghjklzxcvbnm", ["wa", "qes", "wrd", "etf", "ryg", "tuh", "yij", "uok", "ipl", "ol", "qsz", "adw", "sfe", "dgr",
                                               "fht", "gjy", "hku", "jli", "ko", "xa", "zcs", "xvd", "cbf", "vng", "bmh", "nj"]))
SMALL = set("what is the a an of in are do does did was were to it that for there and or can could you me my i please tell s".split())


def short_forms(rng, text):
    for a, b in CONTRACTIONS:
        if rng.random() < 0.5:
            text = text.replace(a, b, 1)
    return text


def plain(rng, text):
    """Small letters, without marks."""
    return re.sub(r"(?<!\d)[,.!?:;'\"]+(?!\d)", "", text).lower().strip() or text


def lower(rng, text):
    return text.lower()


def unmarked(rng, text):
    return text.rstrip("?.!") or text


def marks(rng, text):
    """Too many marks, a space before one, or the wrong one."""
    end = rng.choice(["??", "???", "?!", " ?", "!", "!!", " ??", "..", "?"])
    return text.rstrip("?.! ") + end if text.rstrip("?.! ") else text


def shout(rng, text):
    text = text.upper()
    return text.rstrip("?.! ") + rng.choice(["?", "??", "???", "!", "!!", "!!!", "", "?!"]) if text.rstrip("?.! ") else text


def slip_in(rng, word):
    """One slip of the fingers in a word of small or great letters; the first letter stays."""
    j = rng.randrange(1, len(word) - 1)
    near = NEAR.get(word[j].lower(), word[j])
    return rng.choice([word[:j] + word[j + 1:], word[:j] + word[j + 1] + word[j] + word[j + 2:], word[:j] + word[j] + word[j:],
                       word[:j] + rng.choice(near) + word[j + 1:], word[:-1] if len(word) > 5 else word[:j] + word[j + 1:]])


def misspell(rng, text, known=frozenset(), fixed=frozenset(), slips=None):
    """One or two misspelt words. A slip never makes another word of `known`, and words of `fixed` are left alone."""
    words = text.split(" ")
    places = [i for i, w in enumerate(words) if re.fullmatch(r"[A-Za-z]{3,}[,.?!]*", w) and w.strip(",.?!").lower() not in fixed]
    rng.shuffle(places)
    for i in places[:slips or rng.choice([1, 1, 2])]:
        word = re.match(r"[A-Za-z]+", words[i]).group()
        rest = words[i][len(word):]
        usual = WRONG.get(word.lower())
        if usual and rng.random() < 0.6:
            new = rng.choice(usual)
            new = new[0].upper() + new[1:] if word[0].isupper() else new
        elif len(word) >= 4:
            new = slip_in(rng, word)
        else:
            continue
        if new.lower() not in known or usual and new.lower() in usual:
            words[i] = new + rest
    return " ".join(words)


def telegraph(rng, text):
    """The content words alone, as typed into a search box."""
    words = [w for w in re.sub(r"[?.!,]", "", text).split(" ") if w.lower().removesuffix("'s") not in SMALL]
    out = " ".join(words) if len(words) > 1 else text
    return rng.choice([out, out.lower(), out + "?", out.lower() + "?"])


def chat(rng, text):
    """Shorthand of chats: "can u tell me .. pls"."""
    for a, b in [("you", "u"), ("are", "r"), ("please", "pls"), ("your", "ur"), ("thanks", "thx"), ("people", "ppl"), ("about", "abt"),
                 ("what is", "whats"), ("where is", "wheres"), ("who is", "whos"), ("what's", "whats")]:
        text = re.sub(r"\b" + a + r"\b", b, text.lower())
    text = text.rstrip("?.!")
    return text + rng.choice(["", "", " pls", " plz", " thx", "?", " asap", " lol"])


# Share of each way among the prompts of the training; what is left is typed with care.
WAYS = [(plain, 0.14), (lower, 0.06), (unmarked, 0.06), (marks, 0.04), (shout, 0.06), (misspell, 0.14), (chat, 0.03)]


def typed(rng, text, known=frozenset(), fixed=frozenset()):
    """A prompt as somebody types it."""
    if rng.random() < 0.3:
        text = short_forms(rng, text)
    roll = rng.random()
    for way, share in WAYS:
        roll -= share
        if roll < 0:
            if way is misspell:
                text = misspell(rng, text, known, fixed)
                return plain(rng, text) if rng.random() < 0.4 else text
            return way(rng, text)
    return text
