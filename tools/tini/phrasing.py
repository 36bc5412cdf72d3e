# SPDX-License-Identifier: MIT
"""Many ways to ask one thing: carriers ("Could you tell me {i}?") x cores ("the capital of {x}") x surface.

A relation lists its cores in kinds:
  n  noun phrases        "the capital of {x}"            (questions and clauses follow from them)
  q  whole questions     "which city is the capital of {x}"
  s  sentence beginnings "the capital of {x} is"
  k  keywords            "capital {x}"
  t  topics              "{x}", for "Tell me about {x}."
  r  sayings             "good morning"
A core or carrier that starts with "~" is held out: it never occurs in training and makes the test.
"""

import re

import carriers
import surface
from tabled import split

BY_RULE = 0.6    # share of the training questions whose carrier is made by rule
TELEGRAMS = 0.1  # share of whole questions that lose their small words

# Around a question with its own word order.
DIRECT = """{Q}?|{Q}?|{Q}?|{Q}?|{Q}?|{Q}?|{Q}?|{Q}?|{Q}, please?|Please, {q}?|Quick question: {q}?|Hi! {Q}?|
Hello, {q}?|Hey, {q}?|So, {q}?|I have a question: {q}?|Question: {q}?|Can you help me? {Q}?|{Q}? Thanks!|
{Q}? Thank you.|Just curious, {q}?|For my homework: {q}?|Answer this: {q}?|Please answer: {q}?|Okay, {q}?|
Hmm, {q}?|Excuse me, {q}?|{Q} again?|{Q}? I forgot.|{Q}? I need to know.|Let me ask you something: {q}?|
I'm curious: {q}?|Quiz time: {q}?|Here is a question: {q}?|Help me out: {q}?|Now tell me, {q}?|Well, {q}?|
{Q}? Please tell me.|Tell me, {q}?|And {q}?|But {q}?|{Q} exactly?|Sorry, {q}?|One more: {q}?|My question is: {q}?|
~Good morning, {q}?|~Next question: {q}?|~{Q}? I can't remember.|~My friend asks: {q}?|~Trivia: {q}?|
~Alright, {q}?|~{Q}, do you know?|~Do tell: {q}?|~Say, {q}?|~{Q}? Just tell me."""

# Around a clause: "what the capital of France is".
INDIRECT = """Do you know {i}?|Do you know {i}?|Can you tell me {i}?|Can you tell me {i}?|Could you tell me {i}?|
Could you please tell me {i}?|Tell me {i}.|Please tell me {i}.|I'd like to know {i}.|I would like to know {i}.|
I want to know {i}.|I wonder {i}.|I was wondering {i}.|I need to know {i}.|Would you tell me {i}?|Will you tell me {i}?|
Would you happen to know {i}?|Remind me {i}.|Can you remind me {i}?|Let me know {i}.|Any idea {i}?|
Do you have any idea {i}?|Do you remember {i}?|I forgot {i}.|I don't know {i}.|My teacher asked me {i}.|
I'm trying to remember {i}.|Can you say {i}?|Please explain {i}.|Does anyone know {i}?|I'm curious about {i}.|
Could you remind me {i}?|Maybe you know {i}.|Hey, do you know {i}?|Hi, can you tell me {i}?|Help me find out {i}.|
~Might you know {i}?|~I am not sure {i}.|~May I ask {i}?|~I'd love to know {i}.|~Are you able to tell me {i}?|
~Kindly tell me {i}.|~Show me {i}.|~I keep forgetting {i}.|~Could you let me know {i}?|~I hope you can tell me {i}."""

