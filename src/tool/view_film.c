/* SPDX-License-Identifier: MIT */
/* Every frame is a group of lines, shown in its turn: all groups run the same animation, begun
 * earlier by their place in the film. The colours are those of the painted escape sequences. */
#include "view_film.h"

#include "view_frame.h"

#include <stdlib.h>
#include <string.h>

enum { CELL = 9, LINE = 22, LEFT = 20, TOP = 46, MOST_BYTES = 60000 };

rd_code rd_film_add(rd_film *film, char *painted, rd_error *e) {
  rd_code code = painted ? rd_grow_one((void **)&film->frames, film->count, sizeof painted, e)
                         : rd_fail(e, RD_NO_MEMORY, "out of memory: a frame");
  if (code == RD_OK)
    film->frames[film->count++] = painted;
  else
    free(painted);
  return code;
}

void rd_film_drop(rd_film *film) {
  for (size_t i = 0; i < film->count; i++)
    free(film->frames[i]);
  free(film->frames);
  *film = (rd_film){0};
}

/* Text between tags. What XML forbids beside control characters (which are painted as U+FFFD) are
 * U+FFFE and U+FFFF. */
static size_t put_character(FILE *out, const char *at) {
  if (strncmp(at, "\xEF\xBF\xBE", 3) == 0 || strncmp(at, "\xEF\xBF\xBF", 3) == 0) {
    fputs("\xEF\xBF\xBD", out);
    return 3;
  }
  if (*at == '<' || *at == '>' || *at == '&')
    fprintf(out, "&#%d;", *at);
  else
    fputc(*at, out);
  return 1;
}

/* A line as a text element: a change of colour ends a span and may begin one. */
static void put_line(FILE *out, const char *line, size_t size, int y) {
  static const struct {
    const char *code, *name; /* classes of the style sheet; "": plain */
  } colours[] = {{"\x1b[0m", ""},   {"\x1b[2m", "d"},  {"\x1b[31m", "m"}, {"\x1b[32m", "n"},
                 {"\x1b[34m", "l"}, {"\x1b[36m", "r"}, {"\x1b[35m", "a"}, {"\x1b[33m", "o"}};
  bool open = false;
  int columns = rd_text_width(line, size);
  if (columns == 0)
    return;
  fprintf(out, "<text x=\"%d\" y=\"%d\" textLength=\"%d\">", LEFT, y, columns * CELL);
  for (size_t i = 0; i < size;) {
    if (line[i] != '\x1b') {
      i += put_character(out, line + i);
      continue;
    }
    for (size_t c = 0; c < sizeof colours / sizeof *colours; c++)
      if (strncmp(line + i, colours[c].code, strlen(colours[c].code)) == 0) {
        fputs(open ? "</tspan>" : "", out);
        open = *colours[c].name;
        if (open)
          fprintf(out, "<tspan class=\"%s\">", colours[c].name);
      }
    i += strcspn(line + i, "m");
    i += i < size;
  }
  fputs(open ? "</tspan></text>\n" : "</text>\n", out);
}

static int lines_of(const char *text) {
  int lines = 1;
  for (; *text; text++)
    lines += *text == '\n';
  return lines;
}

/* The lines of a frame; the last one always stands at the bottom. */
static void put_frame(FILE *out, const char *text, int lines) {
  for (int row = 0; *text; row++) {
    size_t size = strcspn(text, "\n");
    bool last = text[size] == '\0';
    put_line(out, text, size, TOP + LINE * (last ? lines : row + 1));
    text += size + !last;
  }
}

static void put_head(FILE *out, const rd_film *film, int lines, double seconds, double last) {
  int width = 2 * LEFT + RD_FILM_WIDTH * CELL, height = TOP + LINE * (lines + 1);
  double turn = 100.0 * film->pause / seconds, stay = 100.0 * last / seconds;
  fprintf(out,
          "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
          "height=\"%d\">\n<style>\n"
          "text{font:15px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;"
          "fill:#e6edf3;white-space:pre}\n"
          ".m{fill:#ff7b72}.n{fill:#7ee787}.d{fill:#8b949e}.l{fill:#79c0ff}.r{fill:#76e3ea}"
          ".a{fill:#d2a8ff}.o{fill:#e3b341}\n"
          ".f{visibility:hidden;animation:f %.2fs step-end infinite}\n"
          ".l{visibility:visible;animation:l %.2fs step-end infinite}\n"
          "@keyframes f{0%%{visibility:visible}%.4f%%,100%%{visibility:hidden}}\n"
          "@keyframes l{0%%{visibility:visible}%.4f%%,100%%{visibility:hidden}}\n"
          "@media (prefers-reduced-motion:reduce){.f,.l{animation:none}}\n</style>\n"
          "<rect width=\"%d\" height=\"%d\" rx=\"8\" fill=\"#0d1117\"/>\n",
          width, height, width, height, seconds, seconds, turn, stay < 100 ? stay : 99.9999, width,
          height);
  static const char *const lights[] = {"#ff5f57", "#febc2e", "#28c840"};
  for (int i = 0; i < 3; i++)
    fprintf(out, "<circle cx=\"%d\" cy=\"16\" r=\"5\" fill=\"%s\"/>\n", LEFT + 18 * i, lights[i]);
}

static rd_code put_title(FILE *out, const char *title, rd_error *e) {
  char *clean = title ? rd_text_paint(title, RD_FILM_WIDTH - 2) : NULL;
  if (title && !clean)
    return rd_fail(e, RD_NO_MEMORY, "no memory for the title");
  if (clean) {
    char *line = rd_print("\x1b[32m$\x1b[0m %.*s", (int)strcspn(clean, "\n"), clean);
    if (line)
      put_line(out, line, strlen(line), TOP);
    free(line);
  }
  free(clean);
  return RD_OK;
}

rd_code rd_film_write(const rd_film *film, FILE *out, rd_error *e) {
  size_t bytes = 0, shown = 0, place = 0;
  int lines = 1;
  if (film->count == 0)
    return rd_fail(e, RD_USAGE, "a film needs at least one frame");
  for (size_t i = 0; i < film->count; i++) {
    int here = lines_of(film->frames[i]);
    bytes += strlen(film->frames[i]) + 60 * (size_t)here;
    lines = here > lines ? here : lines;
  }
  size_t step = 1 + bytes / MOST_BYTES, end = film->count - 1;
  for (size_t i = 0; i <= end; i++)
    shown += i % step == 0 || i == end;
  double last = film->pause + 4, seconds = film->pause * (double)(shown - 1) + last;
  put_head(out, film, lines, seconds, last);
  RD_TRY(put_title(out, film->title, e));
  for (size_t i = 0; i <= end; i++) {
    if (i % step != 0 && i != end)
      continue;
    double begun = film->pause * (double)place++ - seconds; /* never before its time: hidden */
    fprintf(out, "<g class=\"%s\" style=\"animation-delay:%.2fs\">\n", i == end ? "l" : "f", begun);
    put_frame(out, film->frames[i], lines);
    fputs("</g>\n", out);
  }
  fputs("</svg>\n", out);
  return ferror(out) ? rd_fail(e, RD_IO, "cannot write the film") : RD_OK;
}
