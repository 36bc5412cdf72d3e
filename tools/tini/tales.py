# SPDX-License-Identifier: MIT
"""Stories and poems by rule: who it is about settles name, place, friend and plot, and a prompt may name them otherwise."""

import facts
from phrasing import Phrasing

# Heroes: "word" or "word/plural"; living ones first. The order settles everything else.
LIVING = """mouse cat dog rabbit bird bear fox frog horse cow pig duck owl squirrel turtle hedgehog elephant lion monkey fish bee ant butterfly
snail spider wolf sheep goat hen penguin tiger giraffe kangaroo donkey kitten puppy lamb dragon fairy robot king queen princess prince witch giant
knight pirate wizard unicorn ghost mermaid elf clown farmer teacher doctor baker sailor gardener boy girl grandmother grandfather panda zebra
camel crocodile dolphin whale shark parrot swan eagle bat snake deer mole badger beaver otter raccoon koala hamster pony rooster goose crab octopus
dinosaur troll magician nurse pilot cook shepherd fisherman policeman firefighter astronaut child man woman baby""".split()
THINGS = """car train boat truck bus bicycle tree flower ball doll kite balloon hat apple star cloud lamp clock bell drum book pencil cup spoon shoe
umbrella chair key toy snowman leaf stone river house tower bridge rocket airplane tractor teapot pumpkin candle button guitar piano robot-car
sun moon""".split()
HEROES = [h for h in LIVING + THINGS if h != "robot-car"]
NAMES = """Tom Mia Ben Lily Max Nina Sam Ella Tim Rosa Leo Ida Jack Anna Paul Lucy Finn Emma Otto Clara Hugo Zoe Oscar Mila Fred Nora Karl Ruby Felix
Alma Gus Penny Bruno Daisy Milo Elsa Rufus Tilly Toby Wanda""".split()
PLACES = """in a small house|in a green forest|on a farm|by the sea|in a big garden|near a lake|in a little village|on a high hill|in an old castle|
by a river|in a quiet town|under a tall tree""".replace("\n", "").split("|")
FRIENDS = "frog bird mouse rabbit duck fox bear turtle squirrel owl".split()
FOODS = "apple|cake|loaf of bread|pear|cookie|piece of cheese|nut|carrot".split("|")
LOST = "red ball|blue hat|little key|golden ring|warm scarf|small bell|old book|shiny coin".split("|")
HE = set("Tom Ben Max Sam Tim Leo Jack Paul Finn Otto Hugo Oscar Fred Karl Felix Gus Bruno Milo Rufus Toby".split())
# Whose sex is in the word.
SHE_HEROES = set("queen princess witch girl grandmother woman hen cow mermaid fairy".split())
HE_HEROES = set("king prince boy grandfather man rooster knight wizard policeman fisherman clown".split())