# Around a noun phrase: "the capital of France".
NOUN = """What is {n}?|What is {n}?|What is {n}?|What is {n}?|What's {n}?|What's {n}?|Name {n}.|Tell me {n}.|
Give me {n}.|Please name {n}.|Please give me {n}.|Can you name {n}?|Could you name {n}?|Can you give me {n}?|
Could you give me {n}?|Do you know {n}?|{N}?|{N}, please.|{N}|I need {n}.|I'm looking for {n}.|I'd like to know {n}.|
I want to know {n}.|State {n}.|Identify {n}.|Say {n}.|{N} is what?|What would be {n}?|What was {n} again?|
Would you name {n}?|Find {n}.|Remind me of {n}.|Do you remember {n}?|Tell me about {n}.|What do you think is {n}?|
I forgot {n}.|What do people call {n}?|Let me know {n}.|Write {n}.|Please tell me {n}.|I have to learn {n}.|
~Do you happen to know {n}?|~Mention {n}.|~What might be {n}?|~Look up {n}.|~Provide {n}.|~How about {n}?|
~Could you tell me {n}?|~List {n}.|~I must know {n}.|~{N}: what is it?"""

# Around the beginning of the answer.
START = """{S} ...|{S}...|{S} ___.|{S}|{S} what?|Complete the sentence: {S} ...|Complete: {s} ...|Finish the sentence: {S} ...|
Fill in the blank: {S} ___.|Continue: {S}|{S} which one?|Complete this: {S} ___|Please complete: {S} ...|
~Fill the gap: {S} ___.|~Finish this for me: {S} ...|~How does this go on: {S} ...|~Add the missing word: {S} ___."""

KEY = """{K}|{K}?|{k}|{K}.|{K}, please|search: {k}|{k} please|answer: {k}|~{K} ...|~look up {k}|~{k} ?"""

# Around a topic for a description.
TOPIC = """What do you know about {x}?|What do you know about {x}?|Tell me about {x}.|Tell me about {x}.|Describe {x}.|
Describe {x}.|Can you tell me about {x}?|Can you describe {x}?|Could you describe {x}?|Tell me something about {x}.|
Please tell me about {x}.|Please describe {x}.|Give me a short description of {x}.|I want to know about {x}.|
I'd like to know more about {x}.|What can you tell me about {x}?|What can you say about {x}?|Explain {x}.|
Write a few sentences about {x}.|Write about {x}.|Do you know {x}?|Do you know anything about {x}?|
Could you tell me something about {x}?|Tell me a little about {x}.|Introduce {x}.|Talk about {x}.|Say something about {x}.|
I want to learn about {x}.|Teach me about {x}.|Give me some information about {x}.|Information about {x}, please.|
What should I know about {x}?|Let's talk about {x}.|Explain {x} in a few sentences.|Have you heard of {x}?|
~What have you heard about {x}?|~Give a brief account of {x}.|~Share what you know about {x}.|
~Could you explain {x} to me?|~Tell me what you know about {x}.|~I am interested in {x}."""


def normal(text):
    """What two prompts must differ in to count as different: letters and digits alone."""
    text = text.lower().replace("what's", "what is").replace("who's", "who is").replace("where's", "where is")
    return " ".join(re.findall(r"\w+|[-+*/=]", text)) or text.strip()


# Around a saying that stands by itself: "good morning".
SAID = """{R}|{R}.|{r}|{R}!|{R}|{r}|{R}.|{r}!|{R}, tini.|Tini, {r}|Oh, {r}|Well, {r}.|Hey, {r}.|And {r}.|{R}...|~Okay then, {r}|~So {r}|~{R}, dear tini"""

CARRIERS = {"q": split(DIRECT), "i": split(INDIRECT), "n": split(NOUN), "s": split(START),
            "k": split(KEY), "t": split(TOPIC), "r": split(SAID)}


