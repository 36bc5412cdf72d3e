/* SPDX-License-Identifier: MIT */
/* The rows of the common options, and the model that they name. */
#include "common.h"

#include "engine.h"
#include "file.h"
#include "inspect.h"
#include "model_store.h"
#include "open_view.h"
#include "pulled.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT(member) RD_OPTION_AT(rd_common, member)

static const rd_option model_rows[] = {
    {"model", AT(model), .letter = 'm', .group = "Model", .value = "PATH",
     .help = "a Hugging Face folder, a file of weights in one (.safetensors, .bin, .pth), a .gguf "
             "file, or OWNER/NAME as it was pulled; without it $REDRAFT_MODEL, or the built-in "
             "model"},
    {"adapter", AT(adapter), .group = "Model", .value = "DIR",
     .help = "a LoRA adapter in PEFT's layout; without it the one in the model's folder adapter/, "
             "if there is one; none: no adapter"},
    {"precision", AT(precision), .fallback = "auto", .choices = &rd_precision_table,
     .group = "Model",
     .help = "arithmetic of matrix products; int8 and q4, for inference: integers in groups, as "
             "quantised files store them"},
    {"engine", AT(engine), .choices = &rd_engine_table, .group = "Model",
     .help = "what runs passes; unless named a card, where there is one that knows the model's "
             "arithmetic, else the processor"},
};
static const rd_option program_rows[] = {
    {"threads", AT(threads), .fallback = "0", .max = 1024, .group = "Program", .value = "N",
     .help = "threads; 0: one a core"},
    {"profile", AT(profile), .group = "Program",
     .help = "say at the end where the time went, by operation"},
    {"json", AT(json), .group = "Program", .help = "one JSON object a line"},
    {"quiet", AT(quiet), .letter = 'q', .group = "Program", .help = "no messages but errors"},
    {"verbose", AT(verbose), .letter = 'v', .group = "Program", .help = "say more"},
    {"help", AT(help), .letter = 'h', .group = "Program", .help = "this list"},
};
enum { PROGRAM_ROWS = sizeof program_rows / sizeof *program_rows };
const rd_table rd_model_rows = RD_TABLE("option", model_rows);
const rd_table rd_program_rows = RD_TABLE("option", program_rows);
const rd_table rd_path_rows = {"option", model_rows, 1, sizeof *model_rows};
const rd_table rd_help_rows = {"option", program_rows + PROGRAM_ROWS - 1, 1, sizeof *program_rows};

/* Built-in models, best first. */
static const struct builtin {
  const char *path, *file;
} builtins[] = {{"models/tini", "models/tini/model.gguf"},
                {"models/stories260K/stories260K.gguf", "models/stories260K/stories260K.gguf"}};

/* Where models/ lies, seen from the program: where it was built, or installed. */
static const char *const roots[] = {"..", "../share/redraft"};

/* Looks for the built-in model; *model stays NULL when there is none. */
static void find_builtin(char **model) {
  char program[PATH_MAX];
  ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
  program[n > 0 ? n : 0] = '\0';
  const char *folder = dirname(program);
  for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++)
    for (size_t r = 0; r < sizeof roots / sizeof *roots; r++) {
      const struct builtin *b = &builtins[i];
      const rd_path root = rd_path_in(folder, roots[r]), file = rd_path_in(root.text, b->file);
      if (rd_path_exists(file.text)) {
        *model = rd_path_join(root.text, b->path);
        return;
      }
    }
}

rd_code rd_tool_refuse(const rd_common *common, const char *names, const char *why, rd_error *e) {
  const rd_options *o = common->options;
  for (size_t i = 0; i < o->count; i++)
    if (o->given[i] && rd_name_listed(names, o->rows[i].name))
      return rd_fail(e, RD_USAGE, "--%s means nothing %s", o->rows[i].name, why);
  return RD_OK;
}

rd_code rd_tool_adapter_of(char **out, const char *path, const char *asked, rd_error *e) {
  *out = NULL;
  if (!asked)
    return rd_model_adapter_beside(out, path, e);
  if (strcmp(asked, "none") == 0)
    return RD_OK;
  *out = rd_strdup(asked, e);
  return *out ? RD_OK : RD_NO_MEMORY;
}

static const char VARIABLE[] = "$REDRAFT_MODEL";

/* The model that the environment names, where the user names none; NULL: nobody does. */
static const char *named_outside(const rd_common *common) {
  const char *named = common->model ? NULL : getenv(VARIABLE + 1);
  return named && *named ? named : NULL;
}

