/* SPDX-License-Identifier: MIT */
/* redraft bench: the machine's own limits first, then iterations, training steps and answers as a
 * fraction of them. */
#include "bench_busy.h"
#include "bench_cases.h"
#include "bench_report.h"
#include "cpu.h"
#include "csv.h"
#include "engine.h"
#include "flops.h"
#include "frame.h"
#include "peak.h"
#include "step.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
  rd_common common;
  char *shape, *windows, *batches, *csv, *commit;
  bool train, sweep, decode;
  int64_t rank, repeats, answers, logits, reuse, written, busy;
  rd_csv *table; /* of --csv, or NULL */
} settings;

static const rd_option rows[] = {
    {"shape", RD_OPTION_AT(settings, shape), .choices = &rd_bench_shapes, .group = "Case",
     .help = "random weights of a named shape instead of a model"},
    {"windows", RD_OPTION_AT(settings, windows), .fallback = "256", .group = "Case",
     .value = "N[+R[:W]],N",
     .help = "tokens in a sequence; +R: with --reuse R, :W: with --written W"},
    {"batches", RD_OPTION_AT(settings, batches), .fallback = "1", .group = "Case", .value = "N,N",
     .help = "sequences in a pass"},
    {"sweep", RD_OPTION_AT(settings, sweep), .group = "Case",
     .help =
         "windows 64,256,1024,4096 with batches 1,4,16; without --precision: once more in int8"},
    {"decode", RD_OPTION_AT(settings, decode), .group = "Case",
     .help =
         "one token after the other: windows of 1 over --reuse positions, or 256, or as many as "
         "there are"},
    {"reuse", RD_OPTION_AT(settings, reuse), .fallback = "0", .max = 1 << 20, .group = "Case",
     .help = "positions before the window that are remembered, so that a pass computes the window "
             "alone"},
    {"written", RD_OPTION_AT(settings, written), .fallback = "0", .max = 1 << 20, .group = "Case",
     .help = "an answer of N tokens behind --reuse positions, in blocks of the window, four passes "
             "over what is remembered each"},
    {"logits", RD_OPTION_AT(settings, logits), .fallback = "0", .max = 1 << 20, .group = "Case",
     .help = "positions of a window whose tokens are proposed, the last ones, as behind a prompt; "
             "0: all"},
    {"busy", RD_OPTION_AT(settings, busy), .fallback = "0", .max = RD_BUSY_MOST, .group = "Case",
     .help = "each case once more beside N busy processes: mean time over mean time without"},
    {"answers", RD_OPTION_AT(settings, answers), .fallback = "3", .max = 1000, .group = "Case",
     .help = "answers to built-in prompts, for a model with a tokenizer"},
    {"train", RD_OPTION_AT(settings, train), .group = "Case",
     .help = "a training step (forward, backward; every weight, or with --rank the adapter's)"},
    {"rank", RD_OPTION_AT(settings, rank), .fallback = "0", .max = 4096, .group = "Case",
     .help = "adapter rank of a training step; 0: all weights"},
    {"repeats", RD_OPTION_AT(settings, repeats), .fallback = "5", .min = 1, .max = 1000,
     .group = "Case", .help = "measurements; the best is reported"},
    {"csv", RD_OPTION_AT(settings, csv), .group = "Output", .value = "FILE",
     .help = "append the rows to a CSV file"},
    {"commit", RD_OPTION_AT(settings, commit), .fallback = RD_VERSION, .group = "Output",
     .value = "NAME", .help = "what was measured, for the rows of --csv and --json"},
};
static const rd_table own_rows = RD_TABLE("option", rows);
const rd_option_part rd_bench_parts[] = {
    {&own_rows, 0}, RD_COMMON_PARTS(settings, common), {NULL, 0}};

/* The limits of the machine. */
typedef struct limits {
  rd_peak f32, bf16, i8;
  double bandwidth;
  char machine[160];
} limits;

static void name_machine(char *out, size_t size) {
  char line[256], model[128] = "unknown processor";
  FILE *f = fopen("/proc/cpuinfo", "re");
  while (f && fgets(line, sizeof line, f))
    if (strncmp(line, "model name", 10) == 0 && strchr(line, ':')) {
      snprintf(model, sizeof model, "%.*s", (int)strcspn(strchr(line, ':') + 2, "\n"),
               strchr(line, ':') + 2);
      break;
    }
  if (f)
    fclose(f);
  snprintf(out, size, "%s, %s", model, rd_cpu_name(rd_cpu_level()));
}

