/* SPDX-License-Identifier: MIT */
/* Frames painted as lines. The text is cut into cells (a character with what combines with it), the
 * cells into lines at spaces where there are any, and the lines are written with the colour changes
 * that are needed, each line ending in the plain colour. */
#include "utf8.h"
#include "view_frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

typedef struct cell {
  size_t at, size; /* bytes of the sheet's text */
  uint8_t width, look;
  bool newline, space;
} cell;

typedef struct sheet {
  char *text;
  size_t size, text_room;
  cell *cells;
  size_t count, cell_room;
  bool failed; /* memory is out */
} sheet;

static const char REPLACEMENT[] = "\xEF\xBF\xBD", MASK[] = "\xE2\x96\x92", END[] = "\xE2\x80\xA0";

static void put(sheet *s, const char *bytes, size_t size, cell c) {
  s->failed = s->failed ||
              rd_grow((void **)&s->text, &s->text_room, s->size + size, 1, NULL) != RD_OK ||
              rd_grow((void **)&s->cells, &s->cell_room, s->count + 1, sizeof c, NULL) != RD_OK;
  if (s->failed)
    return;
  memcpy(s->text + s->size, bytes, size);
  bool joins = c.width == 0 && !c.newline && s->count > 0 && !s->cells[s->count - 1].newline;
  if (joins) {
    s->cells[s->count - 1].size += size;
  } else if (c.width > 0 || c.newline) {
    c.at = s->size;
    c.size = size;
    s->cells[s->count++] = c;
  } else {
    return; /* a combining character with nothing before it */
  }
  s->size += size;
}

/* One character of `text`, or U+FFFD for what is none and for control characters. */
static size_t next(const char *text, size_t size, const char **bytes, size_t *length, int *width,
                   uint32_t *point) {
  rd_utf8 c = rd_utf8_read(text, size);
  *point = c.point;
  bool control = *point < 0x20 || (*point >= 0x7F && *point < 0xA0) ||
                 (*point >= 0x202A && *point <= 0x202E) || (*point >= 0x2066 && *point <= 0x2069);
  bool shown = c.kind == RD_UTF8_GOOD && !control;
  *bytes = shown ? text : REPLACEMENT;
  *length = shown ? c.size : sizeof REPLACEMENT - 1;
  *width = shown ? utf8proc_charwidth((utf8proc_int32_t)*point) : 1;
  return c.size;
}

static void put_text(sheet *s, const char *text, uint8_t look) {
  for (size_t left = strlen(text); left > 0;) {
    const char *bytes;
    size_t length;
    int width;
    uint32_t point;
    size_t n = next(text, left, &bytes, &length, &width, &point);
    if (*text == '\n')
      put(s, "", 0, (cell){.look = look, .newline = true});
    else if (*text == '\t' || *text == ' ')
      put(s, " ", 1, (cell){.width = 1, .look = look, .space = true});
    else if (*text != '\r')
      put(s, bytes, length, (cell){.width = (uint8_t)width, .look = look});
    text += n;
    left -= n;
  }
}

/* The end of the line that begins at cell `at`, and in *after where the next one begins. */
static size_t line_end(const sheet *s, size_t at, int width, size_t *after) {
  int used = 0;
  size_t last_space = SIZE_MAX;
  for (size_t i = at; i < s->count; i++) {
    const cell *c = &s->cells[i];
    if (c->newline) {
      *after = i + 1;
      return i;
    }
    if (used + c->width > width) {
      if (c->space) {
        *after = i + 1;
        return i;
      }
      size_t end = last_space != SIZE_MAX ? last_space : i > at ? i : i + 1;
      *after = last_space != SIZE_MAX ? last_space + 1 : end;
      return end;
    }
    if (c->space && i > at)
      last_space = i;
    used += c->width;
  }
  *after = s->count;
  return s->count;
}

static void write_line(FILE *out, const sheet *s, size_t from, size_t to, unsigned flags) {
  static const char *const colours[] = {
      [RD_LOOK_PLAIN] = "\x1b[0m",    [RD_LOOK_RETAINED] = "\x1b[36m",
      [RD_LOOK_LOCKED] = "\x1b[34m",  [RD_LOOK_NEW] = "\x1b[32m",
      [RD_LOOK_DRAFTED] = "\x1b[35m", [RD_LOOK_REPLACED] = "\x1b[33m",
      [RD_LOOK_MASKED] = "\x1b[31m"};
  uint8_t look = RD_LOOK_PLAIN;
  for (size_t i = from; i < to; i++) {
    const cell *c = &s->cells[i];
    if ((flags & RD_PAINT_COLOUR) && c->look != look)
      fputs(colours[look = c->look], out);
    fwrite(s->text + c->at, 1, c->size, out);
  }
  if (look != RD_LOOK_PLAIN)
    fputs(colours[RD_LOOK_PLAIN], out);
}

typedef struct line {
  size_t from, to;
} line;

