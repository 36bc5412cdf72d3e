/* SPDX-License-Identifier: MIT */
/* Normalisation steps. Unicode forms go through utf8proc in three parts, because its own sorting of
 * combining marks is quadratic in a run of them: decompose per character, sort each run stably by
 * counting, then let utf8proc compose. */
#include "tok_normal.h"
#include "tok_category.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

void rd_normaliser_drop(rd_normaliser *n) {
  for (size_t i = 0; i < n->count; i++) {
    free(n->steps[i].from);
    free(n->steps[i].to);
    rd_regex_free(n->steps[i].regex);
    rd_charsmap_free(n->steps[i].map);
  }
  free(n->steps);
  *n = (rd_normaliser){0};
}

static bool same_step(const rd_normal_step *a, const rd_normal_step *b) {
  return !a->regex && !b->regex && !a->map && !b->map && a->apply == b->apply && a->on == b->on &&
         a->change == b->change && a->form == b->form && a->left == b->left &&
         a->right == b->right && a->unless_present == b->unless_present &&
         a->at_start == b->at_start &&
         rd_slice_same((rd_slice){a->from, a->from_size}, (rd_slice){b->from, b->from_size}) &&
         rd_slice_same((rd_slice){a->to, a->to_size}, (rd_slice){b->to, b->to_size});
}

bool rd_normaliser_same(const rd_normaliser *a, const rd_normaliser *b) {
  bool same = a->count == b->count;
  for (size_t i = 0; i < a->count && same; i++)
    same = same_step(&a->steps[i], &b->steps[i]);
  return same;
}

static char *copy(rd_slice text, rd_error *e) {
  char *made = rd_calloc(text.size + 1, 1, "a normaliser", e);
  if (made && text.size)
    memcpy(made, text.data, text.size);
  return made;
}

rd_code rd_normal_add(rd_normaliser *n, rd_normal_step step, rd_slice from, rd_slice to,
                      rd_error *e) {
  RD_TRY(rd_grow((void **)&n->steps, &n->capacity, n->count + 1, sizeof *n->steps, e));
  step.from = copy(from, e);
  step.to = copy(to, e);
  if (!step.from || !step.to) {
    free(step.from);
    free(step.to);
    return RD_NO_MEMORY;
  }
  step.from_size = from.size;
  step.to_size = to.size;
  n->steps[n->count++] = step;
  return RD_OK;
}

static const rd_slice nothing = {"", 0};

static rd_code apply_prefix(const rd_normal_step *s, rd_slice in, rd_bytes *out, rd_error *e) {
  bool present = in.size >= s->to_size && memcmp(in.data, s->to, s->to_size) == 0;
  if (!(s->unless_present && present))
    RD_TRY(rd_bytes_add(out, s->to, s->to_size, e));
  return rd_bytes_add(out, in.data, in.size, e);
}

rd_code rd_normal_prefix(rd_normaliser *n, rd_slice prefix, bool unless_present, bool at_start,
                         rd_error *e) {
  rd_normal_step step = {
      .apply = apply_prefix, .unless_present = unless_present, .at_start = at_start};
  return rd_normal_add(n, step, nothing, prefix, e);
}

static rd_code apply_replace(const rd_normal_step *s, rd_slice in, rd_bytes *out, rd_error *e) {
  for (;;) {
    const char *hit = in.size ? memmem(in.data, in.size, s->from, s->from_size) : NULL;
    if (!hit)
      return rd_bytes_add(out, in.data, in.size, e);
    size_t before = (size_t)(hit - in.data);
    RD_TRY(rd_bytes_add(out, in.data, before, e));
    RD_TRY(rd_bytes_add(out, s->to, s->to_size, e));
    in = (rd_slice){hit + s->from_size, in.size - before - s->from_size};
  }
}

rd_code rd_normal_replace(rd_normaliser *n, rd_slice from, rd_slice to, rd_error *e) {
  if (from.size == 0 || to.size > 16 * from.size)
    return rd_fail(e, RD_UNSUPPORTED, "normaliser: replacing %zu bytes by %zu is not supported",
                   from.size, to.size);
  return rd_normal_add(n, (rd_normal_step){.apply = apply_replace}, from, to, e);
}