static void measure_limits(limits *l) {
  *l = (limits){.f32 = rd_peak_flops(RD_F32),
                .bf16 = rd_peak_flops(RD_BF16),
                .i8 = rd_peak_flops(RD_I8),
                .bandwidth = rd_peak_bandwidth()};
  name_machine(l->machine, sizeof l->machine);
}

/* Is it measured on a device, whose limits are not the processor's? */
static bool on_device(const rd_model *m) {
  const rd_engine_kind *kind = rd_engine_kind_of(m);
  return kind && kind->device;
}

static rd_peak peak_of(const limits *l, const rd_model *m) {
  const rd_peak peaks[] = {[RD_F32] = l->f32, [RD_BF16] = l->bf16, [RD_I8] = l->i8};
  rd_peak own = peaks[m->precision->arithmetic];
  return own.rate > 0 ? own : l->f32;
}

/* What is measured: every window with every batch. */
enum { MOST_NUMBERS = 16 };
typedef struct window {
  int64_t count, reuse, written;
} window;
typedef struct cases {
  window windows[MOST_NUMBERS];
  int64_t batches[MOST_NUMBERS];
  int window_count, batch_count;
  int reusing, writing; /* windows that say so themselves, whatever --reuse and --written are */
} cases;

enum { MOST_NUMBER = 1 << 20 };

/* Nothing is left behind the last that there is room for. */
static rd_code check_count(int count, const char *rest, const char *name, rd_error *e) {
  return count == MOST_NUMBERS && *rest
           ? rd_fail(e, RD_USAGE, "--%s: more than %d", name, MOST_NUMBERS)
           : RD_OK;
}

static rd_code numbers(const char *text, const char *name, int64_t *out, int *count, rd_error *e) {
  *count = 0;
  for (const char *at = text; *at && *count < MOST_NUMBERS;) {
    char *end = NULL;
    long n = strtol(at, &end, 10);
    if (end == at || n < 1 || n > MOST_NUMBER || (*end && *end != ','))
      return rd_fail(e, RD_USAGE, "--%s: expected numbers with commas between, found %s", name,
                     text);
    out[(*count)++] = n;
    at = *end ? end + 1 : end;
    RD_TRY(check_count(*count, at, name, e));
  }
  return *count > 0 ? RD_OK : rd_fail(e, RD_USAGE, "--%s: no number", name);
}

/* Windows with what is remembered before each, and written behind that. */
static rd_code read_windows(cases *c, const char *text, const settings *s, rd_error *e) {
  for (const char *at = text; *at && c->window_count < MOST_NUMBERS;) {
    window *w = &c->windows[c->window_count++];
    *w = (window){.reuse = s->reuse, .written = s->written};
    char *end = NULL;
    w->count = strtol(at, &end, 10);
    bool is = end != at;
    if (is && *end == '+') {
      w->reuse = strtol(at = end + 1, &end, 10);
      c->reusing++;
    }
    if (is && *end == ':') {
      w->written = strtol(at = end + 1, &end, 10);
      c->writing++;
    }
    is = is && end != at && w->count > 0 && w->count <= MOST_NUMBER && w->reuse >= 0 &&
         w->reuse <= MOST_NUMBER && w->written >= 0 && w->written <= MOST_NUMBER;
    if (!is || (*end && *end != ','))
      return rd_fail(e, RD_USAGE,
                     "--windows: expected numbers with commas between, each alone or as N+R or "
                     "N+R:W, found %s",
                     text);
    at = *end ? end + 1 : end;
    RD_TRY(check_count(c->window_count, at, "windows", e));
  }
  return c->window_count > 0 ? RD_OK : rd_fail(e, RD_USAGE, "--windows: no number");
}

