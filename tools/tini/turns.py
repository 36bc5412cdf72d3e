# SPDX-License-Identifier: MIT
"""Conversations: what can be said after an answer, a row of KINDS each. A kind returns (said, answer, fact or None), or None
where it does not fit. Forms with "~" are for the test; forms of facts come from their own phrasing."""

import memory
import outside
import sums
import tabled
import tales
from facts import OF_ANIMALS, upper
from world import ANIMAL, COUNTRY, NOUNS, THERE, number

AND_X = tabled.split("""And {x}?|What about {x}?|How about {x}?|And what about {x}?|{x}?|And for {x}?|And of {x}?|Now {x}.|What about {x} then?|And in {x}?|And {x}|what about {x}|and {x}?|
The same for {x}, please.|And that of {x}?|~And how about {x}?|~And now {x}?|~{x} as well?|~What about {x}, please?""")
AND_NOUN = tabled.split("""And the {r}?|And its {r}?|What about the {r}?|What about its {r}?|And what is its {r}?|What is its {r}?|The {r}?|And the {r} there?|How about the {r}?|and its {r}|
And what is the {r}?|~How about its {r}?|~Now its {r}, please.|~And can you tell me its {r}?""")
MEANT_X = tabled.split("""No, I meant {x}.|I meant {x}.|Sorry, I meant {x}.|No, {x}.|I mean {x}.|Not {p}, {x}.|No, not {p}, {x}.|I was asking about {x}.|Oh sorry, {x}.|Wait, I meant {x}.|no i meant {x}|
I wanted to say {x}.|No, I wanted {x}.|~No no, I was asking about {x}.|~Oh, I wanted to ask about {x}.|~Excuse me, I meant {x}.|~I did not mean {p} but {x}.""")
MEANT_NOUN = tabled.split("""No, I meant the {r}.|I meant its {r}.|No, the {r}.|Sorry, I meant the {r}.|Not the {p}, the {r}.|I wanted the {r}.|No, I asked for the {r}.|~No no, I wanted its {r}.|~I did not mean the {p} but the {r}.""")
MORE = tabled.split("""Tell me more.|More, please.|Can you tell me more?|What else?|Tell me more about it.|Tell me more about that.|What else do you know about it?|Anything else?|Go on.|tell me more|More|
more please|Please tell me more.|Give me more details.|I want to know more.|Can you say more?|and what else|Is there more?|~I would like to know more.|~Do you know more about it?|~Say more about that.|~Could you tell me a bit more?""")
WHY = tabled.split("""Why?|Why is that?|Why is it so?|why|But why?|Why so?|And why?|How come?|Why is this so?|Can you explain why?|Why though?|why is that|~And why is that so?|~What is the reason?|~Do you know why?""")
SURE = tabled.split("""Are you sure?|Is that right?|Really?|Is that true?|Is that correct?|Are you certain?|sure?|are you sure|Are you sure about that?|Is this true?|really|Do you really know that?|Is that really true?|r u sure|
~Are you really sure?|~Is that really so?|~Are you quite sure of it?|~Can that be true?""")
SHORT = tabled.split("""Shorter, please.|Make it shorter.|Can you say it shorter?|In one word?|Just the answer, please.|Too long.|Shorter|shorter please|A shorter answer, please.|Say it in one word.|In short?|
Only the answer, please.|Give me a short answer.|~Say it in fewer words.|~The short version, please.|~Can you make that shorter?|~Briefly, please.""")
AGAIN = tabled.split("""Say that again.|Can you repeat that?|Repeat, please.|What did you say?|Again, please.|Please say it again.|Repeat that.|once more|Can you say that again?|I did not get that.|Pardon?|say again|repeat|
Could you repeat the answer?|~Could you say it once more?|~I did not hear you.|~What was that?|~Please repeat your answer.""")
WHY_NOT = tabled.split("""Why not?|Why don't you know that?|Why can't you?|why not|But why not?|Why do you not know it?|~Why is that not possible?|~How come you don't know?""")
NEXT_JOKE = tabled.split("""Another one.|Tell me another one.|One more, please.|Another joke, please.|Another one, please!|Do you know another one?|more jokes|one more|~Let me hear another one.|~And another one?""")
NEXT_STORY = tabled.split("""Another one.|Tell me another one.|Another story, please.|One more story.|Do you know another one?|another story|~Let me hear another story.|~And one more story, please.""")
STORY_ABOUT = tabled.split("""Now one about {x}.|And one about {x}?|Tell me one about {x}.|Another one about {x}, please.|Do you know one about {x}?|~Now tell me one about {x}, please.|~Could it be about {x}?""")
STORY_NAME = tabled.split("""What was the {w} called?|What is the name of the {w}?|What was the name of the {w}?|How was the {w} called?|Who was the story about?|~Do you remember the name of the {w}?|~Which name did the {w} have?""")
STORY_FRIEND = tabled.split("""Who was the friend of {N}?|Who did {N} meet?|Which animal did {N} meet?|Who else was in the story?|~Which friend did {N} have?|~Whom did {N} meet?""")
SIGNS = [("sum", tabled.split("And plus {b}?|Plus {b}?|Now add {b}.|And if I add {b}?|Add {b} to that.|and plus {b}|+ {b}|~And {b} more?|~Now {b} on top of that.")),
         ("difference", tabled.split("And minus {b}?|Minus {b}?|Now take away {b}.|And if I take away {b}?|Subtract {b} from that.|and minus {b}|- {b}|~And {b} less?|~Now without {b}.")),
         ("double", tabled.split("And twice that?|Times two?|Double it.|And double that?|Two times that?|~And doubled?")),
         ("half", tabled.split("And half of that?|Half of that?|Divide it by two.|And half of it?|~And halved?"))]
