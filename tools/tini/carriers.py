# SPDX-License-Identifier: MIT
"""Carriers by rule, for training alone: a lead, a request and a tail, each drawn from a list.

The hand-written carriers of phrasing.py are few enough to be learnt by heart; tens of thousands of combinations are
not, so the model must find the question in them. A combination that is one of the test's carriers is drawn again.
"""


import re


def words(text):
    return text.replace("\n", "").split("|")


# Before anything: nothing, a word, or a sentence that has nothing to do with the question.
WORDS = words("""Hi|Hello|Hey|Hey there|Hi there|Hello there|Good evening|Good day|Good afternoon|Greetings|Please|Excuse me|Sorry|
Pardon me|Okay|OK|Right|Well|So|Now|Then|And|But|Hmm|Um|Oh|Ah|Wait|Listen|Look|Come on|Great|Fine|Thanks|Cool|Yes|No|Really|
By the way|Anyway|First|Second|Third|Finally|Last one|Again|Once more|In short|Briefly|Quickly|Seriously|Honestly|Only this|
One thing|Another one|An easy one|A hard one|Dear tini|Friend|Teacher|Computer|My dear|Hi everyone|To begin with|Besides""")
SENTENCES = words("""I have a question|I have one more question|Here is my question|Here comes a question|This is a question|Question two|
Question number five|I am doing a crossword|We are playing a game|I am writing an essay|I have a test tomorrow|This is for school|
This is for my class|It is for a quiz|My class talked about this|I read about this in a book|I saw it on television|I am just learning|
I am planning a trip|I want to be sure|I am a little lost|You seem to know a lot|I hope you are well|It is a nice day|How are you|
Nice to meet you|Let us try this|Let's start|Let us go on|Let me think|Think about this|Think carefully|Take your time|Be quick|
Keep it short|One sentence is enough|Give a short answer|I need an answer|I am looking for an answer|Somebody asked me this|
This one is easy|This one is hard|I should know this|I used to know this|I am not good at this|It is on my list|
I have been thinking|I was reading the news|My tea is ready|It is raining outside|The bus is late|I like your answers|You are very kind|
Thanks for your help|That was good|Very good|Not bad|I see|No problem|Fun fact time|Here we go|Ready""")
PEOPLE = words("""brother|sister|son|daughter|mother|father|grandmother|grandfather|uncle|aunt|cousin|neighbour|boss|colleague|
student|pupil|doctor|wife|husband|classmate|roommate|partner|coach|niece|nephew""")
ASKED = words("wants to know|wanted to know|asked me|asks me|asked today|has a question|would like to know|is wondering|wondered")

# Around a question with its own word order.
DIRECT = words("""{Q}?|{Q}?|{Q}?|{Q}?|{Q}|Answer me: {q}?|Tell me this: {q}?|Explain: {q}?|What would you say: {q}?|
I ask you: {q}?|I ask myself: {q}?|Any guess: {q}?|Guess: {q}?|Test: {q}?|Exercise: {q}?|Task: {q}?|Riddle: {q}?|For ten points: {q}?|
Can you answer this: {q}?|Could you answer: {q}?|The question is: {q}?|The question reads: {q}?|In your opinion, {q}?|Remind me, {q}?|
Help: {q}?|To your knowledge, {q}?|As far as you know, {q}?|Let us see, {q}?|I wonder, {q}?|In other words, {q}?|In fact, {q}?|Q: {q}?|
You know this one: {q}?|Do you remember: {q}?""")
DIRECT_TAILS = words("""|||||| Please answer.| Answer, please.| I wonder.| I have no idea.| I do not remember.| I always forget.|
 I want to learn it.| It matters to me.| I am curious.| Many thanks.| Thank you so much.| Cheers.| What do you think?| Any idea?|
 Tell me, please.| Explain it to me.| Be honest.| Go!| Help!| A short answer will do.| It is for school.| Nobody could tell me.""")

# Before a clause, and before a noun phrase: request, then what is asked.
ASK = words("can you|could you|would you|will you|can you please|could you please|would you please|please|try to|you should|"
            "I ask you to|I beg you to|I want you to|I'd like you to|it would be nice if you could|help me, please:")
TELL = words("tell me|say|say to me|explain|explain to me|write|write down|remind me|answer|find out|check|work out|teach me|"
             "let us know|tell us|tell everyone|tell my class|spell out|describe")