# {a} a cat, {w} cat, {N} its name, {P} place, {he} {He} {his} {him}, {f} friend, {af} a friend,
# {L} what is lost, {e} what is eaten, {ae} with its article.
PLOTS = {
"lost": ("who lost something", """Once upon a time there was {a} called {N} who lived {P}. One morning {N} could not find {his} {L}. {He} looked under the bed and behind the
door, but it was not there. Then {N} met {af}. "I saw it in the tall grass," said the {f}. They went there together and found the {L}. {N} was so happy
that {he} danced. From that day on the two were best friends."""),
"dark": ("who was afraid of the dark", """Once there was {a} called {N} who lived {P}. {N} was afraid of the dark and could not sleep. One night {af} came to the window. "Look up," it
said, "the stars are little lamps." {N} looked up and saw a thousand lights. {He} counted them one by one until {his} eyes closed. After that night {N} was
never afraid again."""),
"share": ("who learned to share", """Once upon a time there was {a} called {N} who lived {P}. {N} had a big {e} and wanted to eat it alone. Then a hungry {f} came by and looked at it.
At first {N} turned away. But the {f} looked so sad that {he} gave it one half. They sat in the sun and ate together. "It tastes better with a friend," said {N}."""),
"rain": ("on a rainy day", """Once there was {a} called {N} who lived {P}. One day it rained and rained, and {N} could not play outside. A wet {f} knocked at the door. "Come in and get
warm," said {N}. They drank hot tea and told each other stories. When the rain stopped, a rainbow stood in the sky. {N} and the {f} jumped through every puddle."""),
"home": ("who got lost", """Once upon a time there was {a} called {N} who lived {P}. One day {N} walked too far and did not know the way home. {He} sat down and began to cry. A kind {f}
heard it and asked what was wrong. "I will show you the way," said the {f}. Step by step they went back together. At home {N} gave the {f} {ae} and said thank you."""),
"race": ("who ran a race", """Once there was {a} called {N} who lived {P}. One day there was a race, and {N} wanted to win. {He} ran as fast as the wind. But on the way {he} saw {af} that
had hurt its foot. {N} stopped and carried it to the end. Others came first, but everybody clapped for {N}. A good heart is the best prize."""),
"birthday": ("who had a birthday", """Once upon a time there was {a} called {N} who lived {P}. It was {his} birthday, but nobody came to say so. {N} felt sad and went for a walk. When {he} came
back, the door was open and the table was full of cake. "Surprise!" called the {f} and all the others. They sang and played until the moon came up. {N} had
never been so happy."""),
"seed": ("who planted a seed", """Once there was {a} called {N} who lived {P}. In spring {N} found a small seed and put it into the ground. {He} gave it water every day and waited. For a long
time nothing happened, and the {f} laughed. Then one morning a green leaf looked out. In summer it was a tall flower with a yellow head. "You only had to
wait," said {N}."""),
"brave": ("who was brave", """Once upon a time there was {a} called {N} who lived {P}. {N} was small, and the others said that {he} could do nothing. One day {af} fell into the water and called
for help. All the others were afraid. {N} took a long branch and held it out. The {f} climbed up and was safe. Since then everybody says that {N} is the bravest
of all."""),
"moon": ("who wanted to see the world", """Once there was {a} called {N} who lived {P}. {N} wanted to see the whole world. So {he} packed {ae} and went away early in the morning. {He} saw high
mountains, wide fields and the blue sea. But in the evening {N} thought of {his} friend, the {f}. {He} turned around and went home. "The world is big," said {N},
"but it is best with you." """),
"new": ("who found a friend", """Once upon a time there was {a} called {N} who lived {P}. {N} was often alone and wished for a friend. One day {af} moved in next door. {N} was shy and hid
behind a bush. The {f} held out {ae} and smiled. Soon they played every day from morning to night. {N} was never alone again."""),
"help": ("who helped others", """Once there was {a} called {N} who lived {P}. Every day {N} asked who needed help. {He} carried water for the farmer and read to the old {f}. One winter
{N} fell ill and had to stay in bed. Then all the neighbors came with soup and flowers. "You helped us," said the {f}, "and now we help you." Soon {N} was well
again."""),
}
PLOT_NAMES = list(PLOTS)
POEMS = ["""O little {w}, I think of you when all the sky is clear and blue. And when the stars shine in the night, I see {a} in silver light.""",
         """I saw {a} upon the way, it was a warm and sunny day. I said hello, it looked at me, and we sat down beneath a tree.""",
         """{A}, {a}, what can it be? It makes a happy day for me. In sun and wind, in rain and snow, I take my {w} where I go.""",
         """Good night, my {w}, the day is done, and to the west has gone the sun. Sleep well until the morning light, my little {w}, good night, good night."""]
TELL = Phrasing({
    "k": "tell me a story about {x}|tell me a story about {x}|tell me a short story about {x}|write a story about {x}|write a short story about {x}|a story about {x}|make up a story about {x}|"
         "story about {x}|tell a story about {x}|tell us a story about {x}|tell a tale about {x}|give me a story about {x}|I want a story about {x}|I would like a story about {x}|I want to hear a story about {x}|"
         "tell me a bedtime story about {x}|read me a story about {x}|please tell me a story about {x}|{x} story|create a story about {x}|write me a little story about {x}|tell me something that happened to {x}|"
         "~invent a story about {x}|~tell me a little tale about {x}|~I'd love to hear a story about {x}|~write a children's story about {x}|~share a story about {x}",
    "q": "can you tell me a story about {x}|could you tell a story about {x}|do you know a story about {x}|can you write a story about {x}|would you tell me a story about {x}|can you make up a story about {x}|"
         "~will you tell me a story about {x}|~could you write a short tale about {x}|~have you got a story about {x}"})