/* All lines; *worth is how many of them go up to the last text that is no mask. */
static line *cut(sheet *s, int width, size_t *count, size_t *worth) {
  line *lines = NULL;
  *count = *worth = 0;
  for (size_t at = 0; at < s->count && !s->failed;) {
    s->failed = rd_grow_one((void **)&lines, *count, sizeof *lines, NULL) != RD_OK;
    if (s->failed)
      break;
    line *l = &lines[(*count)++];
    l->from = at;
    l->to = line_end(s, at, width, &at);
    for (size_t i = l->from; i < l->to; i++)
      if (s->cells[i].look != RD_LOOK_MASKED)
        *worth = *count;
  }
  return lines;
}

static void write_status(FILE *out, const rd_frame *f, int width, unsigned flags) {
  char text[320];
  size_t n = 0;
  const struct {
    const char *word;
    int64_t count;
    bool always;
  } counts[] = {{"tokens", f->tokens, true},
                {"masked", f->masked, true},
                {"changed", f->noise ? 0 : f->changed, !f->noise},
                {"drafted", f->noise ? 0 : f->drafted, false},
                {"accepted", f->noise ? 0 : f->accepted, false},
                {"rejected", f->noise ? 0 : f->rejected, false},
                {"locked", f->locked, false},
                {"retained", f->retained, false}};
  n += (size_t)snprintf(text, sizeof text, "iteration %lld/%lld%s", (long long)f->iteration,
                        (long long)f->iterations, f->noise ? ", noise" : "");
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
    if (counts[i].always || counts[i].count > 0)
      n += (size_t)snprintf(text + n, sizeof text - n, "  %lld %s", (long long)counts[i].count,
                            counts[i].word);
  n += (size_t)snprintf(text + n, sizeof text - n, "  confidence %.2f", f->confidence);
  if (f->seconds > 0)
    n += (size_t)snprintf(text + n, sizeof text - n, "  %.1f tokens/s",
                          (double)f->tokens / f->seconds);
  if (f->hint)
    snprintf(text + n, sizeof text - n, "  %s", f->hint);
  fprintf(out, flags & RD_PAINT_COLOUR ? "\x1b[2m%.*s\x1b[0m" : "%.*s", width, text);
}

static char *paint(sheet *s, const rd_frame *f, int width, int height, unsigned flags) {
  char *text = NULL;
  size_t size = 0, count, worth;
  line *lines = cut(s, width, &count, &worth);
  size_t most = height > 0 ? (size_t)height - ((flags & RD_PAINT_STATUS) && height > 1) : count;
  size_t first = worth > most ? worth - most : 0;
  FILE *out = s->failed ? NULL : open_memstream(&text, &size);
  if (out) {
    for (size_t i = first; i < count && i < first + most; i++) {
      write_line(out, s, lines[i].from, lines[i].to, flags);
      if (i + 1 < count && i + 1 < first + most)
        fputc('\n', out);
    }
    if (flags & RD_PAINT_STATUS) {
      if (count)
        fputc('\n', out);
      write_status(out, f, width, flags);
    }
    if (fclose(out) != 0) {
      free(text);
      text = NULL;
    }
  }
  free(lines);
  free(s->cells);
  free(s->text);
  return text;
}

/* Where an answer ends is shown only where text stands after it: it is not part of the answer. */
static bool shows_end(const rd_frame *f, int64_t at) {
  if (at > 0 && f->look[at - 1] == RD_LOOK_END)
    return false;
  for (int64_t i = at; i < f->count; i++)
    if (f->look[i] != RD_LOOK_END && f->look[i] != RD_LOOK_MASKED)
      return true;
  return false;
}

char *rd_frame_paint(const rd_frame *f, int width, int height, unsigned flags) {
  sheet s = {0};
  for (int64_t i = 0; i < f->count; i++)
    if (f->look[i] == RD_LOOK_MASKED)
      put(&s, MASK, sizeof MASK - 1, (cell){.width = 1, .look = RD_LOOK_MASKED});
    else if (f->look[i] == RD_LOOK_END && shows_end(f, i))
      put(&s, END, sizeof END - 1, (cell){.width = 1, .look = RD_LOOK_PLAIN});
    else if (f->look[i] != RD_LOOK_END)
      put_text(&s, f->pieces[i], f->look[i]);
  return paint(&s, f, width > 1 ? width : 2, height, flags);
}

char *rd_text_paint(const char *text, int width) {
  sheet s = {0};
  put_text(&s, text, RD_LOOK_PLAIN);
  return paint(&s, NULL, width > 1 ? width : 2, 0, 0);
}

int rd_text_width(const char *at, size_t size) {
  int columns = 0;
  for (size_t i = 0; i < size;) {
    const char *bytes;
    size_t length;
    int width;
    uint32_t point;
    if (at[i] == '\x1b') {
      while (i < size && at[i] != 'm')
        i++;
      i += i < size;
      continue;
    }
    i += next(at + i, size - i, &bytes, &length, &width, &point);
    columns += width;
  }
  return columns;
}