JOKES = ["tell me a joke", "tell me a joke about a cat", "tell me a joke about a dog", "tell me a joke about a cow", "tell me a joke about school",
         "tell me a joke about computers", "tell me a joke about food"]
FUN = ["tell me a fun fact", "tell me a fun fact about animals", "tell me a fun fact about space"]
KNOCK = "Lettuce|Boo|Olive|Justin|Ice cream|Cows|Harry|Orange|Nobel|Alpaca|Tank|Police|Water|Dishes|Interrupting cow|~Wooden shoe|~Cash|~Figs|~Luke".split("|")
WHY_FACT = "I do not know why. I only know that it is so."
WHY_REFUSED = "I am a very small model, and I have learned only a few simple things."
SAME = ("capital", "currency", "language", "location", "population", "demonym", "coast", "borders", "city", "capital_of", "color", "opposite", "past", "plural", "book", "young",
        "sound", "home", "legs", "eats", "kind", "us_state", "element", "inventor", "job", "use", "made", "hello", "thanks", "month_days", "sides", "group")


class State:
    """What has been said so far: the last fact and answer, whether it was refused, the story just told, what is known of the user."""

    def __init__(self):
        self.last, self.told, self.refused, self.story, self.known = None, "", False, None, {}


class Turns:
    def __init__(self, world, unknown):
        self.world, self.outside = world, unknown
        self.facts = [f for f in world.facts if f.relation != "single"] + world.explained + world.described
        self.weights = [f.weight for f in self.facts]
        self.later_talk = [f for f in world.talked if not f.subject.startswith("first/")]
        self.country = [f for f in world.facts if f.relation in COUNTRY or f.relation in ("city", "capital_of")]
        self.country_weights = [f.weight for f in self.country]
        self.even = 0.0     # share of other subjects that are drawn alike, rare and long ones as often as the rest

    # ---- first turns ----
    def fact(self, rng, held=(0, 0)):
        """A fact of any kind, countries' most of all."""
        f = rng.choices(self.country, self.country_weights)[0] if rng.random() < 0.45 else rng.choices(self.facts, self.weights)[0]
        return f.ask(rng, held), f.answer, f

    def small_talk(self, rng, held=(0, 0)):
        f = rng.choice(self.world.talked)
        return f.ask(rng, held), f.answer, f

    def a_sum(self, rng, held=(0, 0)):
        f = number(rng)
        return f.ask(rng, held), f.answer, f

    # ---- later turns ----
    def same_relation(self, rng, s, held):
        """Another subject, by a few words alone."""
        f = self.other(rng, s)
        return f and (rng.choice(AND_X[held]).replace("{x}", self.shown(f)), f.answer, f)

    def other(self, rng, s):
        """A fact of the last one's relation about another subject."""
        if not s.last or s.last.relation not in SAME:
            return None
        items = list(self.world.by[s.last.relation].values())
        f = rng.choice(items) if self.even and rng.random() < self.even else rng.choices(items, [i.weight for i in items])[0]
        return f if f.subject != s.last.subject else None

    @staticmethod
    def shown(f):
        """The subject as it stands in a sentence: animals have an article."""
        if f.relation in (*OF_ANIMALS, "sides"):
            return tales.a_or_an(f.subject)
        return f.subject

    def other_noun(self, rng, s, held):
        """Another relation of the same country, by its noun."""
        f = self.sibling(rng, s, NOUNS)
        return f and (rng.choice(AND_NOUN[held]).replace("{r}", rng.choice(NOUNS[f.relation].split("|"))), f.answer, f)

    def sibling(self, rng, s, relations):
        country = s.last and self.world.country_of(s.last)
        if not country:
            return None
        names = [r for r in relations if r != s.last.relation and country in self.world.by[r] and not (r == "location" and s.last.relation == "capital")
                 and not (r == "capital" and s.last.relation == "capital_of")]
        return self.world.by[rng.choice(names)][country] if names else None

    def there(self, rng, s, held):
        """Another relation of the country, with "there" or "it"."""
        f = self.sibling(rng, s, [r for r in THERE if not (r == "location" and s.last and s.last.relation in ("city", "capital_of"))])
        if not f:
            return None
        form = rng.choice(tabled.split(THERE[f.relation])[held])
        return asked(rng, form), f.answer, f

    def animal_it(self, rng, s, held):
        if not s.last or s.last.relation not in ANIMAL:
            return None
        names = [r for r in ANIMAL if r != s.last.relation and s.last.subject in self.world.by[r]]
        if not names:
            return None
        f = self.world.by[rng.choice(names)][s.last.subject]
        return asked(rng, rng.choice(tabled.split(ANIMAL[f.relation])[held])), f.answer, f

    def meant_subject(self, rng, s, held):
        f = self.other(rng, s)
        if not f:
            return None
        return rng.choice(MEANT_X[held]).replace("{x}", self.shown(f)).replace("{p}", self.shown(s.last)), f.answer, f

    def meant_noun(self, rng, s, held):
        if not s.last or s.last.relation not in NOUNS:
            return None
        f = self.sibling(rng, s, NOUNS)
        if not f:
            return None
        nouns = [rng.choice(NOUNS[r].split("|")) for r in (f.relation, s.last.relation)]
        return rng.choice(MEANT_NOUN[held]).replace("{r}", nouns[0]).replace("{p}", nouns[1]), f.answer, f

    def more(self, rng, s, held):
        if not s.last or s.last.relation in ("talk", "poem", "more") or s.last.relation in NUMBERS:
            return None
        f = self.world.more(s.last)
        return rng.choice(MORE[held]), f.answer, f

    def why(self, rng, s, held):
        if s.refused:
            return rng.choice(WHY_NOT[held]), WHY_REFUSED, None
        if not s.last or s.last.relation in ("talk", "poem", "describe", "more"):
            return None
        return rng.choice(WHY[held]), s.last.more if s.last.relation == "explain" else WHY_FACT, s.last

    def sure(self, rng, s, held):
        if s.refused:
            return rng.choice(SURE[held]), "Yes, I am sure that I do not know it.", None
        if not s.last or s.last.relation in ("talk", "poem") or s.last.answer.startswith("I am sorry"):
            return None
        return rng.choice(SURE[held]), "Yes, I am sure. " + s.last.answer, s.last

    def shorter(self, rng, s, held):
        short = s.last and self.world.shorter(s.last)
        return short and (rng.choice(SHORT[held]), short, s.last)

    def again(self, rng, s, held):
        return s.told and not s.story and (rng.choice(AGAIN[held]), s.told, s.last)

    def new_fact(self, rng, s, held):
        """A whole new question, which has nothing to do with what was said."""
        return self.fact(rng, rng.choice([(1, 0), (0, 1)]) if held else (0, 0))

    def same_whole(self, rng, s, held):
        """The same relation of another subject, asked in full."""
        f = self.other(rng, s)
        return f and (f.ask(rng, rng.choice([(1, 0), (0, 1)]) if held else (0, 0)), f.answer, f)

    def talk(self, rng, s, held):
        f = self.world.intent[rng.choice(AFTER)] if rng.random() < 0.6 else rng.choice(self.later_talk)
        return f.ask(rng, (1, 0) if held else (0, 0)), f.answer, f

    def said(self, rng, s, held):
        """Somebody tells something of himself."""
        kind = rng.choices(list(memory.FORMS), [5, 1, 1, 1, 1, 1, 1, 1])[0]
        if kind in s.known:
            return None
        s.known[kind] = memory.value(rng, kind, self.world.known, held)
        q, a = memory.said(rng, kind, *s.known[kind], held)
        return q, a, None

    def asked_again(self, rng, s, held):
        if not s.known:
            return None
        kind = rng.choice(list(s.known) + [k for k in s.known if k == "name"])
        q, a = memory.asked(rng, kind, *s.known[kind], held)
        return q, a, None

    def never_said(self, rng, s, held):
        kinds = [k for k in memory.FORMS if k not in s.known]
        kind = rng.choice(kinds + ["name"] * 3 if "name" in kinds else kinds)
        _, w = memory.value(rng, kind, self.world.known, held)
        q, a = memory.asked(rng, kind, None, w, held)
        return q, a, None

    def refused(self, rng, s, held):
        q, name, _ = self.outside.draw(rng, held)
        return q, outside.REFUSALS[name], None

    def go_on_counting(self, rng, s, held):
        """A further step from the last result."""
        if not s.last or s.last.relation not in ("sum", "difference", "product", "divided", "double", "half") or not s.last.value.isdigit():
            return None
        n = int(s.last.value)
        name, forms = rng.choice(SIGNS)
        b = rng.randrange(1, 21)
        if name == "sum" and n + b > 200 or name == "difference" and n < b or name == "double" and not 0 < n <= 50 or name == "half" and (n % 2 or not n):
            return None
        if sums.kept(name, n, b):
            return None
        f = sums.of_kind(rng, name, n, b)
        return rng.choice(forms[held]).replace("{b}", str(b)), f.answer, f

    def joke(self, rng, s, held):
        """Another joke or fun fact after one."""
        for row in (JOKES, FUN):
            at = [i for i, name in enumerate(row) if s.last and s.last.subject == "fun/" + name]
            if at and at[0] + 1 < len(row):
                f = self.world.intent["fun/" + row[at[0] + 1]]
                return rng.choice(NEXT_JOKE[held]).replace("joke", "joke" if row is JOKES else "fact"), f.answer, f
        return None

    def another_story(self, rng, s, held):
        if not s.story:
            return None
        i = tales.HEROES.index(s.story["w"])
        hero = tales.HEROES[(i + 1) % len(tales.HEROES)]
        if rng.random() < 0.6:
            hero = rng.choice(tales.HEROES)
            form = rng.choice(STORY_ABOUT[held]).replace("{x}", tales.article(hero))
        else:
            form = rng.choice(NEXT_STORY[held])
        s.story = tales.settled(hero)
        return form, tales.told(s.story), None

    def story_detail(self, rng, s, held):
        if not s.story:
            return None
        if rng.random() < 0.5:
            return rng.choice(STORY_NAME[held]).replace("{w}", s.story["w"]), f"The {s.story['w']} was called {s.story['N']}.", None
        return (rng.choice(STORY_FRIEND[held]).replace("{N}", s.story["N"]), f"{s.story['N']} met {tales.a_or_an(s.story['f'])}.", None)

    def after_reply(self, rng, s, held):
        """Question of one's own after small talk: "How are you?" "I am fine."."""
        f = rng.choice([self.world.intent["feeling/I am happy"], self.world.intent["leaving/thank you"], self.world.intent["feeling/I love you"]])
        return f.ask(rng, (1, 0) if held else (0, 0)), f.answer, f

    def knock(self, rng, s, held):
        if not s.last or s.last.subject != "fun/knock knock":
            return None
        word = rng.choice([w.removeprefix("~") for w in KNOCK if w.startswith("~") == bool(held)])
        return rng.choice([word + ".", word, word + "!"]), word + " who?", None