static rd_code read_cases(cases *c, const settings *s, rd_error *e) {
  *c = (cases){0};
  RD_TRY(read_windows(c, s->sweep ? "64,256,1024,4096" : s->decode ? "1" : s->windows, s, e));
  if (c->reusing == c->window_count)
    RD_TRY(rd_tool_refuse(&s->common, "reuse", "where every window has its own: N+R", e));
  if (c->writing == c->window_count)
    RD_TRY(rd_tool_refuse(&s->common, "written", "where every window has its own: N+R:W", e));
  for (int i = 0; i < c->window_count; i++) {
    const window *w = &c->windows[i];
    if (s->train && (s->decode || w->reuse > 0))
      return rd_fail(e, RD_USAGE, "--train remembers nothing: without --decode and --reuse");
    const bool alone = w->reuse == 0 && !s->decode; /* which chooses a number */
    if (w->written > 0 && (s->train || alone || w->written % w->count != 0))
      return rd_fail(e, RD_USAGE,
                     "--written %lld: whole blocks of --windows (%lld) behind --reuse positions "
                     "(%lld), without --train",
                     (long long)w->written, (long long)w->count, (long long)w->reuse);
    if ((s->train || w->written > 0) && s->logits > 0)
      return rd_fail(e, RD_USAGE,
                     "--logits is for passes; a training step and an answer want every position");
  }
  return numbers(s->sweep ? "1,4,16" : s->batches, "batches", c->batches, &c->batch_count, e);
}

static int64_t positions_of(const window *w) {
  return w->reuse + (w->written > 0 ? w->written : w->count);
}

/* One token after the other, unless said otherwise, over 256 positions or as many as there are. */
static void choose_reuse(const settings *s, cases *c, const rd_model *m) {
  enum { DECODED_OVER = 256 };
  for (int i = 0; i < c->window_count && s->decode && s->reuse == 0; i++) {
    const int64_t most = m->config.positions - positions_of(&c->windows[i]);
    c->windows[i].reuse = most >= DECODED_OVER ? DECODED_OVER : most > 0 ? most : 1;
  }
}

/* Windows that the model has no positions for; a sweep leaves them out. */
static rd_code check_positions(const settings *s, const cases *c, const rd_model *m, rd_error *e) {
  for (int i = 0; i < c->window_count && !s->sweep; i++) {
    const window *w = &c->windows[i];
    if (w->reuse > 0 && positions_of(w) > m->config.positions)
      return rd_fail(
          e, RD_USAGE,
          "%lld positions behind %lld that are remembered: %s knows %lld in all; --reuse "
          "takes fewer",
          (long long)(positions_of(w) - w->reuse), (long long)w->reuse, m->name,
          (long long)m->config.positions);
  }
  return RD_OK;
}

static rd_code emit(const settings *s, const rd_bench_row *row, rd_error *e) {
  if (s->common.json)
    rd_bench_json(stdout, row);
  else
    rd_bench_line(stdout, row);
  if (!s->table)
    return RD_OK;
  json_t *object = rd_bench_object(row, true);
  rd_code code = rd_csv_append(s->table, object, e);
  json_decref(object);
  return code;
}

static rd_bench_row row_of(const settings *s, const rd_model *m, const limits *l,
                           const char *kind) {
  return (rd_bench_row){.kind = kind,
                        .shape = s->shape ? s->shape : m->name,
                        .precision = m->precision->name,
                        .machine = l->machine,
                        .commit = s->commit,
                        .batch = 1,
                        .threads = rd_threads_get(),
                        .peak = on_device(m) ? 0 : peak_of(l, m).rate,
                        .bandwidth = on_device(m) ? 0 : l->bandwidth,
                        .memory = rd_bench_memory()};
}

/* What `measure` takes beside busy processes, over `alone` seconds. */
typedef rd_code measurement(void *context, double *seconds, rd_error *e);
static rd_code beside(double *ratio, const settings *s, double alone, measurement *measure,
                      void *context, rd_error *e) {
  rd_busy busy;
  double seconds = 0;
  if (s->busy == 0)
    return RD_OK;
  RD_TRY(rd_busy_start(&busy, (int)s->busy, e));
  const rd_code code = measure(context, &seconds, e);
  rd_busy_stop(&busy);
  *ratio = seconds / alone;
  return code;
}

typedef struct one_case {
  const rd_model *model;
  rd_bench_what what;
  rd_bench_time time;
} one_case;

static rd_code measure_case(void *context, double *mean, rd_error *e) {
  one_case *c = context;
  RD_TRY(rd_bench_case(&c->time, c->model, &c->what, e));
  *mean = c->time.mean;
  return RD_OK;
}

static const char *kind_of(const settings *s, const window *w) {
  return s->train                      ? s->rank > 0 ? "train-lora" : "train"
       : w->written > 0                ? "written"
       : w->count == 1 && w->reuse > 0 ? "decode"
       : w->reuse > 0                  ? "reuse"
                                       : "iteration";
}

