/* SPDX-License-Identifier: MIT */
/* redraft serve: the page and the API on a socket, until SIGTERM or SIGINT. */
#include "answer.h"
#include "file.h"
#include "served.h"
#include "server.h"
#include "stop.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct settings {
  rd_common common;
  char *host, *key, *origin, *certificate, *private_key;
  int64_t port, queue, rows, body;
  double grace, patience;
  char *alias;
  bool open, any;
  rd_params params;
} settings;

static const rd_option rows[] = {
    {"host", RD_OPTION_AT(settings, host), .fallback = "127.0.0.1", .group = "Server",
     .value = "NAME", .help = "address to listen on; 0.0.0.0: every one of this machine"},
    {"port", RD_OPTION_AT(settings, port), .fallback = "8080", .max = 65535, .group = "Server",
     .value = "N", .help = "port to listen on; 0: any"},
    {"api-key", RD_OPTION_AT(settings, key), .group = "Server", .value = "KEY",
     .help = "asked of clients as Authorization: Bearer KEY; without it $REDRAFT_API_KEY, or none"},
    {"max-queue", RD_OPTION_AT(settings, queue), .fallback = "128", .min = 1, .max = 4096,
     .group = "Server", .value = "N",
     .help = "drafts under way at most; more are refused with 429"},
    {"max-batch-tokens", RD_OPTION_AT(settings, rows), .fallback = "2048", .min = 16,
     .max = 1048576, .group = "Server", .value = "N",
     .help = "tokens that share one model pass at most"},
    {"max-body", RD_OPTION_AT(settings, body), .fallback = "1048576", .min = 1024,
     .max = 1073741824, .group = "Server", .value = "BYTES", .help = "size of a request at most"},
    {"request-timeout", RD_OPTION_AT(settings, patience), .fallback = "30", .min = 0.1, .max = 3600,
     .group = "Server", .value = "SECONDS",
     .help = "time for a request to arrive whole; late ones get 408"},
    {"cors", RD_OPTION_AT(settings, origin), .group = "Server", .value = "ORIGIN",
     .help = "another site whose pages may use this server; *: every one"},
    {"tls-cert", RD_OPTION_AT(settings, certificate), .group = "Server", .value = "FILE",
     .help = "serve HTTPS with this certificate (PEM); --tls-key goes with it"},
    {"tls-key", RD_OPTION_AT(settings, private_key), .group = "Server", .value = "FILE",
     .help = "the certificate's private key (PEM)"},
    {"grace", RD_OPTION_AT(settings, grace), .fallback = "5", .max = 3600, .group = "Server",
     .value = "SECONDS", .help = "time for answers under way when the server is told to stop"},
    {"model", RD_OPTION_AT(settings, common.model), .letter = 'm', .many = true, .group = "Model",
     .value = "[NAME=]PATH",
     .help = "as elsewhere; several -m serve several models, each under the last part of its path "
             "or its NAME"},
    {"adapter", RD_OPTION_AT(settings, common.adapter), .many = true, .group = "Model",
     .value = "[NAME=]DIR",
     .help = "a LoRA adapter in PEFT's layout, served beside its model under a name of its own; "
             "without it the one in the model's folder adapter/; none: no adapter"},
    {"alias", RD_OPTION_AT(settings, alias), .many = true, .group = "Model", .value = "NAME",
     .help = "what clients call the model; given again, the next one"},
    {"any-model", RD_OPTION_AT(settings, any), .group = "Model",
     .help = "clients may ask for a model of any name; they get the first"},
    {"open", RD_OPTION_AT(settings, open), .group = "Server",
     .help = "show the page in the browser"},
};
static const rd_table own_rows = RD_TABLE("option", rows);
const rd_option_part rd_serve_parts[] = {{&own_rows, 0},
                                         RD_COMMON_PARTS(settings, common),
                                         {&rd_sampler_rows, offsetof(settings, params)},
                                         {NULL, 0}};