def asked(rng, form):
    """A question of a pronoun as it is typed after an answer."""
    lead = rng.choice(["", "", "", "", "And ", "Okay, and ", "Thanks. And "])
    return lead + (form if lead else upper(form)) + rng.choice(["?", "?", "?", "?", ""])


NUMBERS = {"sum", "difference", "product", "divided", "larger", "smaller", "double", "half", "next", "before", "even", "count", "apples", "check", "size", "list"}
AFTER = ["leaving/thank you", "leaving/goodbye", "short/ok", "short/lol", "short/yes", "short/no", "short/you are right", "short/you are wrong", "feeling/you are smart",
         "self/who are you", "self/what can you do", "greeting/how are you", "short/I do not understand", "fun/tell me a joke", "short/sorry", "leaving/good night"]
# name, method, share in the training
KINDS = [("same_relation", 14), ("other_noun", 8), ("there", 10), ("animal_it", 4), ("meant_subject", 6), ("meant_noun", 3), ("more", 6), ("why", 5), ("sure", 5),
         ("shorter", 4), ("again", 3), ("new_fact", 14), ("same_whole", 6), ("talk", 8), ("said", 6), ("asked_again", 10), ("never_said", 2), ("refused", 6),
         ("go_on_counting", 5), ("joke", 3), ("another_story", 1.5), ("story_detail", 3), ("after_reply", 2), ("knock", 2)]