/* What counts for a whole answer, in place of its operations. */
static void describe_written(rd_bench_row *row, const rd_bench_what *w, double weights) {
  row->passes = (double)(w->written / w->window * RD_BENCH_BLOCK);
  row->canvas_rate = row->useful_rate = (double)(w->written * w->batch) / row->seconds;
  row->weights_rate = weights * row->passes / row->seconds;
  row->flops_rate = row->fraction = row->cpu_fraction = row->growth = 0;
}

static double flops_of(const rd_config *c, const rd_bench_what *w) {
  return w->train ? rd_flops_step(c, w->window, w->batch, w->window * w->batch, w->rank)
                  : rd_flops_pass(c, w->reuse, w->window, w->batch, w->logits * w->batch);
}

/* Windows inside batches, so that each batch's first window predicts the others. */
static rd_code measure_cases(const settings *s, const cases *c, const rd_model *m, const limits *l,
                             rd_error *e) {
  double first = 0;
  for (int i = 0; i < c->window_count * c->batch_count; i++) {
    const window *w = &c->windows[i % c->window_count];
    const int64_t batch = c->batches[i / c->window_count];
    if (s->sweep && positions_of(w) > m->config.positions)
      continue;
    const int64_t logits = s->logits > 0 && s->logits < w->count ? s->logits : w->count;
    one_case at = {m,
                   {w->count, batch, logits, w->reuse, w->written, s->rank, s->repeats, s->train},
                   {0, 0, 0}};
    double flops = flops_of(&m->config, &at.what), alone = 0;
    rd_bench_memory_reset();
    RD_TRY(measure_case(&at, &alone, e));
    const rd_bench_time best = at.time;
    rd_bench_row row = row_of(s, m, l, kind_of(s, w));
    row.window = (double)w->count;
    row.reuse = (double)w->reuse;
    row.batch = (double)batch;
    row.seconds = best.seconds;
    row.cpu_seconds = best.cpu_seconds;
    row.canvas_rate = (double)(w->count * batch) / best.seconds;
    row.flops_rate = flops / best.seconds;
    row.fraction = row.peak > 0 ? row.flops_rate / row.peak : 0;
    const bool device = on_device(m);
    const double pace = device ? row.flops_rate : flops / best.cpu_seconds / peak_of(l, m).cpu_rate;
    row.cpu_fraction = device ? 0 : pace;
    row.weights_rate = s->train ? 0 : rd_bench_weights(m) / best.seconds;
    if (i % c->window_count == 0)
      first = pace;
    else
      row.growth = first / pace;
    if (w->written > 0)
      describe_written(&row, &at.what, rd_bench_weights(m));
    RD_TRY(beside(&row.beside, s, alone, measure_case, &at, e));
    RD_TRY(emit(s, &row, e));
  }
  return RD_OK;
}

typedef struct answers {
  rd_model *model;
  int64_t count;
  rd_bench_answer sum;
} answers;

static rd_code answer(void *context, double *mean, rd_error *e) {
  answers *a = context;
  RD_TRY(rd_bench_answers(&a->sum, a->model, a->count, e));
  *mean = a->sum.seconds / (double)a->sum.answers;
  return RD_OK;
}

static rd_code measure_answers(const settings *s, rd_model *m, const limits *l, rd_error *e) {
  answers at = {m, s->answers, {0}};
  double alone = 0;
  if (s->train || s->decode || s->reuse > 0 || s->answers == 0 || !m->tokenizer)
    return RD_OK;
  rd_bench_memory_reset();
  RD_TRY(answer(&at, &alone, e));
  const rd_bench_answer *a = &at.sum;
  rd_bench_row row = row_of(s, m, l, "answer");
  row.window = (double)a->window;
  row.seconds = alone;
  row.useful_rate = (double)a->tokens / a->seconds;
  row.passes = (double)a->passes / (double)a->answers;
  RD_TRY(beside(&row.beside, s, alone, answer, &at, e));
  return emit(s, &row, e);
}

static rd_code open_model(rd_model **out, const settings *s, const char *name, rd_error *e) {
  char copy[16];
  snprintf(copy, sizeof copy, "%s", name);
  rd_common common = s->common;
  common.precision = copy;
  if (!s->shape) {
    RD_TRY(rd_tool_open(out, &common, e));
  } else {
    RD_TRY(rd_bench_shape(out, s->shape, name, e));
    (*out)->engine = common.engine ? rd_strdup(common.engine, e) : NULL;
    if (!(*out)->engine && common.engine)
      return RD_NO_MEMORY;
  }
  return s->decode ? rd_tool_lay_out(*out, &common, e) : RD_OK;
}