TELL_ANY = Phrasing({
    "k": "tell me a story|tell me a short story|write a story|a story please|make up a story|tell me a bedtime story|story|tell a story|I want to hear a story|tell us a story|write a short story|"
         "please tell me a story|give me a story|read me a story|tell me a tale|I want a story|~I'd like to hear a story|~tell me a little story|~invent a story|~write me a story",
    "q": "can you tell me a story|do you know a story|can you write a story|could you tell me a story|do you know any stories|would you tell me a story|~will you tell me a story|~have you got a story for me"})
RHYME = Phrasing({
    "k": "write a poem about {x}|a poem about {x}|tell me a poem about {x}|write a short poem about {x}|make a poem about {x}|poem about {x}|give me a poem about {x}|write me a poem about {x}|~compose a poem about {x}|~let me hear a poem about {x}",
    "q": "can you write a poem about {x}|do you know a poem about {x}|could you write a poem about {x}|~will you write a poem about {x}"})


def a_or_an(word):
    return facts.article(word) + " " + word


def article(word):
    return "the " + word if word in ("sun", "moon") else a_or_an(word)


def pronouns(hero, name):
    she = hero in SHE_HEROES or hero not in HE_HEROES and name not in HE
    return {"he": "she", "He": "She", "his": "her", "him": "her"} if she else {"he": "he", "He": "He", "his": "his", "him": "him"}


def fitting(hero, i):
    """A name for the hero whose sex fits."""
    for k in range(len(NAMES)):
        name = NAMES[(7 * i + k) % len(NAMES)]
        if hero in SHE_HEROES and name in HE or hero in HE_HEROES and name not in HE:
            continue
        return name


def settled(hero):
    """What a story about this hero has where the prompt names nothing else."""
    i = HEROES.index(hero)
    friend = FRIENDS[(3 * i + 1) % len(FRIENDS)]
    if friend == hero:
        friend = FRIENDS[(3 * i + 2) % len(FRIENDS)]
    return {"w": hero, "N": fitting(hero, i), "P": PLACES[(5 * i) % len(PLACES)], "f": friend, "L": LOST[i % len(LOST)], "e": FOODS[i % len(FOODS)],
            "plot": PLOT_NAMES[i % len(PLOT_NAMES)]}


def told(details):
    text = " ".join(PLOTS[details["plot"]][1].split())
    return text.format(a=a_or_an(details["w"]), af=a_or_an(details["f"]), ae=a_or_an(details["e"]), **{k: v for k, v in details.items() if k != "plot"}, **pronouns(details["w"], details["N"])).strip()


def rhymed(hero):
    return " ".join(POEMS[HEROES.index(hero) % len(POEMS)].split()).format(w=hero, a=a_or_an(hero), A=a_or_an(hero).capitalize())


def held(*parts):
    """One combination in eight is for the test."""
    return sum(map(ord, " ".join(parts))) % 8 == 0


def request(rng, wanted):
    """(subject for the phrasing, details, story): a hero alone, or with a name, a place, a friend or a plot. wanted: of the held-out ones."""
    while True:
        hero = rng.choice(HEROES)
        details = settled(hero)
        x, extra = article(hero), rng.choice(["", "", "", "", "N", "P", "f", "plot", "NP", "Nplot", "adjective"])
        if "N" in extra:
            names = [n for n in NAMES if (n not in HE if hero in SHE_HEROES else n in HE if hero in HE_HEROES else True)]
            details["N"] = rng.choice(names)
            x += rng.choice([" called ", " named "]) + details["N"]
        if "plot" in extra:
            details["plot"] = rng.choice(PLOT_NAMES)
            x += " " + PLOTS[details["plot"]][0]
        if extra == "f":
            details["f"] = rng.choice([f for f in FRIENDS if f != hero])
            x += " and " + article(details["f"])
        if "P" in extra:
            details["P"] = rng.choice(PLACES)
            x += rng.choice([" ", " who lives "]) + details["P"]
        if extra == "adjective" and hero not in ("sun", "moon"):
            x = rng.choice(["a little ", "a small ", "a brave ", "a happy ", "a sad ", "a clever ", "a funny ", "a kind "]) + hero
        if bool(extra and extra != "adjective" and held(hero, details["N"], details["P"], details["f"], details["plot"])) == wanted:
            return x, details, told(details)


__all__ = ["HEROES", "TELL", "TELL_ANY", "RHYME", "request", "settled", "told", "rhymed", "article"]
