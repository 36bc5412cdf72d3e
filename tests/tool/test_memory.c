/* SPDX-License-Identifier: MIT */
/* Memory that runs out: every allocation of opening a model, of opening a session and of a first
 * answer fails once, each in turn; so does every one of a training run, of drawing curves, of
 * starting a server, and of requests to it. Each time the answer is RD_NO_MEMORY with a message and
 * nothing made, and the next attempt works; under AddressSanitizer nothing is lost either. The
 * linker puts the functions below in front of malloc and its kin for the project's own code
 * (cmake/tests.cmake: --wrap), and jansson is given them. */
#include "curves.h"
#include "http_ask.h"
#include "scratch_files.h"
#include "server.h"
#include "trainer.h"

#include <redraft.h>

#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* Allocations left before the one that fails; far below zero: none fails. */
static atomic_long left = -1;
static atomic_long made;

static bool fails(void) {
  made++;
  return left >= 0 && left-- == 0;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
void *__real_mmap(void *at, size_t size, int access, int flags, int file, off_t offset);
void *__wrap_mmap(void *at, size_t size, int access, int flags, int file, off_t offset);
int __real_vasprintf(char **out, const char *format, va_list list);
int __wrap_vasprintf(char **out, const char *format, va_list list);

void *__wrap_malloc(size_t size) {
  return fails() ? NULL : __real_malloc(size);
}
void *__wrap_calloc(size_t count, size_t size) {
  return fails() ? NULL : __real_calloc(count, size);
}
void *__wrap_realloc(void *old, size_t size) {
  return fails() ? NULL : __real_realloc(old, size);
}
void *__wrap_aligned_alloc(size_t alignment, size_t size) {
  return fails() ? NULL : __real_aligned_alloc(alignment, size);
}
char *__wrap_strdup(const char *text) {
  return fails() ? NULL : __real_strdup(text);
}
int __wrap_vasprintf(char **out, const char *format, va_list list) {
  return fails() ? -1 : __real_vasprintf(out, format, list);
}

/* Arenas come from here; mapped files are no memory to run out of. */
void *__wrap_mmap(void *at, size_t size, int access, int flags, int file, off_t offset) {
  return (flags & MAP_ANONYMOUS) && fails() ? MAP_FAILED
                                            : __real_mmap(at, size, access, flags, file, offset);
}

/* What is tried, from opening to the end. `step` says how far it came. */
typedef struct trial trial;
typedef rd_code trial_fn(const trial *t, const char **step, rd_error *e);
struct trial {
  const char *name;
  trial_fn *run;
  const char *path, *adapter;
  const char *sampler, *brief; /* of an answer: the option that keeps it short */
  const char *settings[9];     /* of a training run; of an answer its form, or none */
};

static rd_code answer(const trial *t, const char **step, rd_error *e) {
  rd_model *model = NULL;
  rd_session *session = NULL;
  rd_result result = {0};
  *step = "opening the model";
  rd_code code = rd_model_load(&model, t->path, t->adapter, e);
  assert_true((code == RD_OK) == (model != NULL));
  if (code == RD_OK) {
    *step = "opening the session";
    code = rd_session_open(&session, model, t->sampler, e);
    assert_true((code == RD_OK) == (session != NULL));
  }
  const char *const settings[][2] = {{"seed", "1"}, {"window", "24"}, {t->brief, "2"}};
  for (int i = 0; i < 3 && code == RD_OK; i++)
    code = rd_session_set(session, settings[i][0], settings[i][1], e);
  if (code == RD_OK && t->settings[0])
    code = rd_session_set(session, "grammar", t->settings[0], e);
  if (code == RD_OK) {
    *step = "an answer";
    code = rd_generate(session, "ab", NULL, NULL, &result, e);
    rd_result_drop(&result);
  }
  rd_session_close(&session);
  rd_model_close(&model);
  return code;
}

static char folder[64];

/* A run of two updates with a validation and a checkpoint, from which another goes on. */
static rd_code training(const trial *t, const char **step, rd_error *e) {
  rd_train_settings s = {0};
  rd_trainer trainer = {0};
  char text[300];
  *step = "the settings";
  rd_code code = rd_train_settings_default(&s, e);
  for (const char *const *item = t->settings; *item && code == RD_OK; item++)
    code = rd_train_settings_set(&s, *item, e);
  static const char *const own[][2] = {{"data", "rows.jsonl"}, {"out", "run"}};
  for (int i = 0; i < 2 && code == RD_OK; i++) {
    snprintf(text, sizeof text, "%s=%s/%s", own[i][0], folder, own[i][1]);
    code = rd_train_settings_set(&s, text, e);
  }
  snprintf(text, sizeof text, "model=%s", t->path);
  if (code == RD_OK)
    code = rd_train_settings_set(&s, text, e);
  if (code == RD_OK)
    code = rd_train_settings_finish(&s, e);
  if (code == RD_OK) {
    *step = "opening the run";
    code = rd_trainer_open(&trainer, &s, NULL, e);
  }
  if (code == RD_OK) {
    *step = "the run";
    code = rd_trainer_run(&trainer, e);
  }
  rd_trainer_close(&trainer);
  rd_train_settings_drop(&s);
  return code;
}

/* Runs, speeds and results on one drawing, on a terminal and as SVG. */
static rd_code drawing(const trial *t, const char **step, rd_error *e) {
  static rd_code (*const readers[])(rd_curves *, const char *, rd_error *) = {
      rd_curves_read, rd_curves_read_bench, rd_curves_read_eval};
  static const char *const names[] = {"drawn", "speeds.csv", "results.jsonl"};
  rd_code code = RD_OK;
  FILE *out = fopen("/dev/null", "w");
  assert_non_null(out);
  (void)t;
  for (size_t i = 0; i < 3 && code == RD_OK; i++) {
    rd_curves curves = {0};
    *step = names[i];
    code = readers[i](&curves, in(folder, names[i]), e);
    if (code == RD_OK)
      code = rd_curves_text(&curves, out, 40, 8, e);
    if (code == RD_OK)
      code = rd_curves_svg(&curves, "/dev/null", e);
    rd_curves_drop(&curves);
  }
  fclose(out);
  return code;
}

static const rd_server_setup small_server = {
    .host = "127.0.0.1", .most_jobs = 4, .pass_rows = 512, .most_body = 4096, .patience = 600};

/* A server that hears nobody. */
static rd_code serving(const trial *t, const char **step, rd_error *e) {
  rd_model *model = NULL;
  rd_server *server = NULL;
  *step = "opening the model";
  rd_code code = rd_model_load(&model, t->path, NULL, e);
  const rd_service service = {.name = "served", .model = model};
  rd_server_setup setup = small_server;
  setup.catalog = (rd_catalog){.services = &service, .count = 1};
  setup.key = setup.origin = "http://a.example";
  if (code == RD_OK) {
    *step = "opening the server";
    code = rd_server_open(&server, &setup, e);
  }
  rd_server_close(&server, 0, NULL);
  rd_model_close(&model);
  return code;
}

static const trial trials[] = {
    {"drawing", drawing, NULL, NULL, NULL, NULL, {NULL}},
    {"serving", serving, GOLDEN "models/llama-mha", NULL, NULL, NULL, {NULL}},
    {"llama-mha", answer, GOLDEN "models/llama-mha", NULL, "lad", "iterations", {NULL}},
    {"llama-sharded", answer, GOLDEN "models/llama-sharded", NULL, "lad", "iterations", {NULL}},
    {"qwen3",
     answer,
     GOLDEN "models/qwen3",
     GOLDEN "adapters/qwen3-seven",
     "lad",
     "iterations",
     {NULL}},
    {"llama-quant.gguf", answer, GOLDEN "gguf/llama-quant.gguf", NULL, "lad", "iterations", {NULL}},
    {"stories260K.gguf",
     answer,
     RD_SOURCE_DIR "/models/stories260K/stories260K.gguf",
     NULL,
     "ar",
     "tokens",
     {NULL}},
    {"a form",
     answer,
     GOLDEN "models/llama-mha",
     NULL,
     "lad",
     "iterations",
     {"json-schema:{\"properties\":{\"a\":{\"pattern\":\"^[x-z]*$\"},\"b\":{\"maximum\":9}},"
      "\"additionalProperties\":{\"enum\":[1,\"a\"]}}",
      NULL}},
    {"training factors",
     training,
     GOLDEN "models/train-tiny",
     NULL,
     NULL,
     NULL,
     {"overwrite=true", "updates=2", "window=24", "batch=1", "lora_rank=2", "own_drafts=0.5",
      "chat_template=plain", NULL}},
};

static int print_bad(const char *what, long i, long count, const char *step, rd_code code,
                     const rd_error *e) {
  print_error("%s, allocation %ld of %ld, %s: code %d, \"%s\"\n", what, i, count, step, (int)code,
              e->message);
  return 1;
}

/* One attempt in which allocation `fails_at` fails (below 0: none), and one after it. */
typedef struct attempt {
  long made;
  bool failed; /* that allocation was asked for */
  rd_code code, again;
  const char *step;
  rd_error failure, error;
} attempt;

static attempt attempt_of(const trial *t, long fails_at) {
  attempt a = {0};
  const char *step;
  made = 0;
  left = fails_at;
  a.code = t->run(t, &a.step, &a.failure);
  a.failed = left < 0;
  left = -1;
  a.made = made;
  if (t->run == answer || fails_at % 8 == 0) /* a run of training takes its time */
    a.again = t->run(t, &step, &a.error);
  return a;
}

static void memory_runs_out(void **state) {
  const trial *t = *state;
  attempt a = attempt_of(t, -1); /* also prepares what lives as long as the program */
  if (a.code != RD_OK || a.again != RD_OK)
    fail_msg("%s: %s%s", t->name, a.failure.message, a.error.message);
  json_set_alloc_funcs(__real_malloc, free);
  long count = attempt_of(t, -1).made, bad = 0;
  assert_true(count > 20);
  for (long i = 0; i < count; i++) {
    a = attempt_of(t, i);
    if (a.failed ? a.code != RD_NO_MEMORY || !*a.failure.message : a.code != RD_OK)
      bad += print_bad(t->name, i, count, a.step, a.code, &a.failure);
    if (a.again != RD_OK)
      bad += print_bad("the next attempt", i, count, a.step, a.again, &a.error);
  }
  assert_int_equal(bad, 0);
  print_message("%s: %ld allocations failed\n", t->name, count);
}

/* What an answer says, up to the time that it took: its lines of JSON, however it came in pieces.
 */
static const char *said(const char *answer) {
  static char text[1 << 16];
  size_t n = 0;
  for (const char *line = answer, *next; line; line = next) {
    next = strchr(line, '\n');
    next = next ? next + 1 : NULL;
    size_t size = next ? (size_t)(next - line) : strlen(line);
    if (*line == '{' || strncmp(line, "data: ", 6) == 0)
      n += (size_t)snprintf(text + n, sizeof text - n, "%.*s", (int)size, line);
  }
  text[n] = '\0';
  char *time = strstr(text, "\"seconds\"");
  if (time)
    *time = '\0';
  return text;
}

/* Every allocation of a request: the server answers that it cannot, or hangs up, and goes on; what
 * it answers else is what it always answers. */
static void requests_run_out(void **state) {
  (void)state;
  static const struct {
    const char *path, *body;
    bool id; /* of its own in each answer */
  } requests[] = {
      {"/v1/completions",
       "{\"prompt\":\"Hi\",\"window\":24,\"sampler\":\"lad\",\"iterations\":2,\"seed\":1,\"max_"
       "tokens\":8}",
       true},
      {"/api/denoise",
       "{\"prompt\":\"Hi\",\"window\":24,\"sampler\":\"lad\",\"iterations\":2,\"seed\":1}", false},
      {"/v1/chat/completions",
       "{\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},{\"role\":\"user\","
       "\"content\":\"Hi\"}],\"window\":64,\"sampler\":\"lad\",\"iterations\":2,\"seed\":1,\"max_"
       "tokens\":8,\"stop\":[\"x\"],\"stream\":true,\"diffusing\":true}",
       true},
      {"/api/tokenize", "{\"text\":\"Hello there\"}", false},
  };
  rd_model *model = NULL;
  rd_server *server = NULL;
  rd_error e = {0};
  left = -1;
  assert_int_equal(rd_model_load(&model, GOLDEN "models/llama-mha", NULL, &e), RD_OK);
  const rd_service service = {.name = "llama-mha", .model = model};
  rd_server_setup setup = small_server;
  setup.catalog = (rd_catalog){.services = &service, .count = 1};
  assert_int_equal(rd_server_open(&server, &setup, &e), RD_OK);
  for (size_t r = 0; r < sizeof requests / sizeof *requests; r++) {
    long count = 0, refused = 0;
    static char whole[1 << 16];
    for (int warm = 0; warm < 2; warm++) {
      made = 0;
      const char *text = ask(rd_server_url(server), "POST", requests[r].path, requests[r].body, "");
      assert_int_equal(status_of(text), 200);
      snprintf(whole, sizeof whole, "%s", requests[r].id ? "" : said(text));
      count = made;
    }
    for (long i = 0; i < count; i++) {
      left = i;
      const char *text = ask(rd_server_url(server), "POST", requests[r].path, requests[r].body, "");
      left = -1;
      int status = status_of(text);
      if (status != 0 && status != 200 && status != 500 && status != 503)
        fail_msg("%s, allocation %ld of %ld: %.300s", requests[r].path, i, count, text);
      refused += status != 200;
      if (status == 200 && *whole && strcmp(said(text), whole) != 0 && !strstr(text, "\"error\""))
        fail_msg("%s, allocation %ld of %ld: %.2000s", requests[r].path, i, count, text);
      text = ask(rd_server_url(server), "POST", requests[r].path, requests[r].body, "");
      if (status_of(text) != 200)
        fail_msg("%s, after allocation %ld of %ld: %.300s", requests[r].path, i, count, text);
    }
    assert_true(refused > 0);
    print_message("%s: %ld allocations failed, %ld refused\n", requests[r].path, count, refused);
  }
  rd_server_close(&server, 1, NULL);
  rd_model_close(&model);
}

static int make_folder(void **state) {
  (void)state;
  temporary(folder, sizeof folder);
  const char rows[] =
      "{\"prompt\":\"ab\",\"answer\":\"xyz\"}\n{\"prompt\":\"cd\",\"answer\":\"wv\"}\n"
      "{\"prompt\":\"ef\",\"answer\":\"uts\"}\n";
  write_bytes(in(folder, "rows.jsonl"), rows, sizeof rows - 1);
  static const char losses[] = "{\"update\":1,\"loss\":2.5,\"seconds\":1}\n"
                               "{\"update\":2,\"validation_loss\":2.25,\"seconds\":2}\n"
                               "{\"update\":2,\"loss\":2.0,\"seconds\":2}\n";
  static const char speeds[] =
      "case,shape,precision,window,batch,threads,seconds,cpu_seconds,canvas_tokens_per_second,"
      "useful_tokens_per_second,passes_per_answer,flops_per_second,peak_flops_per_second,peak_"
      "fraction,cpu_peak_fraction,time_over_predicted,peak_memory_bytes,bandwidth_bytes_per_second,"
      "machine,commit\n"
      "\"iteration\",\"tini\",\"bf16\",64,1,1,0.0135,0.0073,4742.64,,,8.1e10,1.2e11,0.65,0.64,,3."
      "3e7,9.2e9,\"a\",\"b\"\n"
      "\"iteration\",\"tini\",\"bf16\",256,1,1,0.0634,0.0259,4034.92,,,7.4e10,1.2e11,0.60,0.77,,4."
      "2e7,9.2e9,\"a\",\"b\"\n";
  static const char results[] =
      "{\"task\":\"exact\",\"model\":\"m\",\"sampler\":\"lad\",\"rows\":3,\"iterations\":4,"
      "\"exact\":0.5,\"exact_low\":0.1,\"exact_high\":0.9}\n"
      "{\"task\":\"exact\",\"model\":\"m\",\"sampler\":\"lad\",\"rows\":3,\"iterations\":8,"
      "\"exact\":0.75,\"exact_low\":0.5,\"exact_high\":1}\n";
  if (mkdir(in(folder, "drawn"), 0700) != 0)
    return -1;
  write_bytes(in(folder, "drawn/metrics.jsonl"), losses, sizeof losses - 1);
  write_bytes(in(folder, "speeds.csv"), speeds, sizeof speeds - 1);
  write_bytes(in(folder, "results.jsonl"), results, sizeof results - 1);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  char command[100];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command);
}

int main(void) {
  struct CMUnitTest tests[sizeof trials / sizeof *trials + 1];
  size_t n = sizeof trials / sizeof *trials;
  for (size_t i = 0; i < n; i++) {
    tests[i] = (struct CMUnitTest)cmocka_unit_test_prestate(memory_runs_out, (void *)&trials[i]);
    tests[i].name = trials[i].name;
  }
  tests[n] = (struct CMUnitTest)cmocka_unit_test(requests_run_out);
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