/* All cases of an open model, which is closed. */
static rd_code measure_model(rd_model *m, const settings *s, const cases *c, const limits *l,
                             rd_error *e) {
  rd_code code = RD_OK;
  if (s->answers > 0 && !m->tokenizer)
    code = rd_tool_refuse(&s->common, "answers", "to a model without a tokenizer", e);
  if (code == RD_OK)
    code = measure_cases(s, c, m, l, e);
  if (code == RD_OK)
    code = measure_answers(s, m, l, e);
  rd_model_close(&m);
  return code;
}

/* An option that would change nothing beside the others is not passed over. */
static rd_code check_meaning(const settings *s, rd_error *e) {
  const rd_common *c = &s->common;
  if (s->shape)
    RD_TRY(rd_tool_refuse(c, "model adapter chat-template mask-token",
                          "beside --shape, whose weights are random", e));
  if (s->sweep)
    RD_TRY(rd_tool_refuse(c, "windows batches decode", "beside --sweep, which has its own", e));
  if (s->decode)
    RD_TRY(rd_tool_refuse(c, "windows", "beside --decode, whose windows are of one token", e));
  if (!s->train)
    RD_TRY(rd_tool_refuse(c, "rank", "without --train: it is the adapter's that is trained", e));
  if (!s->csv && !c->json)
    RD_TRY(rd_tool_refuse(c, "commit", "without --csv and --json: the table does not show it", e));
  if (s->answers > 0 && (s->shape || s->train || s->decode || s->reuse > 0))
    RD_TRY(rd_tool_refuse(c, "answers", "beside --shape, --train, --decode and --reuse", e));
  return RD_OK;
}

static rd_code measure_all(const settings *s, rd_error *e) {
  limits l;
  cases c;
  RD_TRY(read_cases(&c, s, e));
  rd_model *m = NULL;
  const rd_precision *precision = NULL;
  RD_TRY(rd_precision_find(&precision, s->common.precision, e));
  if (s->train && precision->arithmetic == RD_I8)
    return rd_fail(e, RD_USAGE, "%s is for inference; --train takes f32 or bf16", precision->name);
  const char *name = s->common.precision;
  if (s->train) {
    const rd_step_kind *kind = NULL;
    RD_TRY(rd_step_kind_find(&kind, s->common.engine, e));
    name = rd_dtype_name(rd_precision_trained(precision, kind->device));
  }
  RD_TRY(open_model(&m, s, name, e));
  choose_reuse(s, &c, m);
  rd_code code = check_positions(s, &c, m, e);
  if (code != RD_OK) {
    rd_model_close(&m);
    return code;
  }
  measure_limits(&l);
  if (!s->common.json) {
    printf("%s, %d threads: f32 %.0f, bf16 %.0f GFLOP/s, int8 %.0f Gop/s, memory %.1f GB/s\n\n",
           l.machine, rd_threads_get(), l.f32.rate / 1e9, l.bf16.rate / 1e9, l.i8.rate / 1e9,
           l.bandwidth / 1e9);
    rd_bench_head(stdout);
  }
  RD_TRY(measure_model(m, s, &c, &l, e));
  bool again = s->sweep && !s->train && strcmp(s->common.precision, "auto") == 0 && l.i8.rate > 0;
  if (!again)
    return RD_OK;
  RD_TRY(open_model(&m, s, "int8", e));
  return measure_model(m, s, &c, &l, e);
}

static rd_code run(void *context, char **names, rd_error *e) {
  settings *s = context;
  const rd_bench_row none = {.kind = "", .shape = "", .precision = "", .machine = "", .commit = ""};
  (void)names;
  RD_TRY(check_meaning(s, e));
  if (!s->csv)
    return measure_all(s, e);
  rd_csv table;
  json_t *columns = rd_bench_object(&none, true);
  s->table = &table;
  rd_code code = rd_csv_open(&table, s->csv, NULL, NULL, e);
  if (code == RD_OK)
    code = rd_csv_fits(&table, columns, e);
  json_decref(columns);
  if (code == RD_OK)
    code = measure_all(s, e);
  rd_csv_close(&table);
  return code;
}

rd_code rd_cmd_bench(const rd_command *self, int argc, char **argv, rd_error *e) {
  settings s = {0};
  return rd_tool_command(self, &s, 0, argc, argv, run, e);
}
