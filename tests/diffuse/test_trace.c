/* SPDX-License-Identifier: MIT */
/* Events as JSON lines, read back as they were; and what is no trace, said with line and key. */
#include "events.h"
#include "fake_engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { V = 30, MASK = 29, EOS = 28, P = 3 };

/* Every position wants the letter of its number, a little more the more is known around it. */
static void letters(float *logits, int64_t v, const int32_t *ids, int64_t count, int64_t row) {
  for (int64_t i = 0; i < v; i++)
    logits[i] = (float)((i * 7 + row * 3 + count) % 11) * 0.3f;
  logits[row % 26] += ids[row] == MASK ? 3.0f : 4.0f;
}

static char *spell(const void *context, const int32_t *ids, int64_t n) {
  (void)context;
  char *text = malloc((size_t)n + 1);
  for (int64_t i = 0; i < n; i++)
    text[i] = ids[i] == 3 ? (char)0xC3 : ids[i] < 26 ? (char)('a' + ids[i]) : '#';
  text[n] = '\0';
  return text;
}

static char *spell_one(const void *context, int32_t id) {
  return spell(context, &id, 1);
}

typedef struct lines {
  char text[200000];
  size_t used;
} lines;

static rd_code record(void *context, const rd_event *event) {
  lines *l = context;
  char *line = rd_event_json(event);
  assert_non_null(line);
  assert_null(strchr(line, '\n'));
  l->used += (size_t)snprintf(l->text + l->used, sizeof l->text - l->used, "%s\n", line);
  free(line);
  return RD_OK;
}

static void make_trace(lines *l, const char *const *options) {
  rd_error e;
  fake_params f;
  const int32_t prompt[P] = {1, 2, 3};
  if (fake_params_init(&f, options, &e) != RD_OK)
    fail_msg("%s", e.message);
  fake_engine d = fake_open(letters, V);
  rd_draft_setup s = {.params = &f.p,
                      .sampler = f.sampler,
                      .model = "fake",
                      .prompt = prompt,
                      .prompt_count = P,
                      .count = 8,
                      .window = 11,
                      .mask = MASK,
                      .ends = {EOS},
                      .end_count = 1,
                      .vocab = V,
                      .seed = 5,
                      .speller = {.text = spell, .piece = spell_one},
                      .observer = record,
                      .context = l};
  rd_draft *draft;
  l->used = 0;
  assert_int_equal(rd_draft_new(&draft, &s, &e), RD_OK);
  assert_int_equal(rd_draft_run(draft, &d.base, NULL, &e), RD_OK);
  rd_draft_free(&draft);
  fake_close(&d);
  fake_params_drop(&f);
}

/* A trace is written again from what was read: the same bytes but for pieces and text, which need
 * no vocabulary to be read. */
static void traces_read_back_whole(void **state) {
  (void)state;
  static lines l;
  for (size_t k = 0; k < rd_sampler_count; k++) {
    char sampler[40];
    snprintf(sampler, sizeof sampler, "sampler=%s", rd_samplers[k].name);
    const char *options[] = {sampler, NULL};
    make_trace(&l, options);
    rd_trace trace;
    rd_error e;
    if (rd_trace_parse(&trace, l.text, l.used, "t", &e) != RD_OK)
      fail_msg("%s", e.message);
    assert_int_equal(trace.events[0].event.kind, RD_EVENT_START);
    assert_string_equal(trace.events[0].event.sampler, rd_samplers[k].name);
    assert_string_equal(trace.events[0].event.model, "fake");
    assert_int_equal(trace.events[0].event.prompt_count, P);
    const rd_traced *last = &trace.events[trace.count - 1];
    assert_int_equal(last->event.kind, RD_EVENT_DONE);
    assert_true(last->event.iteration > 0);
    char *at = l.text;
    for (size_t i = 0; i < trace.count; i++) {
      char *end = strchr(at, '\n');
      json_t *was = json_loadb(at, (size_t)(end - at), 0, NULL), *is;
      rd_event event = trace.events[i].event;
      is = rd_event_value(&event);
      static const char *const spelt[] = {"text", "pieces"};
      for (int s = 0; s < 2; s++) {
        json_object_del(was, spelt[s]);
        json_object_del(is, spelt[s]);
      }
      json_object_del(was, "confidence"); /* printed with nine digits: compared below */
      json_object_del(is, "confidence");
      json_object_del(was, "seconds");
      json_object_del(is, "seconds");
      assert_true(json_equal(was, is));
      json_decref(was);
      json_decref(is);
      if (event.kind == RD_EVENT_DRAFT)
        for (int64_t p = 0; p < event.count; p++) {
          assert_true(event.confidence[p] >= 0 && event.confidence[p] <= 1);
          if (event.ids[p] != 3)
            assert_int_equal(trace.events[i].pieces[p][0],
                             event.ids[p] < 26 ? 'a' + event.ids[p] : '#');
          else
            assert_string_equal(trace.events[i].pieces[p], "\xEF\xBF\xBD");
        }
      at = end + 1;
    }
    rd_trace_drop(&trace);
  }
}

