# SPDX-License-Identifier: MIT
"""What people say of themselves and ask for again: "My name is Ana." .. "What is my name?"."""

import tabled

# said | ..; answer; asked again | ..; answer then; answer where it was never said. {v} is the value, {w} a second one.
ABOUT = {
    "name": ("""My name is {v}.|My name is {v}.|I am {v}.|I'm {v}.|Call me {v}.|Hi, I am {v}.|Hello, my name is {v}.|You can call me {v}.|They call me {v}.|This is {v}.|
Hi, my name is {v}.|Hello! I'm {v}.|my name is {v}|I am called {v}.|My friends call me {v}.|Hey, I'm {v}.|The name is {v}.|~People call me {v}.|~Hey there, {v} here.|~Please call me {v}.|~Good morning, I am {v}.""",
             "Nice to meet you, {v}! What would you like to know?",
             """What is my name?|What's my name?|Who am I?|Do you know my name?|Do you remember my name?|Tell me my name.|Say my name.|whats my name|what is my name again?|
Can you tell me my name?|Do you still know my name?|So, what is my name?|And what is my name?|What did I say my name is?|my name?|~Can you say my name?|~What am I called?|~How am I called?|~Could you repeat my name?""",
             "Your name is {v}.", "I do not know your name yet. What is your name?"),
    "home": ("""I live in {v}.|My home is in {v}.|I am living in {v}.|I live in the city of {v}.|We live in {v}.|my home is {v}|I have a house in {v}.|~I am at home in {v}.|~My flat is in {v}.""",
             "I have never been there, but I know where {v} is. What would you like to know?",
             """Where do I live?|Do you know where I live?|In which city do I live?|What city do I live in?|Where is my home?|where do I live again|Tell me where I live.|~Which city is my home?|~Do you remember where I live?""",
             "You live in {v}.", "You have not told me where you live."),
    "origin": ("""I am from {v}.|I come from {v}.|I'm from {v}.|My family is from {v}.|I was born in {v}.|I am from {v}, you know.|~I grew up in {v}.|~My home country is {v}.""",
               "It is good to meet somebody from {v}. What would you like to know?",
               """Where am I from?|Where do I come from?|Do you know where I am from?|Which country am I from?|What country do I come from?|~Do you remember where I come from?|~Tell me where I am from.""",
               "You are from {v}.", "You have not told me where you are from."),
    "age": ("""I am {v} years old.|I'm {v} years old.|I am {v}.|My age is {v}.|I turned {v} today.|I am {v} years of age.|~I have just become {v} years old.|~I'm already {v}.""",
            "That is a good age. What would you like to know?",
            """How old am I?|Do you know how old I am?|What is my age?|Tell me my age.|my age?|~Do you remember my age?|~What age am I?""",
            "You are {v} years old.", "You have not told me how old you are."),
    "pet": ("""I have a {w} called {v}.|My {w} is called {v}.|My {w}'s name is {v}.|I have a {w} named {v}.|We have a {w} called {v}.|I got a {w} and named it {v}.|~There is a {w} at home named {v}.|~My little {w} is {v}.""",
            "{v} is a nice name for a {w}. What would you like to know?",
            """What is my {w} called?|What is the name of my {w}?|What's my {w}'s name?|Do you know the name of my {w}?|How is my {w} called?|~Do you remember what my {w} is called?|~Tell me my {w}'s name.""",
            "Your {w} is called {v}.", "You have not told me about your {w}."),
    "color": ("""My favorite color is {v}.|I like the color {v}.|The color I like best is {v}.|My favourite colour is {v}.|I love the color {v}.|{V} is my favorite color.|~I like {v} best of all colors.""",
              "{V} is a beautiful color. What would you like to know?",
              """What is my favorite color?|Which color do I like?|What color do I like best?|Do you know my favorite color?|What is my favourite colour?|~Do you remember which color I like?|~Tell me my favorite color.""",
              "Your favorite color is {v}.", "You have not told me your favorite color."),
    "food": ("""My favorite food is {v}.|I like {v} best of all foods.|I love to eat {v}.|My favourite food is {v}.|I eat {v} every day.|~The food I like best is {v}.""",
             "Many people like {v}. What would you like to know?",
             """What is my favorite food?|Which food do I like?|What do I like to eat?|Do you know my favorite food?|~Do you remember what I like to eat?|~Tell me my favorite food.""",
             "You like {v}.", "You have not told me what you like to eat."),
    "work": ("""I work as a {v}.|My job is {v}.|I am a {v} by profession.|I earn my money as a {v}.|I have worked as a {v} for years.|~My work is that of a {v}.|~I am employed as a {v}.""",
             "That is good work. What would you like to know?",
             """What is my job?|What do I do for a living?|What is my work?|Do you know my job?|What do I work as?|~Do you remember my job?|~Tell me what my work is.""",
             "You work as a {v}.", "You have not told me what your work is."),
}
COLORS = "red blue green yellow orange purple pink brown black white gray violet".split()
FOODS = "pizza|pasta|soup|rice|bread|cheese|salad|chocolate|ice cream|pancakes|sushi|noodles|potatoes|beans|fish|cake|bananas|strawberries".split("|")
JOBS = "teacher|nurse|baker|farmer|pilot|doctor|cook|gardener|driver|lawyer|painter|singer|plumber|carpenter|librarian|programmer|waiter|dentist|tailor|writer".split("|")
PETS = "dog cat rabbit hamster parrot horse mouse fish bird turtle".split()
NAMES = tabled.words("names.txt")
FORMS = {kind: (tabled.split(a), b, tabled.split(c), d, e) for kind, (a, b, c, d, e) in ABOUT.items()}


def value(rng, kind, known, held):
    """(v, w) for a kind of statement."""
    pick = {"name": lambda: rng.choice(NAMES[held]), "home": lambda: rng.choice(known["city"]), "origin": lambda: rng.choice(known["country"]),
            "age": lambda: str(rng.randrange(5, 96)), "pet": lambda: rng.choice(NAMES[held]), "color": lambda: rng.choice(COLORS),
            "food": lambda: rng.choice(FOODS), "work": lambda: rng.choice(JOBS)}[kind]
    return pick(), rng.choice(PETS) if kind == "pet" else ""


def fill(form, v, w):
    return form.replace("{v}", v).replace("{w}", w).replace("{V}", v[:1].upper() + v[1:])


def said(rng, kind, v, w, held=0):
    said_forms, answer, *_ = FORMS[kind]
    return fill(rng.choice(said_forms[held]), v, w), fill(answer, v, w)


def asked(rng, kind, v, w, held=0):
    """The question for it, and its answer; v None: it was never said."""
    _, _, forms, answer, unknown = FORMS[kind]
    return fill(rng.choice(forms[held]), v or "", w), fill(answer, v, w) if v is not None else fill(unknown, "", w)
