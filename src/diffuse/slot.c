/* SPDX-License-Identifier: MIT */
/* Every alternative is encoded with the text before it, as a whole, since a token may hold the end
 * of one and the beginning of the other. What all have in common is the lead. */
#include "slot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A text as ids. */
typedef struct said {
  int32_t *ids;
  size_t count;
} said;

static rd_code say(said *out, const rd_tokenizer *t, const char *before, const char *lead,
                   const char *word, rd_error *e) {
  char *text = rd_print("%s%s%s", before, lead, word);
  *out = (said){0};
  if (!text)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: an answer");
  rd_code code = rd_tokenizer_encode(t, text, strlen(text), *before ? RD_TOK_CONTINUE : 0,
                                     &out->ids, &out->count, e);
  free(text);
  return code;
}

/* Keep what the texts have in common as the lead, and the first token after it of each; false: two
 * have the same, or one has none. */
static bool tell_apart(rd_slot *slot, const said *texts, int64_t n) {
  size_t common = 0, longest = 0;
  for (bool same = true; same; common += same) {
    for (int64_t i = 0; i < n; i++)
      same = same && common < texts[i].count && texts[i].ids[common] == texts[0].ids[common];
  }
  for (int64_t i = 0; i < n; i++) {
    if (texts[i].count <= common)
      return false;
    longest = texts[i].count - common > longest ? texts[i].count - common : longest;
    slot->tokens[i] = texts[i].ids[common];
    for (int64_t k = 0; k < i; k++)
      if (slot->tokens[k] == slot->tokens[i])
        return false;
  }
  memcpy(slot->lead, texts[0].ids, common * sizeof *slot->lead);
  slot->lead_count = (int64_t)common;
  slot->longest = (int64_t)longest;
  return true;
}

static void drop_all(said *texts, int64_t n) {
  for (int64_t i = 0; i < n; i++)
    free(texts[i].ids);
  free(texts);
}

/* Room for the lead, which is no longer than a text of it and a label has tokens. */
static rd_code make_lead(rd_slot *slot, const said *text, rd_error *e) {
  slot->lead = rd_calloc(text->count + 1, sizeof *slot->lead, "an answer", e);
  return slot->lead ? RD_OK : RD_NO_MEMORY;
}

/* The alternatives' own words; *told: do they differ at once? */
static rd_code try_words(rd_slot *slot, const rd_tokenizer *t, const rd_question *q,
                         const char *before, bool *told, rd_error *e) {
  said *texts = rd_calloc((size_t)q->count, sizeof *texts, "an answer", e);
  rd_code code = texts ? RD_OK : RD_NO_MEMORY;
  for (int64_t i = 0; i < q->count && code == RD_OK; i++)
    code = say(&texts[i], t, before, q->type->lead, q->alternatives[i].word, e);
  if (code == RD_OK)
    code = make_lead(slot, &texts[0], e);
  *told = code == RD_OK && tell_apart(slot, texts, q->count);
  drop_all(texts, texts ? q->count : 0);
  return code;
}

/* --- labels ------------------------------------------------------------------------------------
 */

/* Label `number` of all that there may be: letters, digits, pairs of capitals. */
static bool label_text(char text[3], int64_t number) {
  static const char single[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  const int64_t singles = sizeof single - 1, pair = number - singles;
  text[0] = text[1] = text[2] = '\0';
  if (number < singles)
    text[0] = single[number];
  else if (pair < 26 * 26)
    snprintf(text, 3, "%c%c", (char)('A' + pair / 26), (char)('A' + pair % 26));
  return text[0] != '\0';
}

/* Is it one more token behind the lead, which no label has yet? The first one says what the lead
 * is. */
static bool fits(rd_slot *slot, const said *text, int64_t have) {
  size_t lead = have > 0 ? (size_t)slot->lead_count : text->count - 1;
  if (text->count != lead + 1 ||
      (have > 0 && memcmp(text->ids, slot->lead, lead * sizeof *slot->lead) != 0))
    return false;
  for (int64_t k = 0; k < have; k++)
    if (slot->tokens[k] == text->ids[lead])
      return false;
  return true;
}

static rd_code add_label(rd_slot *slot, const said *text, const char *label, int64_t have,
                         rd_error *e) {
  if (have == 0) {
    free(slot->lead);
    slot->lead = NULL;
    RD_TRY(make_lead(slot, text, e));
    slot->lead_count = (int64_t)text->count - 1;
    memcpy(slot->lead, text->ids, (text->count - 1) * sizeof *slot->lead);
  }
  slot->tokens[have] = text->ids[text->count - 1];
  slot->labels[have] = rd_strdup(label, e);
  return slot->labels[have] ? RD_OK : RD_NO_MEMORY;
}

static rd_code find_labels(rd_slot *slot, const rd_tokenizer *t, const rd_question *q,
                           const char *before, rd_error *e) {
  char label[3];
  int64_t have = 0;
  slot->longest = 1;
  slot->labels = rd_calloc((size_t)q->count, sizeof *slot->labels, "labels", e);
  if (!slot->labels)
    return RD_NO_MEMORY;
  for (int64_t number = 0; have < q->count && label_text(label, number); number++) {
    said text;
    rd_code code = say(&text, t, before, q->type->lead, label, e);
    if (code == RD_OK && text.count > 0 && fits(slot, &text, have))
      code = add_label(slot, &text, label, have++, e);
    free(text.ids);
    RD_TRY(code);
  }
  return have == q->count
           ? RD_OK
           : rd_fail(e, RD_USAGE,
                     "%lld alternatives whose first tokens are not all different, and the "
                     "vocabulary has %lld labels of one token: give fewer, or other keys",
                     (long long)q->count, (long long)have);
}

rd_code rd_slot_find(rd_slot *out, const rd_tokenizer *t, const rd_question *q, const char *before,
                     rd_error *e) {
  bool told = false;
  *out = (rd_slot){.count = q->count};
  out->tokens = rd_calloc((size_t)q->count, sizeof *out->tokens, "an answer", e);
  if (!out->tokens)
    return RD_NO_MEMORY;
  RD_TRY(try_words(out, t, q, before, &told, e));
  return told ? RD_OK : find_labels(out, t, q, before, e);
}

void rd_slot_drop(rd_slot *slot) {
  for (int64_t i = 0; slot->labels && i < slot->count; i++)
    free(slot->labels[i]);
  free(slot->labels);
  free(slot->tokens);
  free(slot->lead);
  *slot = (rd_slot){0};
}