TOPICS = words("""I'd like to hear|I would love to hear|I want to learn|I want to understand|I need to find out|I have to find out|
I must find out|I try to remember|I have forgotten|I forget|I never learned|I no longer know|I do not know|I can't say|
we want to know|we need to know|we have to say|we wonder|we forgot|nobody here knows|no one told me|everyone should know|
somebody asked|a child asked|they asked me|the teacher asked|the book asks|my homework asks|the quiz asks|the next task is to say|
it would help to know|it is good to know|it is not clear to me|I have to write down|I am looking up|I am checking|I ask myself|
you surely know|you may know|perhaps you know|I bet you know|of course you know|do you recall|do you still know|did you learn|
did they teach you|can anyone tell|who knows|who can tell me|who remembers|is it known|guess|state|recall|name|report""")
NAMES = words("""can you name|could you name|would you give me|can you give|could you write|can you type|can you find|could you find|
will you find|name|give|state|type|write down|recall|report|find|say|tell us|tell the class|spell out|present|enter|I search for|
I'm searching for|I am after|I need|we need|we want|we are looking for|we have to find|I have to find|I have to write|I asked for|
I must learn|I should learn|I wish to know|I wonder about|I was asked about|it is about|this is about|the question is about|
the answer should be|my task is to find|what do we call|what is called|who knows|who can name|do you recall|did you forget|guess|
what exactly is|what would you say is|what, in your view, is|what again is|so what is|and what is|now what is|tell me what is|
explain what is""")
TAILS = words("""|||||||, please|, thanks| for me| for us| today| now| again| in one sentence| in a few words| if you know| if you can|
 once more| in short| briefly| for a quiz| for my class| for school| for my notes| as well| too| right now| my friend| at once""")
ENDS = words("?|?|.|.||!")

# Around the beginning of the answer, and around keywords.
STARTS = words("""{S}|{S}|Finish: {S}|Please finish: {S}|Go on: {S}|Go on with this: {S}|Please continue: {S}|Continue the text: {S}|
Write the rest: {S}|What comes next: {S}|What is missing: {S}|What goes here: {S}|Put in the right words: {S}|Fill in: {S}|
Replace the dots: {S}|Complete the line: {S}|Complete my sentence: {S}|End the sentence: {S}|Say the end: {S}|True or not: {S}|
I begin, you finish: {S}|My sentence: {S}|Blank: {S}|A gap: {S}|Exercise: {S}|It says: {S}|I wrote: {S}|They say {s}|We know that {s}""")
START_ENDS = words(" ...| ___| ____| ..| ___.| -|...||: | ... ?| ...!")
KEYS = words("""{k}|{K}|{k}|query: {k}|question: {k}|topic: {k}|find {k}|find: {k}|get {k}|need {k}|tell {k}|info: {k}|{k} info|
{k} answer|{k} now|{k} question|say {k}|give {k}|{k}, thanks|{k} thanks|hi, {k}|hello: {k}|and {k}|quiz: {k}|about {k}|{k} again|
{k} for me|{k} quickly|my search: {k}|search for {k}|web: {k}|keyword {k}|facts: {k}""")
KEY_ENDS = words("||?|.|!|")


def low(text):
    return text if re.match(r"I\b", text) else text[:1].lower() + text[1:]


def cap(text):
    """A capital at the beginning, unless a slot stands there: its own capital is in its name."""
    return ("{" + text[1:2].upper() + text[2:] if text[:1] == "{" else text[:1].upper() + text[1:])


def request(rng, kind):
    if kind == "q":
        text = rng.choice(DIRECT)
        return text + (rng.choice(DIRECT_TAILS) if text.endswith("?") else "")
    if kind == "i":
        head = rng.choice(ASK) + " " + rng.choice(TELL) if rng.random() < 0.5 else rng.choice(TOPICS)
        return cap(head) + " {i}" + rng.choice(TAILS) + rng.choice(ENDS)
    if kind == "n":
        return cap(rng.choice(NAMES)) + " {n}" + rng.choice(TAILS) + rng.choice(ENDS)
    if kind == "s":
        return rng.choice(STARTS) + rng.choice(START_ENDS)
    return rng.choice(KEYS) + rng.choice(KEY_ENDS)


def led(rng, text):
    """A lead before a carrier: a word, a sentence, or somebody who asks."""
    roll = rng.random()
    if roll < 0.46:
        after = rng.choice([", ", ", ", ", ", "! ", ". ", ": ", " - "])
        return rng.choice(WORDS) + after + (low(text) if after in (", ", ": ", " - ") and text[0] != "{" else
                                            "{" + text[1].lower() + text[2:] if after in (", ", ": ", " - ") else cap(text))
    if roll < 0.62:
        return f"My {rng.choice(PEOPLE)} {rng.choice(ASKED)}" + rng.choice([": ", ", ", ". "]) + cap(text)
    return rng.choice(SENTENCES) + rng.choice([". ", ". ", "! ", ": ", ", "]) + cap(text)


def draw(rng, kind):
    """A carrier for a core of this kind ("q", "i", "n", "s" or "k")."""
    text = request(rng, kind)
    return text if kind == "k" or rng.random() < 0.35 else led(rng, text)