/* Something went wrong with a model: say where its name came from, if not from the command line. */
static rd_code blame(const rd_common *common, rd_code code, rd_error *e) {
  bool by_it = code == RD_IO || code == RD_BAD_INPUT || code == RD_USAGE;
  return by_it && named_outside(common) ? rd_prefix(e, code, "%s", VARIABLE) : code;
}

/* What a name means; one that came from outside is looked for at once. */
static rd_code resolve(char **named, const rd_common *common, rd_error *e) {
  rd_code code = rd_pulled_resolve(named, e);
  if (code == RD_OK && *named && named_outside(common) && !rd_path_exists(*named))
    code = rd_fail(e, RD_IO, "%s: no such file or folder", *named);
  if (code == RD_OK)
    return code;
  free(*named);
  *named = NULL;
  return blame(common, code, e);
}

rd_code rd_tool_model_path(char **out, char **adapter, const rd_common *common, rd_error *e) {
  const char *named = common->model ? common->model : named_outside(common);
  *out = named ? rd_strdup(named, e) : NULL;
  RD_TRY(resolve(out, common, e));
  if (!named)
    find_builtin(out);
  if (!*out)
    return named ? RD_NO_MEMORY
                 : rd_fail(e, RD_USAGE,
                           "no model: name one with -m or in $REDRAFT_MODEL; the built-in one is "
                           "not where the program was built or installed");
  rd_code code = adapter ? rd_tool_adapter_of(adapter, *out, common->adapter, e) : RD_OK;
  if (code != RD_OK) {
    free(*out);
    *out = NULL;
  }
  return code;
}

rd_code rd_tool_name_causal(rd_common *c, rd_error *e) {
  if (!c->adapter)
    c->adapter = rd_strdup("none", e);
  return c->adapter ? RD_OK : RD_NO_MEMORY;
}

rd_code rd_tool_lay_out(rd_model *m, const rd_common *common, rd_error *e) {
  rd_open_view view = {.name = m->name, .quiet = common->quiet};
  rd_code code = rd_engine_lay_out(m, rd_open_view_made, &view, e);
  rd_open_view_end(&view);
  if (code == RD_OK && common->verbose && m->tight + m->loose > 0)
    fprintf(stderr,
            "redraft: %lld matrices in bf16 are held in 12 bits a number, without loss; %lld are "
            "not, whose exponents differ too much\n",
            (long long)m->tight, (long long)m->loose);
  return code;
}

/* With --verbose: what was opened, and how it is computed. */
static void describe(const rd_model *m, const char *adapter) {
  const rd_engine_kind *engine = rd_engine_kind_of(m);
  fprintf(stderr, "redraft: %s: %s, %.1f M parameters, adapter %s, %s arithmetic (%s), engine %s\n",
          m->name, m->config.family->name, (double)rd_model_parameters(m) / 1e6,
          adapter ? adapter : "none", m->precision->name, m->precision_why,
          engine ? engine->name : "none");
}

static void tell_remarks(const rd_model *m) {
  char *remarks = rd_model_remarks(m), *rest = remarks;
  for (char *line; (line = strsep(&rest, "\n")) && *line;)
    fprintf(stderr, "redraft: %s\n", line);
  free(remarks);
}

typedef rd_code opener(rd_model **out, const rd_model_options *options, rd_error *e);

static rd_code open_by(opener *open, rd_model **out, const rd_common *common, rd_error *e) {
  char *path = NULL, *adapter = NULL;
  RD_TRY(rd_tool_model_path(&path, &adapter, common, e));
  rd_code code = RD_OK;
  for (size_t i = 0; i < 2 && code == RD_OK; i++)
    code = rd_path_apart(common->outputs[i], path, e);
  rd_open_view view = {.name = path, .quiet = common->quiet};
  rd_model_options options = {.path = path,
                              .adapter = adapter,
                              .precision = common->precision,
                              .engine = common->engine,
                              .chat_template = common->prompt.chat_template,
                              .mask_token = common->prompt.mask_token,
                              .system = common->prompt.system,
                              .made = rd_open_view_made,
                              .context = &view};
  code = code == RD_OK ? open(out, &options, e) : code;
  rd_open_view_end(&view);
  if (code == RD_OK && !common->quiet)
    tell_remarks(*out);
  if (code == RD_OK && common->verbose && !common->quiet)
    describe(*out, adapter);
  free(path);
  free(adapter);
  return code == RD_USAGE ? code : blame(common, code, e);
}

rd_code rd_tool_open(rd_model **out, const rd_common *common, rd_error *e) {
  return open_by(rd_model_open, out, common, e);
}

rd_code rd_tool_open_late(rd_model **out, const rd_common *common, rd_error *e) {
  return open_by(rd_model_open_late, out, common, e);
}
