/* SPDX-License-Identifier: MIT */
/* redraft replay: a trace shown again, forwards and backwards. Every picture is built from the
 * trace alone: the start, the draft before, the noise on it. */
#include "events.h"
#include "file.h"
#include "frame.h"
#include "input.h"
#include "interrupt.h"
#include "recheck.h"
#include "view_ending.h"
#include "view_film.h"
#include "view_frame.h"
#include "view_terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct settings {
  rd_common common;
  double pause;
  char *svg, *title;
  bool watch, step, check;
} settings;

#define AT(member) RD_OPTION_AT(settings, member)
static const rd_option rows[] = {
    {"pause", AT(pause), .fallback = "0.3", .max = 3600, .group = "View", .value = "SECONDS",
     .help = "time between drafts"},
    {"step", AT(step), .group = "View",
     .help = "do not play: space = next, b or left = back, p = play, q = quit"},
    {"watch", AT(watch), .fallback = "true", .group = "View",
     .help = "show every draft; --no-watch: the final text alone"},
    {"svg", AT(svg), .group = "View", .value = "FILE",
     .help = "write an animated picture too, for web pages and READMEs"},
    {"title", AT(title), .group = "View", .value = "TEXT",
     .help = "line above the drafts of --svg"},
    {"check", AT(check), .group = "Trace",
     .help =
         "make the drafts again, with the same model, options and seed, and compare every token"},
    {"json", AT(common.json), .group = "Program", .help = "the events, one a line"},
};
static const rd_table own_rows = RD_TABLE("option", rows);
const rd_option_part rd_replay_parts[] = {
    {&own_rows, 0}, RD_COMMON_PARTS(settings, common), {NULL, 0}};

/* The texts of a noise's tokens: those that the drafts around it have in the same places. */
static rd_code noise_pieces(const rd_trace *trace, size_t at, char ***out, rd_error *e) {
  static char nothing[] = "";
  const rd_event *event = &trace->events[at].event;
  char **pieces = rd_calloc((size_t)event->count + 1, sizeof *pieces, "a picture", e);
  *out = pieces;
  if (!pieces)
    return RD_NO_MEMORY;
  for (int64_t i = 0; i < event->count; i++)
    pieces[i] = nothing;
  for (size_t k = at > 0 ? at - 1 : 0; k <= at + 1 && k < trace->count; k++) {
    const rd_traced *near = &trace->events[k];
    for (int64_t i = 0; near->pieces && i < event->count && i < near->event.count; i++)
      if (near->event.ids[i] == event->ids[i])
        pieces[i] = near->pieces[i];
  }
  return RD_OK;
}

static rd_code take(rd_frame *f, const rd_trace *trace, size_t at, rd_error *e) {
  const rd_traced *t = &trace->events[at];
  if (t->event.kind != RD_EVENT_NOISE)
    return rd_frame_event(f, &t->event, t->pieces, e);
  char **pieces = NULL;
  rd_code code = noise_pieces(trace, at, &pieces, e);
  if (code == RD_OK)
    code = rd_frame_event(f, &t->event, pieces, e);
  free(pieces);
  return code;
}

/* The picture at event `at`: what it needs of the events before. */
static rd_code frame_at(rd_frame *f, const rd_trace *trace, size_t at, rd_error *e) {
  size_t draft = at, noise = 1;
  while (draft > 0 && trace->events[draft].event.kind != RD_EVENT_DRAFT)
    draft--;
  while (noise < at && trace->events[noise].event.masked_count == 0)
    noise++;
  RD_TRY(take(f, trace, 0, e));
  if (noise < at && noise != draft)
    RD_TRY(take(f, trace, noise, e));
  if (draft > 0 && draft < at)
    RD_TRY(take(f, trace, draft, e));
  return at > 0 ? take(f, trace, at, e) : RD_OK;
}

/* The id that ends answers: what stands behind the finished one in the last draft. NULL where there
 * is none. */
static const int32_t *find_end(const rd_trace *trace) {
  const rd_event *done = &trace->events[trace->count - 1].event;
  if (done->kind != RD_EVENT_DONE || trace->count < 2)
    return NULL;
  const rd_event *last = &trace->events[trace->count - 2].event;
  if (last->kind != RD_EVENT_DRAFT || last->count <= done->count)
    return NULL;
  const int32_t *end = &last->ids[done->count];
  for (size_t i = 0; i < trace->count; i++) {
    const rd_event *event = &trace->events[i].event;
    if (event->masked_count > 0 && event->ids[event->masked[0]] == *end)
      return NULL; /* a mask that was never filled */
  }
  return end;
}