static rd_code replace_run(const rd_normal_step *s, rd_regex_scratch *scratch, rd_slice run,
                           rd_bytes *out, rd_error *e) {
  rd_regex_match m = {.end = 0};
  for (size_t done = 0;; done = m.end) {
    RD_TRY(rd_regex_next(s->regex, scratch, run, &m, e));
    RD_TRY(rd_bytes_add(out, run.data + done, m.start - done, e));
    if (!m.found)
      return RD_OK;
    RD_TRY(rd_bytes_add(out, s->to, s->to_size, e));
  }
}

static rd_code apply_replace_matches(const rd_normal_step *s, rd_slice in, rd_bytes *out,
                                     rd_error *e) {
  rd_regex_scratch *scratch;
  RD_TRY(rd_regex_scratch_new(&scratch, in.size, e));
  rd_code code = RD_OK;
  for (size_t at = 0; at < in.size && code == RD_OK;) {
    size_t good = rd_utf8_valid(in.data + at, in.size - at);
    code = replace_run(s, scratch, (rd_slice){in.data + at, good}, out, e);
    at += good;
    if (at < in.size && code == RD_OK)
      code = rd_bytes_add(out, in.data + at++, 1, e);
  }
  rd_regex_scratch_free(scratch);
  return code;
}

rd_code rd_normal_replace_matches(rd_normaliser *n, rd_slice pattern, rd_slice to, rd_error *e) {
  rd_normal_step step = {.apply = apply_replace_matches};
  if (to.size > 16)
    return rd_fail(e, RD_UNSUPPORTED, "normaliser: replacing matches by %zu bytes is not supported",
                   to.size);
  RD_TRY(rd_regex_new(&step.regex, pattern, false, "normaliser", e));
  rd_code code = rd_normal_add(n, step, nothing, to, e);
  if (code != RD_OK)
    rd_regex_free(step.regex);
  return code;
}

static rd_code apply_strip(const rd_normal_step *s, rd_slice in, rd_bytes *out, rd_error *e) {
  size_t from = 0, end = 0; /* of the last character that stays */
  bool inside = !s->left;
  for (size_t at = 0; at < in.size;) {
    rd_utf8 c = rd_utf8_read(in.data + at, in.size - at);
    bool space = c.kind == RD_UTF8_GOOD && rd_utf8_space(c.point);
    from = !inside && !space ? at : from;
    inside = inside || !space;
    at += c.size;
    end = !space || !s->right ? at : end;
  }
  return inside && end > from ? rd_bytes_add(out, in.data + from, end - from, e) : RD_OK;
}

rd_code rd_normal_strip(rd_normaliser *n, bool left, bool right, rd_error *e) {
  return rd_normal_add(n, (rd_normal_step){.apply = apply_strip, .left = left, .right = right},
                       nothing, nothing, e);
}

static rd_code apply_squeeze(const rd_normal_step *s, rd_slice in, rd_bytes *out, rd_error *e) {
  (void)s;
  while (in.size && in.data[in.size - 1] == ' ')
    in.size--;
  for (size_t at = 0, from = 0; at < in.size; from = at) {
    while (at < in.size && in.data[at] == ' ')
      at++;
    if (at > from && from > 0)
      RD_TRY(rd_bytes_add(out, " ", 1, e));
    from = at;
    while (at < in.size && in.data[at] != ' ')
      at++;
    RD_TRY(rd_bytes_add(out, in.data + from, at - from, e));
  }
  return RD_OK;
}

rd_code rd_normal_squeeze(rd_normaliser *n, rd_error *e) {
  return rd_normal_add(n, (rd_normal_step){.apply = apply_squeeze}, nothing, nothing, e);
}