static void log_line(void *context, const char *line) {
  (void)context;
  fprintf(stderr, "%s\n", line);
}

/* The desktop's way to a browser, as a child with its signals open again. */
static void show(const char *url) {
  static const char *const openers[] = {"xdg-open", "open"};
  posix_spawnattr_t how;
  sigset_t none;
  pid_t child;
  int failed = ENOENT;
  sigemptyset(&none);
  posix_spawnattr_init(&how);
  posix_spawnattr_setsigmask(&how, &none);
  posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK);
  signal(SIGCHLD, SIG_IGN); /* nobody waits for it */
  for (size_t i = 0; failed && i < sizeof openers / sizeof *openers; i++) {
    char *words[] = {(char *)(uintptr_t)openers[i], (char *)(uintptr_t)url, NULL};
    failed = posix_spawnp(&child, openers[i], NULL, &how, words, environ);
  }
  posix_spawnattr_destroy(&how);
  if (failed)
    fprintf(stderr, "redraft: no xdg-open here to start a browser with; the page is at %s\n", url);
}

static rd_code read_pem(const settings *s, char **certificate, char **key, rd_error *e) {
  enum { MOST_PEM = 1 << 20 };
  if (!s->certificate && !s->private_key)
    return RD_OK;
  if (!s->certificate || !s->private_key)
    return rd_fail(e, RD_USAGE, "--tls-cert and --tls-key go together");
  RD_TRY(rd_file_read(s->certificate, MOST_PEM, certificate, NULL, e));
  return rd_file_read(s->private_key, MOST_PEM, key, NULL, e);
}

static void say_address(const rd_server_setup *setup, const char *url) {
  printf("redraft serves");
  for (size_t i = 0; i < setup->catalog.count; i++)
    printf("%s %s", i ? "," : "", setup->catalog.services[i].name);
  printf(" at %s\n", url);
  fflush(stdout);
}

static rd_code run(const settings *s, char **pem, rd_error *e) {
  rd_served served = {0};
  rd_server *server = NULL;
  signal(SIGPIPE, SIG_IGN);
  RD_TRY(read_pem(s, &pem[0], &pem[1], e));
  RD_TRY(rd_stop_open(e));
  rd_code code = rd_served_open(&served, &s->common, s->alias, e);
  rd_server_setup setup = {.catalog = {served.services, served.count, s->any, s->common.options},
                           .host = s->host,
                           .port = s->port,
                           .key = s->key ? s->key : getenv("REDRAFT_API_KEY"),
                           .most_jobs = s->queue,
                           .pass_rows = s->rows,
                           .most_body = s->body,
                           .patience = s->patience,
                           .certificate = pem[0],
                           .private_key = pem[1],
                           .origin = s->origin,
                           .log = s->common.quiet ? NULL : log_line};
  if (code == RD_OK)
    code = rd_server_open(&server, &setup, e);
  if (code == RD_OK) {
    rd_stop_serving(); /* who reads the address may ask, and end us, at once */
    say_address(&setup, rd_server_url(server));
    if (s->open)
      show(rd_server_url(server));
    rd_stop_wait();
  }
  rd_server_close(&server, s->grace, rd_stop_hurry());
  rd_served_close(&served);
  rd_stop_close();
  return code;
}

static rd_code work(void *context, char **names, rd_error *e) {
  char *pem[2] = {NULL, NULL};
  (void)names;
  settings *s = context;
  if (rd_answer_lists(&s->params))
    return RD_OK;
  RD_TRY(rd_answer_load_form(&s->params, e));
  rd_code code = run(s, pem, e);
  free(pem[0]);
  free(pem[1]);
  return code;
}

rd_code rd_cmd_serve(const rd_command *self, int argc, char **argv, rd_error *e) {
  settings s = {0};
  return rd_tool_command(self, &s, 0, argc, argv, work, e);
}
