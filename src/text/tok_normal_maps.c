/* SPDX-License-Identifier: MIT */
/* Normalisation steps that look at one character at a time. */
#include "tok_category.h"
#include "tok_normal.h"

#include <string.h>
#include <utf8proc.h>

static const rd_slice nothing = {"", 0};

static rd_code map_characters(const rd_normal_step *s, rd_slice in, rd_bytes *out, rd_error *e) {
  for (size_t at = 0; at < in.size;) {
    rd_utf8 c = rd_utf8_read(in.data + at, in.size - at);
    uint32_t made[4] = {c.point};
    unsigned count = c.kind == RD_UTF8_GOOD ? s->change(c.point, made) : 0;
    if (c.kind != RD_UTF8_GOOD)
      RD_TRY(rd_bytes_add(out, in.data + at, c.size, e));
    for (unsigned i = 0; i < count; i++) {
      char bytes[4];
      RD_TRY(rd_bytes_add(out, bytes, rd_utf8_write(made[i], bytes), e));
    }
    at += c.size;
  }
  return RD_OK;
}

static rd_code add(rd_normaliser *n, rd_normal_change *change, rd_error *e) {
  const rd_normal_step step = {.apply = map_characters, .change = change};
  return rd_normal_add(n, step, nothing, nothing, e);
}

/* The one letter that becomes two is I with a dot. */
static unsigned lower(uint32_t point, uint32_t made[4]) {
  made[0] = (uint32_t)utf8proc_tolower((utf8proc_int32_t)point);
  if (point != 0x130)
    return 1;
  made[0] = 'i';
  made[1] = 0x307;
  return 2;
}

rd_code rd_normal_lowercase(rd_normaliser *n, rd_error *e) {
  return add(n, lower, e);
}

static unsigned without_marks(uint32_t point, uint32_t made[4]) {
  made[0] = point;
  return !rd_category_mark(point);
}

rd_code rd_normal_strip_accents(rd_normaliser *n, rd_error *e) {
  return add(n, without_marks, e);
}

/* BERT's marks are those that take no room of their own. */
static unsigned without_accents(uint32_t point, uint32_t made[4]) {
  made[0] = point;
  return !rd_category_thin_mark(point);
}

/* Control, format and private characters go, and U+FFFD; white space becomes spaces. */
static unsigned clean(uint32_t point, uint32_t made[4]) {
  bool line = point == '\t' || point == '\n' || point == '\r';
  bool gone = point == 0xFFFD || (rd_category_control(point) && !line);
  made[0] = rd_utf8_space(point) ? ' ' : point;
  return !gone;
}

/* Every CJK ideograph is a word. */
static unsigned apart(uint32_t point, uint32_t made[4]) {
  static const struct {
    uint32_t first, last;
  } rows[] = {{0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},  {0x20000, 0x2A6DF},
              {0x2A700, 0x2B81F}, {0x2B920, 0x2CEAF}, {0x2F800, 0x2FA1F}};
  made[0] = point;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (point >= rows[i].first && point <= rows[i].last) {
      made[0] = made[2] = ' ';
      made[1] = point;
      return 3;
    }
  return 1;
}

rd_code rd_normal_bert(rd_normaliser *n, bool cleaned, bool ideographs, bool accents,
                       bool lowercase, rd_error *e) {
  bool known;
  if (cleaned)
    RD_TRY(add(n, clean, e));
  if (ideographs)
    RD_TRY(add(n, apart, e));
  if (accents) {
    RD_TRY(rd_normal_form(n, "NFD", &known, e));
    RD_TRY(add(n, without_accents, e));
  }
  return lowercase ? rd_normal_lowercase(n, e) : RD_OK;
}

/* What NMT's rules do to control characters and to the spaces of many kinds. */
static unsigned translate(uint32_t point, uint32_t made[4]) {
  static const uint32_t spaces[] = {0x09,   0x0A,   0x0C,   0x0D,   0x1680, 0x200B, 0x200C, 0x200D,
                                    0x200E, 0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD};
  made[0] = point;
  for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++)
    if (point == spaces[i]) {
      made[0] = ' ';
      return 1;
    }
  return !((point >= 0x01 && point < 0x20) || point == 0x7F || point == 0x8F || point == 0x9F);
}

rd_code rd_normal_nmt(rd_normaliser *n, rd_error *e) {
  return add(n, translate, e);
}

/* `joined`: the first word goes on from earlier text. */
static rd_code mark_words(const rd_normal_step *s, rd_slice in, bool joined, rd_bytes *out,
                          rd_error *e) {
  bool inside = joined;
  for (size_t at = 0; at < in.size;) {
    rd_utf8 c = rd_utf8_read(in.data + at, in.size - at);
    size_t size = c.kind == RD_UTF8_GOOD ? c.size : 1, left = in.size - at;
    bool space = c.kind == RD_UTF8_GOOD && rd_utf8_space(c.point);
    bool marked = left >= s->to_size && memcmp(in.data + at, s->to, s->to_size) == 0;
    if (!space && !inside && !marked)
      RD_TRY(rd_bytes_add(out, s->to, s->to_size, e));
    if (!space)
      RD_TRY(rd_bytes_add(out, in.data + at, size, e));
    inside = !space;
    at += size;
  }
  return RD_OK;
}

static rd_code apply_words(const rd_normal_step *s, rd_slice in, rd_bytes *out, rd_error *e) {
  return mark_words(s, in, false, out, e);
}

static rd_code apply_words_on(const rd_normal_step *s, rd_slice in, rd_bytes *out, rd_error *e) {
  return mark_words(s, in, true, out, e);
}

rd_code rd_normal_words(rd_normaliser *n, rd_slice mark, rd_error *e) {
  return rd_normal_add(n, (rd_normal_step){.apply = apply_words, .on = apply_words_on}, nothing,
                       mark, e);
}

static rd_code apply_charsmap(const rd_normal_step *s, rd_slice in, rd_bytes *out, rd_error *e) {
  static const rd_added none;
  for (rd_added_match m = {0};;) {
    const size_t at = m.end;
    m = rd_added_find(s->kept ? s->kept : &none, in, m, rd_added_plain);
    RD_TRY(rd_charsmap_run(s->map, (rd_slice){in.data + at, m.start - at}, out, e));
    if (m.id < 0)
      return RD_OK;
    RD_TRY(rd_bytes_add(out, in.data + m.start, m.end - m.start, e));
  }
}

rd_code rd_normal_charsmap(rd_normaliser *n, rd_slice blob, bool longest, rd_error *e) {
  rd_normal_step step = {.apply = apply_charsmap};
  RD_TRY(rd_charsmap_new(&step.map, blob, longest, e));
  rd_code code = rd_normal_add(n, step, nothing, nothing, e);
  if (code != RD_OK)
    rd_charsmap_free(step.map);
  return code;
}