def indirect(q):
    """'what color is the sky' -> 'what color the sky is'; None where no rule fits."""
    if ", " in q:
        return q if q.startswith(("which is ", "what is ", "which one is ")) else None
    for pattern, form in [
            (r"(who) (wrote|painted|invented|discovered|composed|built|created|was the) (.+)", r"\1 \2 \3"),
            (r"(what|how|from what|of what) (is|are|was) (.+?) (called|used for|made of|made from|for)",
             r"\1 \3 \2 \4"),
            (r"(where) (is|was) (.+) (located|born)", r"\1 \3 \2 \4"),
            (r"((?:what|who|where|when)) (is|are|was|were) (.+)", r"\1 \3 \2"),
            (r"(why) (is|are) (the \w+|\w+) (.+)", r"\1 \3 \2 \4"),
            (r"(how many .+?) (are there) (.+)", r"\1 there are \3"),
            (r"(how many \w+) does (.+) have", r"\1 \2 has"),
            (r"(how many \w+) do (.+) have", r"\1 \2 have"),
            (r"(how many .+) (are|live|make) (.+)", r"\1 \2 \3"),
            (r"((?:what|which) \w+) (is|are|was) (.+)", r"\1 \3 \2"),
            (r"((?:what|which|where|how|when) ?\w*) (?:do|does) (.+)", None),
            (r"((?:what|which) \w+ (?:comes|uses|has|borders|follows|makes|lives)) (.+)", r"\1 \2")]:
        m = re.fullmatch(pattern, q)
        if m:
            return m.expand(form) if form else None
    return None


def upper(text):
    return text[:1].upper() + text[1:]


PLURAL = re.compile(r"the (land )?(countries|neighbou?rs|borders|neighbouring|(main )?languages)\b|.*'s neighbours$")


HELD = {normal(re.sub(r"[{}]", "", form)) for _, held in CARRIERS.values() for form in held}


def carrier_of(rng, kind, held, by_rule):
    """A carrier for training, or for a test whose (core, carrier) are held out: those are written by hand."""
    if any(held) or rng.random() >= by_rule:
        return rng.choice(CARRIERS[kind][held[1]])
    if kind in "tr":
        form = rng.choice(CARRIERS[kind][0])
        return carriers.led(rng, form) if rng.random() < 0.4 else form
    while True:
        carrier = carriers.draw(rng, kind)
        if normal(re.sub(r"[{}]", "", carrier)) not in HELD:
            return carrier


class Phrasing:
    """Asks for one relation. cores: {kind: "a|b|~c"}; forms keep {x} for the subject."""

    def __init__(self, cores):
        self.cores = {"q": ([], []), "n": ([], []), "s": ([], []), "k": ([], []), "i": ([], []),
                      "t": ([], []), "r": ([], [])}
        for kind, forms in cores.items():
            for held, items in enumerate(split(forms)):
                self.cores[kind][held].extend(items)
        for held in (0, 1):
            for n in self.cores["n"][held]:
                be = "are" if PLURAL.match(n) else "is"
                if not n.startswith("the reason"):
                    self.cores["i"][held].append(f"what {n} {be}")
                    self.cores["s"][held].append(f"{n} {be}")
            for q in self.cores["q"][held]:
                if indirect(q):
                    self.cores["i"][held].append(indirect(q))
        self.kinds = [k for k in "qqqqiinnnsskktrrr" if self.cores[k][0]]
        self.held_kinds = [k for k in "qqqiinnskr" if self.cores[k][1]]

    def ask(self, rng, x, held=(0, 0), by_rule=BY_RULE):
        """One unpolished question about x. held = (core held out?, carrier held out?)."""
        kind = rng.choice(self.held_kinds if held[0] and self.held_kinds else self.kinds)
        core = rng.choice(self.cores[kind][held[0]] or self.cores[kind][0])
        carrier = carrier_of(rng, kind, held, by_rule)
        if kind == "t":
            return carrier.replace("{x}", x).replace("{X}", upper(x))
        text = core.replace("{x}", x)
        if kind == "q" and not any(held) and by_rule and rng.random() < TELEGRAMS:
            return surface.telegraph(rng, text)
        return carrier.replace("{" + kind + "}", text).replace("{" + kind.upper() + "}", upper(text))