static rd_frame frame_of(const rd_trace *trace) {
  const int32_t *end = find_end(trace);
  return (rd_frame){.ends = end, .end_count = end ? 1 : 0};
}

static rd_code show(rd_frame *f, const rd_trace *trace, size_t at, unsigned flags, rd_error *e) {
  int width, height;
  RD_TRY(frame_at(f, trace, at, e));
  rd_terminal_size(&width, &height);
  f->hint = "space next  b back  p play  q quit";
  char *text = rd_frame_paint(f, width, height, flags);
  if (!text)
    return rd_fail(e, RD_NO_MEMORY, "no memory to show the draft");
  rd_terminal_show(text);
  free(text);
  return RD_OK;
}

/* The next event in a direction that has a picture of its own, or `at` where there is none. */
static size_t move(const rd_trace *trace, size_t at, int by) {
  for (size_t k = at + (size_t)by; k > 0 && k < trace->count; k += (size_t)by)
    if (trace->events[k].event.kind == RD_EVENT_DRAFT ||
        trace->events[k].event.kind == RD_EVENT_NOISE)
      return k;
  return at;
}

/* What a key does: where to go, and whether the replay then runs by itself. */
static size_t obey(const rd_trace *trace, size_t at, int key, bool *playing) {
  static const struct {
    int key, by;
  } moves[] = {{' ', 1},          {'n', 1},
               {'l', 1},          {RD_KEY_RIGHT, 1},
               {'b', -1},         {'h', -1},
               {RD_KEY_LEFT, -1}, {0x7F, -1},
               {'g', INT16_MIN},  {RD_KEY_HOME, INT16_MIN},
               {'G', INT16_MAX},  {RD_KEY_END, INT16_MAX}};
  if (key == 'p')
    *playing = !*playing;
  for (size_t i = 0; i < sizeof moves / sizeof *moves; i++) {
    if (moves[i].key != key)
      continue;
    *playing = false;
    size_t last;
    do {
      last = at;
      at = move(trace, at, moves[i].by > 0 ? 1 : -1);
    } while (at != last && abs(moves[i].by) > 1);
  }
  return at;
}

static rd_code play(const settings *s, const rd_trace *trace, unsigned flags, rd_error *e) {
  rd_frame f = frame_of(trace);
  bool keys = rd_terminal_able(STDIN_FILENO), playing = !s->step;
  size_t at = move(trace, 0, 1);
  rd_interrupt_open();
  rd_code code = rd_terminal_open(keys || s->step, e);
  for (int key = RD_KEY_NONE; code == RD_OK && key != 'q' && key != RD_KEY_CLOSED;) {
    code = show(&f, trace, at, flags, e);
    if (code != RD_OK)
      break;
    key = rd_terminal_key(playing ? s->pause : -1);
    if (key == RD_KEY_SIGNAL)
      code = rd_fail(e, RD_CANCELLED, "interrupted");
    size_t before = at;
    at = key == RD_KEY_NONE ? move(trace, at, 1) : obey(trace, at, key, &playing);
    if (key == RD_KEY_NONE && at == before) {
      playing = false;
      key = keys ? key : 'q';
    }
  }
  rd_terminal_leave("");
  rd_terminal_close();
  rd_interrupt_close();
  rd_frame_drop(&f);
  return code;
}

/* Every draft as text on standard error, for logs and dumb terminals. */
static rd_code list(const rd_trace *trace, unsigned flags, rd_error *e) {
  rd_frame f = frame_of(trace);
  rd_code code = RD_OK;
  for (size_t at = move(trace, 0, 1), last = 0; code == RD_OK && at != last;
       last = at, at = move(trace, at, 1)) {
    code = frame_at(&f, trace, at, e);
    char *text = code == RD_OK ? rd_frame_paint(&f, 80, 0, flags) : NULL;
    if (text)
      fprintf(stderr, "%s\n\n", text);
    free(text);
  }
  rd_frame_drop(&f);
  return code;
}

static void finish(const settings *s, const rd_trace *trace) {
  const rd_traced *last = &trace->events[trace->count - 1];
  rd_ending_text(last->text ? last->text : "");
  if (last->event.kind != RD_EVENT_DONE)
    fputs("the trace ends before the generation did\n", stderr);
  else if (!s->common.quiet) {
    rd_ending_summary(&last->event, &trace->events[0].event.seed, 0);
    rd_ending_warn(last->event.warning);
  }
}