/* Sort runs of combining marks by class, stably: the canonical order. */
static rd_code order_marks(utf8proc_int32_t *points, size_t count, rd_error *e) {
  utf8proc_int32_t *sorted = NULL;
  size_t capacity = 0;
  for (size_t from = 0; from < count;) {
    if (utf8proc_get_property(points[from])->combining_class == 0) {
      from++;
      continue;
    }
    size_t to = from, starts[257] = {0};
    bool ordered = true;
    unsigned previous = 0;
    for (; to < count; to++) {
      unsigned class = (unsigned)utf8proc_get_property(points[to])->combining_class & 255;
      if (class == 0)
        break;
      ordered = ordered && class >= previous;
      previous = class;
      starts[class + 1]++;
    }
    if (!ordered) {
      size_t run = to - from;
      if (rd_grow((void **)&sorted, &capacity, run, sizeof *sorted, e) != RD_OK) {
        free(sorted);
        return RD_NO_MEMORY;
      }
      for (int i = 1; i < 257; i++)
        starts[i] += starts[i - 1];
      for (size_t i = from; i < to; i++)
        sorted[starts[(unsigned)utf8proc_get_property(points[i])->combining_class & 255]++] =
            points[i];
      memcpy(points + from, sorted, run * sizeof *sorted);
    }
    from = to + 1;
  }
  free(sorted);
  return RD_OK;
}

/* Normalise well-formed UTF-8. */
static rd_code normalise_good(int form, rd_slice in, rd_bytes *out, rd_error *e) {
  utf8proc_int32_t *points = NULL;
  size_t count = 0, capacity = 0;
  utf8proc_option_t decompose =
      (utf8proc_option_t)((form & ~(int)UTF8PROC_COMPOSE) | (int)UTF8PROC_DECOMPOSE);
  rd_code code = RD_OK;
  for (size_t at = 0; at < in.size;) {
    enum { LONGEST = 32 }; /* code points of any decomposition; Unicode's longest has 18 */
    RD_TRY_GOTO(code, done,
                rd_grow((void **)&points, &capacity, count + LONGEST, sizeof *points, e));
    rd_utf8 c = rd_utf8_read(in.data + at, in.size - at);
    int boundary = 0;
    utf8proc_ssize_t made = utf8proc_decompose_char((utf8proc_int32_t)c.point, points + count,
                                                    LONGEST, decompose, &boundary);
    if (made < 0 || made > LONGEST) {
      code = rd_fail(e, RD_BAD_INPUT, "U+%04X cannot be decomposed", c.point);
      goto done;
    }
    count += (size_t)made;
    at += c.size;
  }
  RD_TRY_GOTO(code, done, order_marks(points, count, e));
  if (form & (int)UTF8PROC_COMPOSE)
    count =
        (size_t)utf8proc_normalize_utf32(points, (utf8proc_ssize_t)count, (utf8proc_option_t)form);
  for (size_t i = 0; i < count; i++) {
    char bytes[4];
    RD_TRY_GOTO(code, done, rd_bytes_add(out, bytes, rd_utf8_write((uint32_t)points[i], bytes), e));
  }
done:
  free(points);
  return code;
}

/* The same, but for characters that have no forms in the tables of tokenizers: they stand between.
 */
static rd_code normalise_between(int form, rd_slice in, rd_bytes *out, rd_error *e) {
  size_t from = 0;
  for (size_t at = 0; at < in.size;) {
    rd_utf8 c = rd_utf8_read(in.data + at, in.size - at);
    if (rd_category_formless(c.point)) {
      RD_TRY(normalise_good(form, (rd_slice){in.data + from, at - from}, out, e));
      RD_TRY(rd_bytes_add(out, in.data + at, c.size, e));
      from = at + c.size;
    }
    at += c.size;
  }
  return normalise_good(form, (rd_slice){in.data + from, in.size - from}, out, e);
}

/* Below U+0300 composed text is in form C already, so that plain runs are copied. */
static rd_code apply_form(const rd_normal_step *s, rd_slice in, rd_bytes *out, rd_error *e) {
  for (size_t at = 0; at < in.size;) {
    size_t good = rd_utf8_valid(in.data + at, in.size - at);
    bool plain = true, ascii = true;
    for (size_t i = at; i < at + good && (plain || ascii); i++) {
      plain = plain && (unsigned char)in.data[i] < 0xCC;
      ascii = ascii && (unsigned char)in.data[i] < 0x80;
    }
    rd_slice run = {in.data + at, good};
    if (ascii || (plain && s->form == (UTF8PROC_COMPOSE | UTF8PROC_STABLE)))
      RD_TRY(rd_bytes_add(out, run.data, run.size, e));
    else
      RD_TRY(normalise_between(s->form, run, out, e));
    at += good;
    if (at < in.size)
      RD_TRY(rd_bytes_add(out, in.data + at++, 1, e));
  }
  return RD_OK;
}

