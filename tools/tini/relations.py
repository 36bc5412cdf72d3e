# SPDX-License-Identifier: MIT
"""How each relation is asked and answered. {x} is the subject; "~" marks a form kept for the test."""

# name: (answer, {kind: forms}). Country relations first, then the sections of tables.txt.
RELATIONS = {
"capital": ("The capital of {x} is {y}, a city in {region}.", {
  "n": """the capital of {x}|the capital of {x}|the capital city of {x}|{x}'s capital|{x}'s capital city|
the name of the capital of {x}|the city that is the capital of {x}|the capital of the country {x}|the main capital of {x}|
~the national capital of {x}|~the name of {x}'s capital city|~the capital town of {x}""",
  "q": """which city is the capital of {x}|what city is the capital of {x}|what city is {x}'s capital|which city is {x}'s capital|
what is the capital city of {x} called|what is the capital of {x} called|where is the capital of {x}|which capital does {x} have|
what capital city does {x} have|what do you call the capital of {x}|which city is the capital of the country {x}|
{x} has which capital|the capital of {x} is which city|what city serves as the capital of {x}|
what is the name of {x}'s capital|which capital city belongs to {x}|in {x}, what is the capital|for {x}, what is the capital|
~which town is the capital of {x}|~what's the capital called in {x}|~what is {x}'s capital city called|~the capital city of {x} is which one|
~what city do they call the capital of {x}""",
  "s": "the capital of the country {x} is|the city which is the capital of {x} is|~the city that serves as the capital of {x} is",
  "k": "capital of {x}|{x} capital|capital {x}|{x} capital city|capital city of {x}|{x}, capital|name capital of {x}|~capital city {x}|~{x}: capital"}),
"capital_of": ("{x} is the capital of {y}, a country in {region}.", {
  "n": "the country whose capital is {x}|the country with the capital {x}|the country that has {x} as its capital|~the country which {x} is the capital of",
  "q": """which country has {x} as its capital|what country has the capital {x}|{x} is the capital of which country|
{x} is the capital of what country|of which country is {x} the capital|whose capital is {x}|what country is {x} the capital of|
which country's capital is {x}|{x} is the capital city of which country|for which country is {x} the capital|
what nation has {x} as its capital|{x} is whose capital|which country is {x} the capital of|
~which nation's capital is {x}|~{x} is the capital city of what nation|~of what country is {x} the capital city""",
  "s": "{x} is the capital of|{x} is the capital city of|the city of {x} is the capital of|~the city {x} is the capital city of",
  "k": "{x} is capital of|{x} capital of|capital {x} which country|country with capital {x}|~country whose capital is {x}"}),
"currency": ("The currency of {x} is the {y}.", {
  "n": """the currency of {x}|{x}'s currency|the money of {x}|the currency used in {x}|the money used in {x}|the national currency of {x}|
the official currency of {x}|the name of the currency of {x}|the money that people use in {x}|
~the name of the money in {x}|~the currency that {x} uses""",
  "q": """what currency does {x} use|which currency does {x} use|what money does {x} use|what currency is used in {x}|
which currency is used in {x}|what money is used in {x}|what money do people use in {x}|which currency do people use in {x}|
what kind of money is used in {x}|what currency do they use in {x}|what money do they use in {x}|what currency does {x} have|
how do people pay in {x}|with what money do people pay in {x}|what do people pay with in {x}|in {x}, what currency is used|
which money is used in {x}|what is the currency in {x}|what is the money in {x} called|what do they call the money in {x}|
~what kind of currency does {x} have|~which money do they use in {x}|~what money would I use in {x}|~in what currency do people pay in {x}""",
  "s": "people in {x} pay with the|the money used in {x} is|~in {x} people use the currency called",
  "k": "currency of {x}|{x} currency|currency {x}|money in {x}|{x} money|{x} national currency|~currency used in {x}|~{x}: currency"}),
"language": ("In {x}, {y}.", {
  "n": """the language of {x}|the main language of {x}|the official language of {x}|the language spoken in {x}|the languages of {x}|
the languages spoken in {x}|the language that people speak in {x}|{x}'s language|the national language of {x}|
~the main languages spoken in {x}|~the language people use in {x}""",
  "q": """what language do people speak in {x}|which language do people speak in {x}|what language is spoken in {x}|
which language is spoken in {x}|what languages are spoken in {x}|which languages are spoken in {x}|what do people speak in {x}|
what language do they speak in {x}|what languages do they speak in {x}|which languages do people speak in {x}|
what language does {x} speak|in {x}, what language do people speak|what is the language in {x}|what language is used in {x}|
what language do people use in {x}|which language would I hear in {x}|what is the official language in {x}|
people in {x} speak which language|people from {x} speak what language|what language do you speak in {x}|
~which language is mainly spoken in {x}|~what language would people speak in {x}|~in which language do people speak in {x}|~what do they speak in {x}""",
  "s": "people in {x} speak|the people of {x} speak|in {x} people speak|the official language in {x} is|~the language people speak in {x} is",
  "k": "language of {x}|{x} language|language in {x}|languages of {x}|{x} languages|language spoken in {x}|official language {x}|~languages in {x}|~{x}: language"}),
"location": ("{X} is in {region}, which is part of the continent of {y}.", {
  "n": "the continent of {x}|{x}'s continent|the continent where {x} is|the part of the world where {x} is|the region of {x}|the location of {x}|~the continent that {x} is on|~the continent {x} belongs to",
  "q": """where is {x}|where is {x}|where is {x} located|where in the world is {x}|which continent is {x} on|what continent is {x} on|
what continent is {x} in|which continent is {x} in|on which continent is {x}|on what continent is {x}|in which part of the world is {x}|
in which region is {x}|what region is {x} in|which part of the world is {x} in|where can I find {x}|where do I find {x}|where does {x} lie|
on which continent does {x} lie|{x} is on which continent|{x} is in which continent|{x} is located where|in what part of the world is {x}|
what continent does {x} belong to|which continent is {x} part of|
~where on the map is {x}|~to which continent does {x} belong|~on which continent can I find {x}|~whereabouts is {x}|~{x} is part of which continent""",
  "i": "where {x} is located|where {x} lies|which continent {x} is on|where to find {x}|what continent {x} is in|~which part of the world {x} is in",
  "s": "{x} is located in|{x} is a part of the continent of|{x} is on the continent of|~{x} can be found in",
  "k": "{x} continent|continent of {x}|location of {x}|{x} location|where {x}|{x} where|{x} region|~which continent {x}|~{x}: continent"}),
"demonym": ("People and things from {x} are called {y} in English.", {
  "n": "the word for people from {x}|the name for people from {x}|the name of the people of {x}|the adjective for {x}|the demonym of {x}|the word for something from {x}|~the name of people who come from {x}|~the word for the people of {x}",
  "q": """what do you call people from {x}|what do you call a person from {x}|what are people from {x} called|what is a person from {x} called|
what do we call people from {x}|what do we call someone from {x}|what do you call somebody from {x}|how do you call people from {x}|
what are the people of {x} called|what is someone from {x} called|what are the people in {x} called|what nationality is a person from {x}|
what nationality are people from {x}|what is the nationality of people from {x}|a person from {x} is called what|people from {x} are called what|
what is the adjective for {x}|which word describes people from {x}|
~what do they call a person from {x}|~what name do people from {x} have|~what are citizens of {x} called|~what do you call those who come from {x}""",
  "s": "people from {x} are called|someone from {x} is called|a person from {x} is|~the people of {x} are called",
  "k": "people from {x}|demonym of {x}|{x} demonym|{x} people name|nationality {x}|{x} nationality|~person from {x}|~{x}: demonym"}),
"coast": ("{y}", {
  "q": """is {x} landlocked|does {x} have a coast|has {x} got a coast|is {x} by the sea|does {x} have access to the sea|is {x} a landlocked country|
does {x} touch the sea|does {x} lie on the sea|is there a coast in {x}|does {x} have a coastline|is there sea around {x}|can ships reach {x} by sea|
does {x} have beaches on the sea|
~is {x} next to the sea|~does the country {x} have a coast|~is {x} without a coast|~does {x} reach the sea""",
  "i": "whether {x} is landlocked|if {x} is landlocked|whether {x} has a coast|if {x} has a coast|whether {x} is by the sea|~if {x} has a coastline|~whether {x} lies by the sea",
  "k": "{x} landlocked|{x} coast|is {x} landlocked|coast of {x}|~{x} coastline|~landlocked {x}"}),
"borders": ("{X} has land borders with {y}.", {
  "n": "the neighbours of {x}|the neighbors of {x}|the countries that border {x}|the countries next to {x}|the neighbouring countries of {x}|{x}'s neighbours|the countries around {x}|the borders of {x}|~the countries bordering {x}|~the land neighbours of {x}",
  "q": """which countries border {x}|what countries border {x}|which country borders {x}|what country borders {x}|which countries are next to {x}|
what countries are next to {x}|what countries does {x} border|which countries does {x} border|which countries share a border with {x}|
what countries share a border with {x}|what are the neighbours of {x}|who are the neighbours of {x}|which countries are neighbours of {x}|
what are the neighboring countries of {x}|what countries surround {x}|which countries touch {x}|with which countries does {x} share a border|
~which countries have a border with {x}|~which nations border {x}|~what countries are around {x}|~what countries lie next to {x}""",
  "i": "which countries border {x}|what countries border {x}|which countries are next to {x}|which countries {x} borders|~which countries share a border with {x} on land",
  "s": "{x} borders|{x} shares borders with|the countries that border {x} are|~the countries around {x} are called",
  "k": "{x} borders|{x} neighbours|borders of {x}|neighbours of {x}|{x} neighbors|countries bordering {x}|~{x} border countries|~{x}: neighbours"}),
"population": ("About {y} people live in {x}, a country in {region}.", {
  "n": "the population of {x}|{x}'s population|the number of people in {x}|the number of people who live in {x}|the size of the population of {x}|~the number of inhabitants of {x}|~the total population of {x}",
  "q": """how many people live in {x}|how many people are there in {x}|what is the population of {x}|how many inhabitants does {x} have|
how big is the population of {x}|how large is the population of {x}|how many people does {x} have|what population does {x} have|
how many people are in {x}|how many people live in the country {x}|in {x}, how many people live|
~how many residents does {x} have|~how many people are living in {x}|~how many human beings live in {x}""",
  "i": "how many people live in {x}|how many people there are in {x}|how big the population of {x} is|~how many people are living in {x} now",
  "s": "the number of people in {x} is about|{x} has a population of|~the number of people living in {x} is",
  "k": "population of {x}|{x} population|population {x}|people in {x}|~number of people in {x}|~{x}: population"}),
"domain": ("The internet domain of {x} is {y}.", {
  "n": "the internet domain of {x}|{x}'s internet domain|the web domain of {x}|the top-level domain of {x}|the internet code of {x}|the domain name ending of {x}|~the internet country code of {x}|~the web address ending of {x}",
  "q": """what internet domain does {x} use|which internet domain does {x} have|what is the internet ending for {x}|what do web addresses from {x} end in|
which domain belongs to {x}|what domain do websites in {x} use|how do web addresses in {x} end|what is the internet domain for {x}|
~which web domain does {x} use|~what is the web ending used in {x}|~what ending do websites from {x} have""",
  "s": "web addresses in {x} end in|~websites in {x} end in",
  "k": "internet domain {x}|{x} internet domain|domain of {x}|{x} domain|{x} tld|~web domain {x}"}),
"us_state": ("The capital of {x} is {y}, a city in the United States.", {
  "n": "the capital of {x}|the capital city of {x}|{x}'s capital|the state capital of {x}|the capital of the state of {x}|{x}'s state capital|the capital of the US state {x}|~the name of the state capital of {x}|~the capital of the American state {x}",
  "q": "which city is the capital of {x}|what city is the capital of {x}|which city is the state capital of {x}|what city is {x}'s capital|what is the state capital of {x} called|in the United States, what is the capital of {x}|which capital does the state of {x} have|what city serves as the capital of {x}|what do you call the capital of {x}|where is the capital of {x}|~what is the capital city of {x} in America|~which town is the state capital of {x}",
  "k": "capital of {x}|{x} capital|{x} state capital|state capital of {x}|capital {x}|~state capital {x}"}),
"element": ("The chemical symbol of {x} is {y}.", {
  "n": "the chemical symbol of {x}|the symbol of {x}|the chemical symbol for {x}|the symbol for {x}|the symbol of the element {x}|the periodic table symbol for {x}|~the sign for the element {x}|~the element symbol of {x}",
  "q": "what chemical symbol does {x} have|which symbol stands for {x}|how is {x} written in chemistry|what letter stands for {x}|which letters stand for {x}|what symbol does {x} have in the periodic table|what is {x}'s chemical symbol|what is the short sign for {x}|how do chemists write {x}|~which chemical symbol belongs to {x}|~what is {x}'s symbol in chemistry|~what sign do chemists use for {x}",
  "k": "symbol of {x}|{x} symbol|chemical symbol {x}|{x} chemical symbol|~symbol for {x}|~element symbol {x}"}),
"planet": ("{x} is the {y} planet from the Sun in our solar system.", {
  "n": "the position of the planet {x}|the place of {x} in the solar system|the place of {x} counted from the Sun|the position of {x} from the Sun|~the number of the planet {x} from the Sun",
  "q": "which planet from the Sun is {x}|what number planet is {x}|which place from the Sun does {x} have|what is {x}'s place from the Sun|how far out is {x} among the planets|is {x} the first or the second planet|where is {x} in the solar system|what place does {x} have among the planets|~which number does {x} have among the planets|~counting from the Sun, which planet is {x}",
  "k": "{x} planet number|{x} place from Sun|planet {x} position|~planet {x} number"}),
"planet_at": ("The {x} planet from the Sun in our solar system is {y}.", {
  "n": "the {x} planet from the Sun|the {x} planet|the {x} planet of the solar system|the {x} planet in our solar system|the name of the {x} planet|~the {x} planet counted from the Sun",
  "q": "which planet is {x} from the Sun|what planet is the {x} one from the Sun|which planet is the {x} planet|which one is the {x} planet from the Sun|what is the {x} planet called|which planet comes {x} from the Sun|~what is the {x} planet from the Sun called|~which planet is number {x} from the Sun",
  "k": "{x} planet|{x} planet from the Sun|~planet {x} from Sun"}),
"sound": ("{A} {x} {y}.", {
  "n": "the sound of {a} {x}|the sound {a} {x} makes|the noise of {a} {x}|the noise {a} {x} makes|the sound that {a} {x} makes|~the voice of {a} {x}|~the noise that {x}s make",
  "q": "what sound does {a} {x} make|what noise does {a} {x} make|which sound does {a} {x} make|how does {a} {x} sound|what does {a} {x} say|what does the {x} say|what kind of sound does {a} {x} make|what sound do you hear from {a} {x}|what is {a} {x}'s sound|what sound does the {x} make|~what noise do you hear from {a} {x}|~what sound comes from {a} {x}|~what kind of noise does {a} {x} make",
  "i": "what sound {a} {x} makes|what noise {a} {x} makes|what {a} {x} says|~which noise {a} {x} makes",
  "k": "{x} sound|sound of {x}|{x} noise|~noise of {x}"}),
"young": ("A young {x} is called {ay}, and it grows up to be {a} {x}.", {
  "n": "the name of a young {x}|the name of a baby {x}|the word for a baby {x}|the name for a young {x}|the young of {a} {x}|the baby of {a} {x}|~the term for a baby {x}|~the word for a young {x}",
  "q": "what is a baby {x} called|what is a young {x} called|what do you call a baby {x}|what do you call a young {x}|what do we call a baby {x}|how is a baby {x} called|a baby {x} is called what|what is the baby of {a} {x} called|what is the child of {a} {x} called|which name does a baby {x} have|what are baby {x}s called|~what do people call a baby {x}|~a young {x} is called what|~what name do you give a young {x}",
  "s": "a baby {x} is called a|a young {x} is called a|~a little {x} is called a",
  "k": "baby {x}|young {x}|baby {x} name|name of baby {x}|~young {x} name"}),
"home": ("{A} {x} lives in {ay}.", {
  "n": "the home of {a} {x}|the house of {a} {x}|the place where {a} {x} lives|the name of the home of {a} {x}|~the name of {a} {x}'s home",
  "q": "where does {a} {x} live|what is the home of {a} {x} called|where do {x}s live|in what does {a} {x} live|what do you call the home of {a} {x}|what kind of home does {a} {x} have|where does the {x} live|where does {a} {x} sleep|where is the home of {a} {x}|what is {a} {x}'s home called|~where does {a} {x} make its home|~what do we call {a} {x}'s home|~in which place does {a} {x} live",
  "i": "where {a} {x} lives|where {x}s live|~in what {a} {x} lives",
  "k": "{x} home|home of {x}|where {x} lives|~home of {a} {x}"}),
"group": ("A group of {x} is called a {y} of {x}.", {
  "n": "the name for a group of {x}|the word for a group of {x}|the name of a group of {x}|the word for many {x} together|~the term for a group of {x}",
  "q": "what is a group of {x} called|what do you call a group of {x}|what do we call a group of {x}|how is a group of {x} called|a group of {x} is called what|what are many {x} together called|what do you call many {x} together|which word means a group of {x}|~what name does a group of {x} have|~what do people call a group of {x}",
  "s": "a group of {x} is called a|many {x} together are called a|~a large group of {x} is called a",
  "k": "group of {x}|{x} group name|{x} group|~name for group of {x}"}),
"kind": ("{A} {x} is {ay}.", {
  "n": "the group of animals that {a} {x} belongs to|the animal class of {a} {x}|the kind of animal that {a} {x} is|the class of {a} {x}|~the type of animal {a} {x} is",
  "q": "what kind of animal is {a} {x}|what type of animal is {a} {x}|which kind of animal is {a} {x}|what sort of animal is {a} {x}|to which group of animals does {a} {x} belong|what class of animal is {a} {x}|is {a} {x} a mammal, a bird, a fish or something else|what group of animals does {a} {x} belong to|{a} {x} is what kind of animal|which animal group includes {a} {x}|~which type of animal is {a} {x}|~{a} {x} is which sort of animal|~what animal class does {a} {x} belong to",
  "i": "what kind of animal {a} {x} is|what type of animal {a} {x} is|which group of animals {a} {x} belongs to|~what sort of animal {a} {x} is",
  "k": "{x} animal class|{x} kind of animal|{x} animal type|~type of animal {x}"}),
"legs": ("{A} {x} has {y} legs.", {
  "n": "the number of legs of {a} {x}|the number of legs {a} {x} has|the count of legs of {a} {x}|~the number of legs on {a} {x}",
  "q": "how many legs does {a} {x} have|how many legs do {x}s have|how many legs has {a} {x} got|how many legs are on {a} {x}|{a} {x} has how many legs|what number of legs does {a} {x} have|how many legs can you count on {a} {x}|how many legs does the {x} have|on how many legs does {a} {x} walk|~how many legs would {a} {x} have|~with how many legs is {a} {x} born",
  "s": "the number of legs {a} {x} has is|~when you count the legs of {a} {x} you get",
  "k": "{x} legs|legs of {x}|number of legs {x}|~{x} number of legs"}),
"eats": ("{A} {x} eats {y}.", {
  "n": "the food of {a} {x}|the usual food of {a} {x}|the food that {a} {x} eats|the diet of {a} {x}|~the favourite food of {a} {x}",
  "q": "what does {a} {x} eat|what do {x}s eat|what food does {a} {x} eat|what does the {x} eat|what kind of food does {a} {x} eat|which food does {a} {x} eat|what is {a} {x}'s food|what do you feed {a} {x}|on what does {a} {x} feed|what does {a} {x} like to eat|~what sort of food does {a} {x} eat|~what does {a} {x} usually eat|~what do people feed {a} {x}",
  "i": "what {a} {x} eats|what {x}s eat|what food {a} {x} eats|~what {a} {x} likes to eat",
  "k": "{x} food|food of {x}|what {x} eats|{x} diet|~{x} eats what"}),
"opposite": ('The opposite of "{x}" is "{y}".', {
  "n": 'the opposite of {x}|the opposite of "{x}"|the opposite of the word {x}|the word that means the opposite of {x}|the antonym of {x}|the contrary of {x}|the word opposite to {x}|~the exact opposite of {x}|~the opposite word of {x}',
  "q": 'what is the opposite of {x}|which word is the opposite of {x}|what word is the opposite of {x}|which word means the opposite of {x}|what word means the opposite of {x}|what is not {x}|if something is not {x}, what is it|{x} is the opposite of what|what do you call the opposite of {x}|what is an antonym of {x}|~what would be the opposite of {x}|~which word is opposite to {x}|~{x} is the opposite of which word',
  "s": "the opposite word to {x} is|{x} is the opposite of|~the word opposite to {x} is",
  "k": "opposite of {x}|opposite {x}|{x} opposite|antonym of {x}|{x} antonym|~opposite word {x}|~{x} antonym word"}),
"past": ('The past tense of "{x}" is "{y}".', {
  "n": 'the past tense of {x}|the past tense of "{x}"|the past tense of the verb {x}|the simple past of {x}|the past form of {x}|the past of {x}|the past tense of to {x}|~the simple past tense of {x}|~the past form of the verb {x}',
  "q": "what is the past tense of {x}|how do you say {x} in the past tense|how do you write {x} in the past|what is {x} in the past tense|what form does {x} have in the past|which word is the past tense of {x}|how do you put {x} in the past tense|what does {x} become in the past|~how do you form the past tense of {x}|~what is {x} in the simple past",
  "k": "past tense of {x}|past tense {x}|{x} past tense|past of {x}|~{x} simple past|~simple past {x}"}),
"plural": ('The plural of "{x}" is "{y}".', {
  "n": 'the plural of {x}|the plural of "{x}"|the plural form of {x}|the plural of the word {x}|the plural of the noun {x}|the word for more than one {x}|~the plural form of the word {x}|~the correct plural of {x}',
  "q": "what is the plural of {x}|how do you say more than one {x}|what do you call more than one {x}|how do you write the plural of {x}|what is {x} in the plural|which word is the plural of {x}|one {x}, two what|~how do you form the plural of {x}|~what is the word {x} in the plural",
  "k": "plural of {x}|plural {x}|{x} plural|{x} plural form|~plural form {x}"}),
"color": ("The color of {x} is {y}.", {
  "n": "the color of {x}|the colour of {x}|the usual color of {x}|the color that {x} has|~the normal color of {x}|~the colour that {x} has",
  "q": "what color is {x}|what colour is {x}|which color is {x}|which colour is {x}|what color does {x} have|what is {x}'s color|of what color is {x}|what color do you see when you look at {x}|what color would you paint {x}|~what colour does {x} have|~which color does {x} have|~in what color do you draw {x}",
  "k": "color of {x}|{x} color|colour of {x}|{x} colour|~color {x}"}),
"book": ("{x} was written by {y}.", {
  "n": "the author of {x}|the writer of {x}|the person who wrote {x}|the name of the author of {x}|the author of the book {x}|the author who wrote {x}|~the name of the writer of {x}|~the man or woman who wrote {x}",
  "q": "who wrote {x}|who wrote the book {x}|who is the author of {x}|which author wrote {x}|by whom was {x} written|who was {x} written by|which writer wrote {x}|what author wrote {x}|{x} was written by whom|{x} is a book by whom|who is the writer of {x}|whose book is {x}|~which person wrote {x}|~what is the name of the author who wrote {x}|~the book {x} was written by whom|~by which author is {x}",
  "s": "{x} was written by|the book {x} was written by|the author of the book {x} is|~the story {x} was written by",
  "k": "author of {x}|{x} author|{x} writer|{x} written by|who wrote {x}|~{x} book author|~writer of {x}"}),
"painting": ("{x} was painted by {y}.", {
  "n": "the painter of {x}|the artist of {x}|the artist who painted {x}|the person who painted {x}|~the name of the artist who made {x}",
  "q": "who painted {x}|which artist painted {x}|which painter made {x}|who made the painting {x}|by whom was {x} painted|who is the painter of {x}|{x} was painted by whom|who created {x}|~which person painted {x}|~what painter made {x}|~by which artist is {x}",
  "s": "{x} was painted by|~the painting {x} was made by",
  "k": "painter of {x}|{x} painter|{x} painted by|{x} artist|~artist of {x}"}),
"inventor": ("The inventor of {x} is usually said to be {y}.", {
  "n": "the inventor of {x}|the person who invented {x}|the name of the inventor of {x}|the man who invented {x}|~the person behind the invention of {x}",
  "q": "who invented {x}|who is the inventor of {x}|who was the inventor of {x}|by whom was {x} invented|which inventor made {x}|who made the first version of {x}|who came up with {x}|{x} was invented by whom|whose invention is {x}|which person invented {x}|~what is the name of the person who invented {x}|~whose invention was {x}|~who thought of {x} first",
  "s": "{x} was invented by|the person who invented {x} was|~the inventor who gave us {x} is",
  "k": "inventor of {x}|{x} inventor|{x} invented by|who invented {x}|~invention of {x}"}),
"discoverer": ("The person famous for the discovery of {x} is {y}.", {
  "n": "the discoverer of {x}|the person who discovered {x}|the scientist who discovered {x}|~the name of the discoverer of {x}",
  "q": "who discovered {x}|who is famous for the discovery of {x}|which scientist discovered {x}|by whom was {x} discovered|who found {x} first|who was the discoverer of {x}|{x} was discovered by whom|who is known for discovering {x}|which person discovered {x}|~whose discovery was {x}|~who was the first to discover {x}",
  "s": "{x} was discovered by|the discovery of {x} was made by|~the scientist who found {x} was",
  "k": "discoverer of {x}|{x} discovered by|discovery of {x}|who discovered {x}|~{x} discoverer"}),
"landmark": ("You can find {x} in {y}.", {
  "n": "the location of {x}|the place where {x} is|~the place where you can see {x}",
  "q": "where is {x}|where is {x} located|where can you find {x}|where can I see {x}|in which place is {x}|where in the world is {x}|where would I find {x}|where do I go to see {x}|where does one find {x}|where can I find {x}|where can I visit {x}|~where must I travel to see {x}|~whereabouts is {x}|~at what place is {x}|~where do tourists see {x}",
  "i": "where {x} is located|where I can find {x}|where to find {x}|where I can see {x}|~where to look for {x}",
  "s": "you can find {x} in|{x} is located in|~you can visit {x} in",
  "k": "{x} location|location of {x}|{x} where|where {x}|~place of {x}"}),
"river": ("The river called {x} flows into {y} at its end.", {
  "n": "the mouth of {x}|the sea that {x} flows into|the end of {x}|the place where {x} ends|~the water that {x} flows into",
  "q": "where does {x} end|into which sea does {x} flow|what does {x} flow into|which sea does {x} flow into|where does {x} flow|where does {x} meet the sea|into what does {x} flow|where is the mouth of {x}|where does the river called {x} end|~into what water does {x} flow|~where does {x} run out|~which sea does {x} reach",
  "i": "where {x} ends|what {x} flows into|which sea {x} flows into|~into which sea {x} runs",
  "s": "{x} flows into|the river {x} ends in|~{x} reaches the sea at",
  "k": "mouth of {x}|{x} flows into|{x} mouth|~{x} ends in"}),
"job": ("{X} {y}.", {
  "n": "the job of {x}|the work of {x}|the work that {x} does|the task of {x}|~the daily work of {x}",
  "q": "what does {x} do|what work does {x} do|what is {x}|what kind of work does {x} do|what does {x} do all day|what is the work of {x}|who is {x}|what does {x} do for a living|what is the job of {x}|~what sort of work does {x} do|~what would {x} do at work|~what tasks does {x} have",
  "i": "what {x} does|what work {x} does|what {x} is|what the job of {x} is|~what kind of work {x} does",
  "s": "the work of {x} is this: {x}|~at work, {x}",
  "k": "job of {x}|{x} job|work of {x}|~{x} work"}),
"use": ("People use {x} to {y}.", {
  "n": "the use of {x}|the purpose of {x}|the main use of {x}|~the usual purpose of {x}",
  "q": "what is {x} for|what is {x} used for|what do people use {x} for|what do you use {x} for|what do we use {x} for|what is {x}|what can you do with {x}|what do you do with {x}|what does one do with {x}|why do people use {x}|how do people use {x}|~what would you use {x} for|~for what do people need {x}|~what is the point of {x}",
  "i": "what {x} is for|what {x} is used for|what people use {x} for|what to do with {x}|~why people use {x}",
  "s": "{x} is used to|people use {x} to|~we use {x} to",
  "k": "use of {x}|{x} use|{x} used for|purpose of {x}|~{x} purpose"}),
"made": ("The thing that {x} is made from is {y}.", {
  "n": "the thing that {x} is made from|the material of {x}|the main ingredient of {x}|the source of {x}|~the stuff that {x} is made from",
  "q": "what is {x} made of|what is {x} made from|from what is {x} made|what do you make {x} from|what is used to make {x}|of what is {x} made|what do people make {x} from|how is {x} made|where does {x} come from|what do you need to make {x}|what goes into {x}|~out of what is {x} made|~what material is {x} made from|~what do you use to make {x}",
  "i": "what {x} is made of|what {x} is made from|how {x} is made|~out of what {x} is made",
  "s": "{x} is made from|{x} is made of|~people make {x} from",
  "k": "{x} made of|{x} made from|material of {x}|~{x} material"}),
"hello": ('People who speak {x} say hello with the word "{y}".', {
  "n": "the {x} word for hello|the word for hello in {x}|hello in {x}|the {x} greeting|~the greeting in {x}",
  "q": "how do you say hello in {x}|how do people say hello in {x}|what is hello in {x}|what is the {x} word for hello|how can I say hello in {x}|how would you greet someone in {x}|what do {x} speakers say for hello|how do I greet people in {x}|~how does one say hello in {x}|~what do you say in {x} for hello",
  "i": "how to say hello in {x}|how you say hello in {x}|~how people greet each other in {x}",
  "k": "hello in {x}|{x} hello|{x} for hello|~hello {x}"}),
"thanks": ('People who speak {x} say thank you with the word "{y}".', {
  "n": "the {x} word for thank you|the word for thank you in {x}|thank you in {x}|the {x} word for thanks|~thanks in {x}",
  "q": "how do you say thank you in {x}|how do people say thank you in {x}|what is thank you in {x}|what is the {x} word for thank you|how can I say thank you in {x}|how would you thank someone in {x}|how do I thank people in {x}|~how does one say thank you in {x}|~what do you say in {x} for thank you",
  "i": "how to say thank you in {x}|how you say thank you in {x}|how to say thanks in {x}|~how people thank each other in {x}",
  "k": "thank you in {x}|{x} thank you|{x} for thank you|~thank you {x}"}),
"roman": ("The number {x} is written as {y} in Roman numerals.", {
  "n": "the Roman numeral for {x}|{x} in Roman numerals|the Roman numeral of {x}|the number {x} in Roman numerals|~the Roman number for {x}",
  "q": "how do you write {x} in Roman numerals|how is {x} written in Roman numerals|what is {x} in Roman numerals|which Roman numeral stands for {x}|how did the Romans write {x}|what is the number {x} in Roman numerals|~how does one write {x} in Roman numerals|~what did the Romans write for {x}",
  "i": "how to write {x} in Roman numerals|how the Romans wrote {x}|~how {x} is written in Roman numerals",
  "k": "{x} in Roman numerals|Roman numeral {x}|{x} Roman numeral|~Roman numeral for {x}"}),
"sides": ("{A} {x} has {y} sides.", {
  "n": "the number of sides of {a} {x}|the number of sides {a} {x} has|the number of sides in {a} {x}|~the count of sides of {a} {x}",
  "q": "how many sides does {a} {x} have|how many sides has {a} {x} got|how many sides are there in {a} {x}|{a} {x} has how many sides|how many sides do {x}s have|what number of sides does {a} {x} have|how many sides can you count on {a} {x}|how many sides does the {x} have|~how many sides are in {a} {x}|~how many sides would {a} {x} have",
  "s": "the number of sides {a} {x} has is|~when you count the sides of {a} {x} you get",
  "k": "{x} sides|sides of {a} {x}|number of sides {x}|~{x} number of sides"}),
"instrument": ("The {x} is a {y} instrument, which people play to make music.", {
  "n": "the instrument family of the {x}|the kind of instrument the {x} is|the family of the {x}|~the type of instrument the {x} is",
  "q": "what kind of instrument is the {x}|what type of instrument is a {x}|which family of instruments does the {x} belong to|what kind of musical instrument is a {x}|what sort of instrument is the {x}|is the {x} a string, wind or percussion instrument|to which family of instruments does the {x} belong|~which kind of instrument is a {x}|~what instrument family is the {x} in",
  "i": "what kind of instrument the {x} is|what kind of instrument a {x} is|~what sort of instrument a {x} is",
  "s": "the {x} is an instrument of the kind called|~the {x} belongs to the instruments called",
  "k": "{x} instrument family|{x} instrument|{x} kind of instrument|~instrument type {x}"}),
"players": ("A {x} team has {y} players on the field or court at once.", {
  "n": "the number of players in a {x} team|the number of players on a {x} team|the size of a {x} team|~the count of players in a {x} team",
  "q": "how many players are in a {x} team|how many players are on a {x} team|how many players does a {x} team have|how many people play on a {x} team|how many people are on a {x} team|how big is a {x} team|in {x}, how many players are on each team|~how many people does a {x} team have|~how many players play for each side in {x}",
  "i": "how many players a {x} team has|how big a {x} team is|~how many people a {x} team has",
  "k": "{x} players|{x} team players|{x} team size|players in {x}|~number of players {x}"}),
"born": ("{x} was born in {y}.", {
  "n": "the birthplace of {x}|the place where {x} was born|the place of birth of {x}|{x}'s birthplace|~the town where {x} was born|~{x}'s place of birth",
  "q": "where was {x} born|in which place was {x} born|what is the birthplace of {x}|where did {x} come from|in what city was {x} born|in which country was {x} born|where is {x} from|in what country was {x} born|where did the life of {x} begin|where does {x} come from|~in which city was {x} born|~at what place was {x} born|~what town was {x} born in",
  "i": "where {x} was born|in which place {x} was born|where {x} came from|~in what country {x} was born",
  "s": "{x} was born in|the birthplace of {x} is|~{x} came into the world in",
  "k": "birthplace of {x}|{x} birthplace|{x} born|{x} place of birth|~{x} born in|~where {x} was born"}),
"city": ("{x} is a city in {y}, a country in {region}.", {
  "n": "the country of {x}|the country where {x} is|the country that {x} is in|the location of {x}|the country of the city {x}|~the country in which {x} lies|~the country of the city of {x}",
  "q": "where is {x}|where is {x} located|where is the city of {x}|in which country is {x}|in what country is {x}|what country is {x} in|which country is {x} in|in which country is the city of {x}|{x} is in which country|{x} is a city in which country|which country does {x} belong to|where can I find {x}|where in the world is {x}|where does {x} lie|to which country does {x} belong|what country is the city of {x} in|~in which country does {x} lie|~whereabouts is {x}|~{x} is a city of what country|~what country must I visit to see {x}",
  "i": "where {x} is located|which country {x} is in|what country {x} is in|in which country {x} is|where {x} lies|~in what country {x} lies",
  "s": "{x} is a city in|{x} is in the country of|the city of {x} is in|~you find the city of {x} in",
  "k": "{x} country|{x} location|{x} city|country of {x}|{x} where|where {x}|~{x} which country|~location of {x}"}),
"sum": ("{a} plus {b} is {y}.", {
  "n": "the sum of {a} and {b}|{a} plus {b}|{a} + {b}|{a} and {b} together|the total of {a} and {b}|~the result of {a} plus {b}|~{a} and {b} added up",
  "q": "how much is {a} plus {b}|how much is {a} + {b}|how much is {a} and {b}|what do {a} and {b} make|what does {a} plus {b} equal|what does {a} plus {b} make|what do you get if you add {a} and {b}|what do you get when you add {b} to {a}|what number is {a} plus {b}|how many are {a} and {b}|if I have {a} apples and get {b} more, how many do I have|what does {a} + {b} equal|how much do {a} and {b} make|what is {a} + {b} equal to|~what do {a} and {b} add up to|~how much is the sum of {a} and {b}|~what total do {a} and {b} give|~what comes out of {a} + {b}",
  "s": "{a} + {b} =|{a} plus {b} equals|{a} plus {b} makes|{a} and {b} make|~{a} and {b} add up to",
  "k": "{a} + {b}|{a}+{b}|{a} plus {b}|add {a} and {b}|sum {a} {b}|{a} + {b} =|calculate {a} + {b}|compute {a} + {b}|solve {a} + {b}|{a}+{b}=|~work out {a} + {b}|~sum of {a} and {b}"}),
"difference": ("{a} minus {b} is {y}.", {
  "n": "the difference of {a} and {b}|{a} minus {b}|{a} - {b}|the difference between {a} and {b}|{b} taken from {a}|~the result of {a} minus {b}|~{a} less {b}",
  "q": "how much is {a} minus {b}|how much is {a} - {b}|what does {a} minus {b} equal|what do you get if you take {b} from {a}|what is left if you take {b} from {a}|what number is {a} minus {b}|what does {a} - {b} equal|if I have {a} apples and give away {b}, how many are left|what do you get when you subtract {b} from {a}|what remains of {a} when {b} are taken away|~how much is {a} less {b}|~what comes out of {a} - {b}|~what remains if you subtract {b} from {a}",
  "s": "{a} - {b} =|{a} minus {b} equals|{a} minus {b} makes|~{a} less {b} equals",
  "k": "{a} - {b}|{a}-{b}|{a} minus {b}|subtract {b} from {a}|{a} - {b} =|calculate {a} - {b}|compute {a} - {b}|solve {a} - {b}|{a}-{b}=|~work out {a} - {b}|~difference of {a} and {b}"}),
"product": ("{a} times {b} is {y}.", {
  "n": "the product of {a} and {b}|{a} times {b}|{a} x {b}|{a} multiplied by {b}|{a} * {b}|~the result of {a} times {b}|~the product of the numbers {a} and {b}",
  "q": "how much is {a} times {b}|how much is {a} x {b}|what does {a} times {b} equal|what does {a} times {b} make|what do you get if you multiply {a} by {b}|what do you get when you multiply {a} and {b}|what number is {a} times {b}|what is {a} multiplied by {b}|how many are {a} times {b}|how much is {a} multiplied by {b}|what does {a} x {b} equal|~how much do you get from {a} times {b}|~what comes out of {a} x {b}|~what does {a} multiplied by {b} give",
  "s": "{a} x {b} =|{a} times {b} equals|{a} times {b} makes|{a} times {b} is|~{a} multiplied by {b} equals",
  "k": "{a} x {b}|{a} * {b}|{a}*{b}|{a}x{b}|{a} times {b}|multiply {a} by {b}|{a} x {b} =|calculate {a} x {b}|compute {a} * {b}|solve {a} x {b}|~work out {a} x {b}|~product of {a} and {b}"}),
"next_number": ("The number after {x} is {y}.", {
  "n": "the number after {x}|the next number after {x}|the number that comes after {x}|the number that follows {x}|~the number right after {x}",
  "q": "what number comes after {x}|which number comes after {x}|what comes after {x}|which number follows {x}|what number follows {x}|what is one more than {x}|what comes next after {x}|when you count, what comes after {x}|~what number is next after {x}|~which number do you say after {x}",
  "k": "number after {x}|after {x}|next number {x}|~next number after {x}"}),
"next_day": ("The day that comes after {x} is {y}.", {
  "n": "the day after {x}|the next day after {x}|the day that comes after {x}|the day that follows {x}|~the weekday after {x}",
  "q": "what day comes after {x}|which day comes after {x}|what day is after {x}|which day follows {x}|what day follows {x}|what comes after {x}|if today is {x}, what day is tomorrow|what day of the week comes after {x}|what day is it the day after {x}|~which day is next after {x}|~when {x} is over, what day comes|~today is {x}, so what day is tomorrow",
  "k": "day after {x}|after {x}|next day {x}|~next day after {x}"}),
"last_day": ("The day that comes before {x} is {y}.", {
  "n": "the day before {x}|the day that comes before {x}|the last day before {x}|~the weekday before {x}",
  "q": "what day comes before {x}|which day comes before {x}|what day is before {x}|what comes before {x}|if today is {x}, what day was yesterday|what day of the week comes before {x}|which day is just before {x}|~today is {x}, so what day was yesterday|~what day is right before {x}",
  "k": "day before {x}|before {x}|~last day before {x}"}),
"next_month": ("The month that comes after {x} is {y}.", {
  "n": "the month after {x}|the next month after {x}|the month that comes after {x}|the month that follows {x}|~the month right after {x}",
  "q": "what month comes after {x}|which month comes after {x}|what month is after {x}|which month follows {x}|what month follows {x}|what comes after {x}|if it is {x}, what month is next|~which month is next after {x}|~when {x} is over, what month comes",
  "k": "month after {x}|after {x}|next month {x}|~next month after {x}"}),
"last_month": ("The month that comes before {x} is {y}.", {
  "n": "the month before {x}|the month that comes before {x}|the last month before {x}|~the month right before {x}",
  "q": "what month comes before {x}|which month comes before {x}|what month is before {x}|what comes before {x}|which month is just before {x}|~what month is right before {x}|~if it is {x}, what was last month",
  "k": "month before {x}|before {x}|~last month before {x}"}),
"month_days": ("The month of {x} has {y} days in it.", {
  "n": "the number of days in {x}|the length of {x}|the number of days of {x}|~the number of days that {x} has",
  "q": "how many days does {x} have|how many days are in {x}|how many days are there in {x}|how long is {x}|how many days has {x} got|{x} has how many days|how many days does the month of {x} have|~how many days long is {x}|~how many days can you count in {x}",
  "k": "days in {x}|{x} days|number of days {x}|~{x} number of days"}),
"month_number": ("The month of {x} is month number {y} of the year.", {
  "n": "the number of the month {x}|the number of {x} in the year|the place of {x} in the year|~the position of {x} in the year",
  "q": "which month of the year is {x}|what number month is {x}|what month number is {x}|which number does the month {x} have|{x} is what number month|~which number is the month of {x}|~{x} is which month of the year",
  "k": "{x} month number|month number {x}|number of {x}|~month number of {x}"}),
"next_letter": ("The letter that comes after {x} in the alphabet is {y}.", {
  "n": "the letter after {x}|the next letter after {x}|the letter that comes after {x}|the letter that follows {x}|~the letter right after {x}",
  "q": "what letter comes after {x}|which letter comes after {x}|what letter is after {x}|which letter follows {x}|what letter follows {x}|what comes after {x} in the alphabet|which letter of the alphabet comes after {x}|~which letter is next after {x}|~what letter do you say after {x}",
  "k": "letter after {x}|next letter {x}|after letter {x}|~next letter after {x}"}),
}
