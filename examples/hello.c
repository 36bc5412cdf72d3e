/* SPDX-License-Identifier: MIT */
/* A whole program: ask a model, watch the drafts, print the answer.
 *
 *   cc hello.c $(pkg-config --cflags --libs redraft) -o hello
 *   ./hello /usr/local/share/redraft/models/tini "What's the capital of France?" */
#include <redraft.h>

#include <stdio.h>
#include <stdlib.h>

/* Every draft on a line of its own: the text that stands, and how many tokens are new in it. */
static rd_code watch(void *context, const rd_event *event) {
  (void)context;
  if (event->kind != RD_EVENT_DRAFT)
    return RD_OK;
  char *text = rd_event_text(event);
  fprintf(stderr, "%3d: %s (%d new)\n", (int)event->iteration, text ? text : "",
          (int)event->changed_count);
  free(text);
  return RD_OK;
}

int main(int argc, char **argv) {
  rd_error e = {RD_OK, ""};
  rd_model *model = NULL;
  rd_session *session = NULL;
  rd_result result = {0};
  if (argc < 3) {
    fprintf(stderr, "usage: hello MODEL PROMPT [SAMPLER]\n");
    return 2;
  }
  bool good = rd_model_load(&model, argv[1], NULL, &e) == RD_OK &&
              rd_session_open(&session, model, argc > 3 ? argv[3] : "lad", &e) == RD_OK &&
              rd_session_set(session, "seed", "1", &e) == RD_OK &&
              rd_session_set(session, "tokens", "24", &e) == RD_OK &&
              rd_generate(session, argv[2], watch, NULL, &result, &e) == RD_OK;
  if (good)
    printf("%s\n(%d tokens, %d iterations, %s)\n", result.text, (int)result.tokens,
           (int)result.iterations, result.stopped);
  else
    fprintf(stderr, "hello: %s\n", e.message);
  rd_result_drop(&result);
  rd_session_close(&session);
  rd_model_close(&model);
  return good ? 0 : 1;
}