/* The last frame: the answer as it stands. */
static char *final_frame(const rd_traced *last) {
  const rd_event *done = &last->event;
  char *text = rd_text_paint(last->text ? last->text : "", RD_FILM_WIDTH);
  const char *still = done->converged ? "" : ", \x1b[31mstill changing";
  char *frame =
      text ? rd_print("%s\n\x1b[2m%lld tokens, %lld iterations, %s%s\x1b[0m", text,
                      (long long)done->count, (long long)done->iteration, done->stopped, still)
           : NULL;
  free(text);
  return frame;
}

static rd_code write_film(const void *film, FILE *out, rd_error *e) {
  return rd_film_write(film, out, e);
}

/* Every draft as a frame of a film; where the trace is whole, the answer after them. */
static rd_code film(const settings *s, const rd_trace *trace, rd_error *e) {
  rd_frame f = frame_of(trace);
  rd_film out = {.title = s->title, .pause = s->pause};
  const rd_traced *end = &trace->events[trace->count - 1];
  rd_code code = RD_OK;
  for (size_t at = move(trace, 0, 1), last = 0; code == RD_OK && at != last;
       last = at, at = move(trace, at, 1)) {
    code = frame_at(&f, trace, at, e);
    if (code == RD_OK)
      code = rd_film_add(
          &out, rd_frame_paint(&f, RD_FILM_WIDTH, 24, RD_PAINT_COLOUR | RD_PAINT_STATUS), e);
  }
  if (code == RD_OK && end->event.kind == RD_EVENT_DONE)
    code = rd_film_add(&out, final_frame(end), e);
  if (code == RD_OK)
    code = rd_file_draw(s->svg, write_film, &out, e);
  rd_film_drop(&out);
  rd_frame_drop(&f);
  return code;
}

/* The checked trace as it was written. */
static rd_code copy(const char *path, rd_error *e) {
  rd_map map;
  RD_TRY(rd_map_open(&map, path, e));
  fwrite(map.data, 1, map.size, stdout);
  rd_map_close(&map);
  return RD_OK;
}

/* The drafts made again, and a line that says so. */
static rd_code check(settings *s, const char *path, rd_error *e) {
  int64_t drafts = 0;
  rd_code code = rd_trace_check(path, &s->common, &drafts, e);
  if (code == RD_OK && s->common.json)
    printf("{\"same\":true,\"drafts\":%lld}\n", (long long)drafts);
  else if (code == RD_OK)
    printf("%s: %lld drafts made again, token for token\n", path, (long long)drafts);
  return code;
}

static rd_code run(const settings *s, const char *path, rd_error *e) {
  rd_trace trace;
  unsigned flags;
  RD_TRY(rd_trace_read(&trace, path, e));
  rd_watching watching =
      rd_watching_choose(s->watch && !s->common.json && !s->svg,
                         rd_option_given(s->common.options, "watch") || s->step, &flags);
  rd_code code = s->svg ? film(s, &trace, e) : RD_OK;
  if (code == RD_OK && watching == RD_WATCH_REDRAW)
    code = play(s, &trace, flags, e);
  else if (code == RD_OK && watching == RD_WATCH_LINES)
    code = list(&trace, flags, e);
  if (code == RD_OK && s->common.json)
    code = copy(path, e);
  else if (code == RD_OK)
    finish(s, &trace);
  rd_trace_drop(&trace);
  return code;
}

static rd_code work(void *context, char **names, rd_error *e) {
  int count = 0;
  while (names[count])
    count++;
  if (count != 1)
    return rd_fail(e, RD_USAGE, "expected one trace, as generate --trace FILE writes it; got %d",
                   count);
  settings *s = context;
  RD_TRY(rd_tool_no_dash(names[0], "standard input cannot be replayed: name the trace's file", e));
  if (s->check && s->svg)
    return rd_fail(e, RD_USAGE, "--check draws nothing: it goes without --svg");
  RD_TRY(rd_path_apart(s->svg, names[0], e));
  return s->check ? check(s, names[0], e) : run(s, names[0], e);
}

rd_code rd_cmd_replay(const rd_command *self, int argc, char **argv, rd_error *e) {
  settings s = {0};
  return rd_tool_command(self, &s, -1, argc, argv, work, e);
}