static const struct form_row {
  const char *name;
  int options;
} forms[] = {
    {"NFC", UTF8PROC_STABLE | UTF8PROC_COMPOSE},
    {"NFD", UTF8PROC_STABLE},
    {"NFKC", UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT},
    {"NFKD", UTF8PROC_STABLE | UTF8PROC_COMPAT},
};

rd_code rd_normal_form(rd_normaliser *n, const char *name, bool *known, rd_error *e) {
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
    if (strcmp(forms[i].name, name) == 0) {
      *known = true;
      return rd_normal_add(n, (rd_normal_step){.apply = apply_form, .form = forms[i].options},
                           nothing, nothing, e);
    }
  *known = false;
  return RD_OK;
}

/* Does a step take away what a text begins with? A replacement stands, for Hugging Face's library,
 * where the last character was that it took the place of; the other steps go character by
 * character. */
static rd_code takes_first(const rd_normal_step *s, rd_slice in, rd_bytes *room, bool *yes,
                           rd_error *e) {
  const rd_utf8 c = rd_utf8_read(in.data, in.size);
  const size_t first = c.kind == RD_UTF8_GOOD ? c.size : 1;
  rd_regex_match m = {.found = false};
  if (s->apply == apply_replace) {
    m.found = in.size >= s->from_size && memcmp(in.data, s->from, s->from_size) == 0;
    m.end = s->from_size;
  } else if (s->apply == apply_replace_matches) {
    rd_regex_scratch *scratch;
    RD_TRY(rd_regex_scratch_new(&scratch, in.size, e));
    const rd_slice good = {in.data, rd_utf8_valid(in.data, in.size)};
    rd_code code = rd_regex_next(s->regex, scratch, good, &m, e);
    rd_regex_scratch_free(scratch);
    RD_TRY(code);
    m.found = m.found && m.start == 0 && m.end > 0;
  } else if (s->apply != apply_prefix && (s->apply != apply_strip || s->left)) {
    room->size = 0;
    RD_TRY(s->apply(s, (rd_slice){in.data, first}, room, e));
    *yes = *yes || room->size == 0;
  }
  *yes = *yes || (m.found && (s->to_size == 0 || m.end > first));
  return RD_OK;
}

/* A step alone makes a text 16 times as long at most; so may all of them together. */
static rd_code check_growth(size_t size, size_t made, rd_error *e) {
  enum { MOST = 16, SPARE = 4096 };
  return made / MOST <= size + SPARE / MOST
           ? RD_OK
           : rd_fail(e, RD_UNSUPPORTED,
                     "normaliser: its steps made %zu bytes of a text of %zu; at most %d times as "
                     "many are supported",
                     made, size, MOST);
}

rd_code rd_normaliser_run(const rd_normaliser *n, rd_slice text, rd_gap gap, rd_bytes buffers[2],
                          rd_slice *result, bool *shorter, rd_error *e) {
  const size_t size = text.size;
  int next = 0;
  for (size_t i = 0; i < n->count && text.size > 0; i++) {
    bool prefix = n->steps[i].apply == apply_prefix;
    if (prefix && (gap == RD_GAP_ON || (n->steps[i].at_start && gap != RD_GAP_START)))
      continue;
    rd_normal_apply apply = gap == RD_GAP_ON && n->steps[i].on ? n->steps[i].on : n->steps[i].apply;
    if (shorter && !*shorter)
      RD_TRY(takes_first(&n->steps[i], text, &buffers[next], shorter, e));
    buffers[next].size = 0;
    RD_TRY(apply(&n->steps[i], text, &buffers[next], e));
    text = rd_slice_of(&buffers[next]);
    RD_TRY(check_growth(size, text.size, e));
    next = !next;
  }
  *result = text;
  return RD_OK;
}
