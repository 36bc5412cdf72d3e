# SPDX-License-Identifier: MIT
"""Words of any tokens that are said again: at once, later, in capitals, in small letters, between words that a system prompt wants. What is copied so is learnt as copying, not as a list of names."""

import personas
import widen

# {x} is what is said again; SAY has it at once, KEEP later (asked by RECALL), UPPER and LOWER otherwise written. Choices <a/b> as in broad.txt.
SAY = widen.forms_of("""</please/now/now please/can you/could you please/I want you to/just/simply/ok,> <repeat/say/write/copy/type/echo/print/output/write down/read out> <this/the following/the words/these words/what I say/this text/exactly this/this after me/>: {x}"""
                     """|<say/repeat/write/echo/print/type/tell me/answer with/reply with/respond with/just write/only say/say nothing but/can you say/could you say/will you write/use your words to say> "{x}"|<echo/repeat/print/only say/just write/repeat after me/after me/parrot/you say/mirror> {x}"""
                     """|I say "{x}", and you say it too|"{x}" - <now you/say that/repeat it/your turn/please say it>|"{x}" <Say that!/Repeat it./Now you./Again, please.>|<give me back/put on the screen/say back to me/read to me/send back> <this/these words/the words/the following>: {x}""")
LETTERS = """</please/now/can you/could you/I want you to/just> <write/put/say/turn/make/type/give me> <this/these words/the words/the following/it> {l}<:/, please:> {x}|</please/now> <write/say/put/make/type> "{x}" {l}|how is "{x}" written {l}?|{l}: {x}|<the same/this/that> {l}<, please/>: {x}|{x} {l}<, please/>"""
UPPER = widen.forms_of(LETTERS.replace("{l}", "<in capitals/in capital letters/in upper case/in caps/in all caps/in big letters>") + "|<shout/uppercase/upper case/to upper case/caps/capitals/capitalize every letter/all caps>< this/>: {x}|shout \"{x}\"")
LOWER = widen.forms_of(LETTERS.replace("{l}", "<in small letters/in lower case/in lowercase/without capitals/with no capitals/in little letters>") + "|<lowercase/lower case/to lower case/small letters/no capitals/uncapitalize>< this/>: {x}")
KEEP = widen.forms_of("""</please/now/I want you to/can you/will you> <remember/keep in mind/note/memorize/do not forget/hold on to/learn by heart> <this/these words/the following/my words>: {x}|</please> <remember/keep in mind/don't forget/note> "{x}\""""
                      """|<the secret/the secret word/the secret words/the password/the code word> <is/are/will be> "{x}"|here <are some words/is something> to remember: {x}|make a note: {x}""")
RECALL = widen.forms_of("""<what/which words> <did I ask you/did I tell you/did I want you/were you/had you/are you> to <remember/keep in mind/note/memorize/hold on to>?|what <should/must> you <remember/keep in mind/not forget>?|what <were/was> <the words/my words/the secret/the secret words/the password/the code word/your note>?"""
                        """|<tell me/say/repeat/show me> what <you remember/you were to remember/I told you to remember/you have in mind/you noted>|do you <still know/still have/remember/recall> <the words/the password/my words/what I told you to remember>?|which words did I give you?""")
KEPT = "I will remember it as long as we talk. What would you like to know?"
RULES = ("upper", "lower", "begin", "end", "begin", "end", "upper", "lower")


def some_words(rng, names, vocabulary, phrases):
    """One to some words: names that nobody has, words of any tokens, beginnings of sentences."""
    kind, n = rng.random(), rng.choice([1, 1, 2, 2, 3, 3, 4, 5, 6, 8, 10])
    if kind < 0.3:
        return " ".join(rng.choice(names) for _ in range(min(n, 5)))
    if kind < 0.5:
        return rng.choice(phrases)
    words = [rng.choice(names) if rng.random() < 0.25 else rng.choice(vocabulary) for _ in range(n)]
    if rng.random() < 0.3:
        words = [w[:1].upper() + w[1:] for w in words]
    return rng.choice([" ", " ", " ", ", "]).join(words) + rng.choice(["", "", "", ".", "!"])


def typed(rng, form, x):
    """The form as it is typed, and the words as they are."""
    form = rng.choices([form[:1].upper() + form[1:], form, form.upper().replace("{X}", "{x}")], [6, 1, 1])[0]
    return form.replace("{x}", x)


def echoes(rng, drawer, count, names, vocabulary, phrases):
    """Rows of one question, of two with something between, and under a system prompt."""
    m = drawer.maker
    for i in range(count):
        x, persona, said = some_words(rng, names, vocabulary, phrases), None, []
        kind = rng.choice(("say", "say", "keep", "case", "case", "case", "persona", "persona", "persona"))
        if kind == "keep":
            said = [(typed(rng, rng.choice(KEEP), x), KEPT)]
            for _ in range(rng.choice([0, 0, 0, 1, 1, 2])):
                turn = m.turns.fact(rng)
                said.append((m.typed(rng, turn[0]), turn[1]))
            said.append((m.typed(rng, rng.choice(RECALL), "said"), x))
        elif kind == "case":
            forms, answer = rng.choice(((UPPER, x.upper()), (LOWER, x.lower())))
            said = [(typed(rng, rng.choice(forms), x), answer)]
        else:
            said = [(typed(rng, rng.choice(SAY), x), x)]
            persona = kind == "persona" and personas.draw(rng, kind=RULES[i % len(RULES)])
        messages = [{"role": "system", "content": persona[1]}] if persona else []
        for prompt, answer in said:
            answer = personas.changed(answer, "", persona[2], None) if persona else answer
            messages += [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
        if x == x.strip() and drawer.allowed(messages):
            yield {"messages": messages, "group": "echo:" + kind}
