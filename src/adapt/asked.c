/* SPDX-License-Identifier: MIT */
/* Forms of questions over subjects: some ten thousand, none of them anybody's data. */
#include "asked.h"

#include "file.h"
#include "rng.h"
#include "rows.h"

#include <stdlib.h>
#include <string.h>

/* A kind of question: each form takes each subject. */
typedef struct kind {
  const char *forms, *subjects; /* separated by '|'; %s is the subject */
  uint32_t weight;
} kind;

static const kind kinds[] = {
    {"What is %s?|How does %s work?|Explain %s in simple words.|Why is %s important?|Tell me about "
     "%s.|What are the basics of %s?|Give me an example of %s.|What should I know about %s?|Who "
     "uses %s, and what for?|What is the history of %s?|Describe %s in two sentences.|How can I "
     "learn more about %s?|What are common mistakes with %s?|What is the difference between %s and "
     "its alternatives?",
     "photosynthesis|gravity|electricity|democracy|inflation|the immune system|a black hole|an "
     "algorithm|machine learning|a database|the internet|encryption|a battery|a vaccine|the water "
     "cycle|evolution|DNA|an atom|sound|light|a rainbow|a volcano|an earthquake|the moon|the "
     "sun|climate change|recycling|solar power|wind energy|nuclear power|a bicycle|a "
     "refrigerator|a "
     "computer|a telescope|a microscope|a bridge|a bank|interest|a budget|insurance|a contract|a "
     "constitution|a parliament|a court|philosophy|logic|statistics|probability|geometry|a prime "
     "number|music theory|jazz|opera|photography|painting|poetry|a novel|grammar|a "
     "metaphor|archaeology|psychology|sleep|memory|stress|nutrition|yoga|running|swimming|"
     "chess|football|cooking|bread|coffee|tea|chocolate|cheese|gardening|compost|bees|birds|"
     "whales|dogs|cats|horses|forests|deserts|oceans|rivers|glaciers|mountains|a city|a village|"
     "public transport|an airport|a hospital|a school|a library|a museum|translation|writing|"
     "public speaking|teamwork|leadership|negotiation|time management|a job interview",
     40},
    {"Tell me about %s.|What is %s famous for?|Where is %s?|What can one do in %s?|What is the "
     "weather like in %s?|What language is spoken in %s?|Give me three facts about %s.|When is the "
     "best time to visit %s?|What do people eat in %s?",
     "Amsterdam|Paris|London|Berlin|Rome|Madrid|Vienna|Prague|Athens|Istanbul|Cairo|Nairobi|Lagos|"
     "Mumbai|Beijing|Tokyo|Seoul|Bangkok|Sydney|New York|Chicago|Mexico City|Lima|Rio de "
     "Janeiro|France|Germany|Italy|Spain|Greece|Turkey|Egypt|Kenya|Nigeria|India|China|Japan|Korea|"
     "Thailand|Australia|Canada|Mexico|Peru|Brazil|Norway|Iceland|Portugal|the Netherlands|"
     "Switzerland|Poland|Ireland",
     16},
    {"How do I %s?|Give me tips to %s.|What do I need to %s?|How long does it take to %s?|Write "
     "step by step instructions to %s.|Is it hard to %s?",
     "bake bread|make soup|cook rice|grow tomatoes|plant a tree|fix a bicycle|paint a room|clean a "
     "window|save money|save energy|sleep better|learn a language|learn to swim|read faster|write "
     "an essay|write a letter|write a speech|prepare for an exam|find a job|make new friends|train "
     "a dog|take care of a cat|plan a trip|pack a suitcase|start a business|start a "
     "garden|meditate|stop procrastinating|remember names|take good photographs",
     14},
    {"Write a short poem about %s.|Write a short story about %s.|Describe %s.|Write a haiku about "
     "%s.|Write the first sentence of a novel about %s.|Write a riddle about %s.|Make a list of "
     "five words about %s.",
     "the sea|the rain|winter|spring|a lost dog|a kind robot|a lighthouse|an old house|a train "
     "journey|a forest at night|the first snow|a birthday|a friendship|a secret|a city at dawn|the "
     "desert|a small boat|a garden|a storm|the stars",
     14},
    {"Who was %s?|What is %s known for?|When did %s live?|Tell me about %s.",
     "Albert Einstein|Isaac Newton|Marie Curie|Charles Darwin|Galileo|Ada Lovelace|Alan "
     "Turing|Shakespeare|Jane Austen|Mozart|Beethoven|Bach|Leonardo da Vinci|Van Gogh|Frida "
     "Kahlo|Gandhi|Nelson Mandela|Martin Luther King|Cleopatra|Julius Caesar|Napoleon|Columbus|"
     "Socrates|Plato|Confucius|Aristotle|Florence Nightingale|Rosa Parks|Amelia Earhart|Neil "
     "Armstrong",
     8},
    {"%s",
     "Hello|Hi|Hey there|Good morning|Good evening|How are you?|Who are you?|What can you "
     "do?|What is your name?|Thank you!|Thanks a lot.|Can you help me?|Tell me a joke.|I am "
     "sad today.|I am bored.|I am happy!|Good night.|What is the meaning of life?|Are you a "
     "robot?|Nice to meet you.|What do you like?|Give me some advice.|Surprise me.|Goodbye.",
     8},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const char *const follow_ups[] = {"Why?",
                                         "Tell me more.",
                                         "Can you explain that in simple words?",
                                         "Give me an example.",
                                         "Thank you!",
                                         "Are you sure?",
                                         "Summarize that in one sentence.",
                                         "What else should I know?"};

/* The field of a list that is drawn. */
static const char *draw(const char *list, rd_rng *rng, size_t *size) {
  uint32_t fields = 1;
  for (const char *p = list; *p; p++)
    fields += *p == '|';
  for (uint32_t nth = rd_rng_below(rng, fields); nth > 0; nth--)
    list = strchr(list, '|') + 1;
  *size = strcspn(list, "|");
  return list;
}

static char *made(uint64_t seed, int64_t index) {
  rd_rng rng = rd_rng_at(seed, RD_STREAM_SHUFFLE, (uint32_t)(index >> 32), (uint32_t)index);
  uint32_t all = 0, at = 0, form_end = 0;
  for (size_t k = 0; k < KINDS; k++)
    all += kinds[k].weight;
  uint32_t u = rd_rng_below(&rng, all);
  while (u >= kinds[at].weight)
    u -= kinds[at++].weight;
  size_t form_size, size;
  const char *form = draw(kinds[at].forms, &rng, &form_size);
  const char *subject = draw(kinds[at].subjects, &rng, &size);
  while (form[form_end] != '%')
    form_end++;
  return rd_print("%.*s%.*s%.*s", (int)form_end, form, (int)size, subject,
                  (int)(form_size - form_end - 2), form + form_end + 2);
}

char *rd_asked_at(const rd_asked *asked, uint64_t seed, int64_t index) {
  return asked->prompts ? rd_strdup(asked->prompts[(size_t)index % asked->count], NULL)
                        : made(seed, index);
}

const char *rd_asked_then(uint64_t seed, int64_t index) {
  rd_rng rng = rd_rng_at(seed, RD_STREAM_EVAL, (uint32_t)(index >> 32), (uint32_t)index);
  bool follows = rd_rng_below(&rng, 5) < 2;
  return follows ? follow_ups[rd_rng_below(&rng, sizeof follow_ups / sizeof *follow_ups)] : NULL;
}

/* --- files --------------------------------------------------------------------------------------
 */

static rd_code add(rd_asked *asked, const char *text, size_t size, rd_error *e) {
  RD_TRY(rd_grow_one((void **)&asked->prompts, asked->count, sizeof *asked->prompts, e));
  asked->prompts[asked->count] = rd_print("%.*s", (int)size, text);
  return asked->prompts[asked->count++] ? RD_OK
                                        : rd_fail(e, RD_NO_MEMORY, "out of memory: a prompt");
}

static rd_code has_prompt(const json_t *row, rd_error *e) {
  const char *text;
  return rd_row_prompt(row, &text, e);
}

static rd_code add_rows(rd_asked *asked, const char *path, rd_error *e) {
  const rd_row_rules rules = {.check = has_prompt};
  rd_rows rows = {0};
  const char *text;
  rd_code code = rd_rows_read(&rows, path, &rules, e);
  for (size_t i = 0; code == RD_OK && i < rows.count; i++) {
    code = rd_row_prompt(rows.items[i], &text, e);
    if (code == RD_OK)
      code = add(asked, text, strlen(text), e);
  }
  rd_rows_drop(&rows);
  return code;
}

static rd_code add_lines(rd_asked *asked, const char *path, rd_error *e) {
  rd_map map;
  RD_TRY(rd_map_open(&map, path, e));
  const char *at = (const char *)map.data;
  size_t size = map.size;
  rd_code code = rd_rows_plain(path, &at, &size, e);
  for (const char *end = at + size; code == RD_OK && at < end;) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    size_t n = (size_t)((stop ? stop : end) - at);
    bool returns = n > 0 && at[n - 1] == '\r'; /* as Windows ends lines */
    if (!rd_text_blank(at, n))
      code = add(asked, at, n - returns, e);
    at += n + 1;
  }
  rd_map_close(&map);
  return code;
}

rd_code rd_asked_read(rd_asked *asked, const char *path, rd_error *e) {
  RD_TRY((rd_rows_named(path) ? add_rows : add_lines)(asked, path, e));
  return asked->count ? RD_OK : rd_fail(e, RD_BAD_INPUT, "%s: holds no prompt", path);
}

void rd_asked_drop(rd_asked *asked) {
  for (size_t i = 0; i < asked->count; i++)
    free(asked->prompts[i]);
  free(asked->prompts);
  *asked = (rd_asked){0};
}