static void bad_traces_say_where(void **state) {
  (void)state;
#define START                                                                                      \
  "{\"event\":\"start\",\"model\":\"m\",\"sampler\":\"lad\",\"seed\":1,\"window\":9,"              \
  "\"iterations\":2,\"prompt_ids\":[1]}\n"
  static const struct {
    const char *text, *said;
  } cases[] = {
      {"", "no event"},
      {"{\"event\":\"start\"", "line 1"},
      {"[]\n", "event"},
      {"{\"event\":\"noise\",\"iteration\":0,\"ids\":[],\"masked\":[]}", "start"},
      {"{\"event\":\"start\",\"model\":\"m\"}", "sampler"},
      {START START, "line 2: event: a second"},
      {START "{\"event\":\"rain\"}", "rain"},
      {START "{\"event\":\"noise\",\"iteration\":-1,\"ids\":[],\"masked\":[]}", "iteration"},
      {START "{\"event\":\"noise\",\"iteration\":1,\"ids\":[1],\"masked\":[1]}", "masked: entry 0"},
      {START "{\"event\":\"noise\",\"iteration\":1,\"ids\":[-4],\"masked\":[]}", "ids: entry 0"},
      {START "{\"event\":\"noise\",\"iteration\":1,\"ids\":[1e99],\"masked\":[]}", "ids"},
      {START "{\"event\":\"noise\",\"iteration\":1,\"ids\":3,\"masked\":[]}", "ids"},
      {START "{\"event\":\"draft\",\"iteration\":1,\"ids\":[1],\"changed\":[],\"confidence\":[],"
             "\"pieces\":[\"a\"],\"text\":\"a\"}",
       "confidence: 0 entries for 1"},
      {START "{\"event\":\"draft\",\"iteration\":1,\"ids\":[1],\"changed\":[],\"confidence\":[1],"
             "\"pieces\":[7],\"text\":\"a\"}",
       "pieces"},
      {START "{\"event\":\"draft\",\"iteration\":1,\"ids\":[],\"changed\":[],\"confidence\":[],"
             "\"pieces\":[]}",
       "text"},
      {START "{\"event\":\"done\",\"text\":\"\",\"ids\":[],\"tokens\":0,\"iterations\":1,"
             "\"passes\":1,\"stopped\":\"bored\",\"seconds\":1}",
       "bored"},
      {START "{\"event\":\"done\",\"text\":\"\",\"ids\":[],\"tokens\":4,\"iterations\":1,"
             "\"passes\":1,\"stopped\":\"converged\",\"seconds\":1}",
       "tokens"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rd_trace trace;
    rd_error e = {0};
    assert_int_equal(rd_trace_parse(&trace, cases[i].text, strlen(cases[i].text), "t", &e),
                     RD_BAD_INPUT);
    if (!strstr(e.message, cases[i].said))
      fail_msg("case %zu: \"%s\" does not say %s", i, e.message, cases[i].said);
    assert_int_equal(trace.count, 0);
  }
  rd_trace trace;
  rd_error e;
  assert_int_equal(rd_trace_read(&trace, "/nowhere/trace", &e), RD_IO);
  assert_int_equal(rd_trace_parse(&trace, START, strlen(START), "t", &e), RD_OK); /* unfinished */
  rd_trace_drop(&trace);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(traces_read_back_whole),
      cmocka_unit_test(bad_traces_say_where),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
