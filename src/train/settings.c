/* SPDX-License-Identifier: MIT */
/* The option rows of training, and reading them from YAML, from "key=value" and back. */
#include "settings.h"

#include "number.h"
#include "objective.h"
#include "precision.h"
#include "rows.h"
#include "schedule.h"
#include "step.h"
#include "utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const rd_trainable trainables[] = {{"lora", false}, {"all", true}};
static const rd_pad pads[] = {
    {"random", false, false}, {"short", false, true}, {"window", true, false}};
static const rd_long_rows long_rows[] = {{"drop", false}, {"truncate", true}};
static const rd_turns turns[] = {{"all", false}, {"last", true}};
static const rd_gate_choice gates[] = {{"none", false}, {"answer", true}};
const rd_table rd_gate_table = RD_TABLE("gate", gates);
const rd_table rd_trainable_table = RD_TABLE("trainable", trainables);
const rd_table rd_pad_table = RD_TABLE("pad", pads);
const rd_table rd_long_rows_table = RD_TABLE("long_rows", long_rows);
const rd_table rd_turns_table = RD_TABLE("turns", turns);

#define AT(member) RD_OPTION_AT(rd_train_settings, member)

static const rd_option train_rows[] = {
    {"model", AT(model), .letter = 'm', .group = "Model", .value = "PATH",
     .help = "model to train: a Hugging Face folder or a .gguf file"},
    {"adapter", AT(adapter), .group = "Model", .value = "DIR",
     .help = "PEFT adapter to start from (trained on with trainable lora, else merged); none: no "
             "adapter"},
    {"trainable", AT(trainable), .fallback = "lora", .choices = &rd_trainable_table,
     .group = "Model", .help = "train low-rank factors, or all weights"},
    {"lora-rank", AT(lora_rank), .fallback = "0", .max = 16384, .group = "Model",
     .help = "rank of the factors, an adapter's grows to it; 0: the adapter's own, or 64"},
    {"lora-alpha", AT(lora_alpha), .fallback = "0", .max = 65536, .group = "Model",
     .help = "the update is scaled by alpha / rank; 0: alpha = rank"},
    {"lora-targets", AT(lora_targets), .group = "Model", .value = "NAMES",
     .help =
         "projections that get factors, separated by commas; not given: those of the adapter, or "
         "all (q_proj,k_proj,v_proj,o_proj,gate_proj,up_proj,down_proj)"},
    {"train-norms", AT(train_norms), .group = "Model",
     .help = "train the norm weights beside the factors"},
    {"gate", AT(gate), .fallback = "none", .choices = &rd_gate_table, .group = "Model",
     .help = "where the adapter counts: everywhere, or in answers alone; prompts are then the "
             "model's own, causal, and computed once when it generates"},
    {"precision", AT(precision), .fallback = "auto", .choices = &rd_train_precision_table,
     .group = "Model", .help = "arithmetic of the matrix products; the optimizer is always f32"},
    {"recompute", AT(recompute), .group = "Model",
     .help =
         "keep only each layer's input and compute the rest again: less memory, a third more work"},
    {"data", AT(data), .group = "Data", .value = "FILES",
     .help = "JSONL, JSON, CSV or text files separated by commas, each FILE or FILE@WEIGHT"},
    {"columns", AT(columns), .group = "Data", .value = "KEY=NAME,..",
     .help = "how the keys of a row are called in these files: prompt=Question,answer=Reply"},
    {"turns", AT(turns), .fallback = "all", .choices = &rd_turns_table, .group = "Data",
     .help = "answers of a conversation that are learnt: each is an example, or the last alone"},
    {"validation", AT(validation), .group = "Data", .value = "FILES",
     .help = "files of validation rows; none: a share of the data is held out"},
    {"held-out", AT(held_out), .fallback = "0.01", .max = 0.5, .group = "Data",
     .help = "share of the data rows kept for validation"},
    {"window", AT(window), .fallback = "256", .min = 2, .max = 1048576, .group = "Data",
     .help = "tokens of a sequence at most"},
    {"pad", AT(pad), .fallback = "random", .choices = &rd_pad_table, .group = "Data",
     .help = "EOS behind an answer: a log-uniform number of them; at most 16 in seven of eight; or "
             "all up to the window. Rows of a pass that no other example fits into become EOS too, "
             "behind its first answers"},
    {"long-rows", AT(long_rows), .fallback = "drop", .choices = &rd_long_rows_table,
     .group = "Data",
     .help = "what is done with rows longer than the window (plain text is always cut)"},
    {"allow-bad", AT(allow_bad), .group = "Data",
     .help = "go on when more than 1% of the rows are bad"},
    {"objective", AT(objective), .fallback = "structural", .choices = &rd_objective_table,
     .group = "Objective", .help = "what is learnt"},
    {"loss-on", AT(loss_on), .fallback = "all", .choices = &rd_loss_on_table, .group = "Objective",
     .help = "positions that count"},
    {"eos-padding-loss", AT(eos_padding_loss), .fallback = "true", .group = "Objective",
     .help = "EOS padding behind an answer counts"},
    {"block-lengths", AT(block_lengths), .fallback = "8,16,32", .group = "Objective",
     .value = "N,N",
     .help = "of objective blocks: one is drawn for each example, the first is what a new adapter "
             "remembers; 0: the whole answer"},
    {"block-shift", AT(block_shift), .fallback = "true", .group = "Objective",
     .help = "of objective blocks: the row before a position predicts it, as in the base"},
    {"branches", AT(branches), .fallback = "0", .max = 1, .group = "Objective",
     .help = "of objective blocks: share of the examples that come as 1 to 6 masks in a row, the "
             "first word too, as --verify drafts in the pass that checks; needs block_shift"},
    {"align", AT(align), .fallback = "0", .max = 100, .group = "Objective",
     .help =
         "of objective blocks: so much of 1 - cosine to the base's final hidden states, falling "
         "to nothing by half of the run"},
    {"mask-all", AT(mask_all), .fallback = "0", .max = 1, .group = "Objective",
     .help =
         "share of the examples that are all masks, beside those the objective itself draws so"},
    {"mix-answers", AT(mix_answers), .fallback = "0", .max = 1, .group = "Objective",
     .help = "share of the examples that are two answers in one, by turns of 1 to 4 tokens: their "
             "own and that of another example"},
    {"stutter", AT(stutter), .fallback = "0", .max = 1, .group = "Objective",
     .help = "share of the examples with one or two tokens doubled or lost and the rest moved"},
    {"first-wrong", AT(first_wrong), .fallback = "0", .max = 1, .group = "Objective",
     .help = "share of the examples with the first one or two tokens of another answer"},
    {"own-drafts", AT(own_drafts), .fallback = "0", .max = 1, .group = "Objective",
     .help = "share of the batches whose noise is replaced by the model's own draft of it"},
    {"draft-temperature", AT(draft_temperature), .fallback = "0", .max = 100, .group = "Objective",
     .help = "own drafts are drawn at this temperature; 0: their words are the most likely ones"},
    {"draft-top-k", AT(draft_top_k), .fallback = "0", .max = 1048576, .group = "Objective",
     .help = "own drafts are drawn from the K most likely tokens; 0: from all"},
    {"draft-drawn", AT(draft_drawn), .fallback = "1", .max = 1, .group = "Objective",
     .help = "share of the own drafts that are drawn; the others' words are the most likely ones"},
    {"batch", AT(batch), .fallback = "16", .min = 1, .max = 1048576, .group = "Optimizer",
     .help = "windows of tokens in one pass (batch x window rows)"},
    {"accumulate", AT(accumulate), .fallback = "1", .min = 1, .max = 65536, .group = "Optimizer",
     .help = "passes in one update"},
    {"updates", AT(updates), .fallback = "0", .max = 1e12, .group = "Optimizer",
     .help = "updates in all; 0: as many as the epochs need"},
    {"epochs", AT(epochs), .fallback = "1", .max = 1e6, .group = "Optimizer",
     .help = "times through the data; the last update may take some of the next time"},
    {"learning-rate", AT(learning_rate), .fallback = "0.0003", .max = 10, .group = "Optimizer",
     .help = "peak rate"},
    {"schedule", AT(schedule), .fallback = "cosine", .choices = &rd_rate_schedule_table,
     .group = "Optimizer", .help = "rate after the warm-up"},
    {"warmup", AT(warmup), .fallback = "100", .max = 1e9, .group = "Optimizer",
     .help = "updates of linear warm-up"},
    {"weight-decay", AT(weight_decay), .fallback = "0.01", .max = 10, .group = "Optimizer",
     .help = "decay of matrices (norms and biases have none)"},
    {"beta1", AT(beta1), .fallback = "0.9", .max = 0.99999, .group = "Optimizer",
     .help = "AdamW's first moment"},
    {"beta2", AT(beta2), .fallback = "0.999", .max = 0.9999999, .group = "Optimizer",
     .help = "AdamW's second moment"},
    {"clip", AT(clip), .fallback = "0.5", .max = 1e9, .group = "Optimizer",
     .help = "largest norm of the gradient; 0: not clipped"},
    {"seed", AT(seed), .fallback = "42", .max = (double)RD_MOST_SEED, .group = "Optimizer",
     .help = "of the order, the corruption and new weights"},
    {"out", AT(out), .letter = 'o', .group = "Run", .value = "DIR", .help = "folder of the run"},
    {"engine", AT(engine), .choices = &rd_step_table, .group = "Run",
     .help = "what computes the passes; none: the first that this machine can run"},
    {"threads", AT(threads), .fallback = "0", .max = 1024, .group = "Run",
     .help = "0: as many as the machine has"},
    {"log-every", AT(log_every), .fallback = "10", .min = 1, .max = 1e9, .group = "Run",
     .help = "updates between rows of metrics"},
    {"validate-every", AT(validate_every), .fallback = "500", .max = 1e9, .group = "Run",
     .help = "updates between validations; 0: only at the end"},
    {"validate-rows", AT(validate_rows), .fallback = "256", .max = 1e9, .group = "Run",
     .help = "validation examples at most; 0: no validation"},
    {"checkpoint-every", AT(checkpoint_every), .fallback = "500", .max = 1e9, .group = "Run",
     .help = "updates between checkpoints; 0: only at the end"},
    {"keep", AT(keep), .fallback = "2", .min = 1, .max = 1e6, .group = "Run",
     .help = "checkpoints kept"},
    {"resume", AT(resume), .group = "Run",
     .help = "go on from the newest checkpoint in the folder of the run"},
    {"overwrite", AT(overwrite), .group = "Run",
     .help =
         "start anew where the folder holds a run: its checkpoints, metrics, best and final go"},
    {"dry-run", AT(dry_run), .group = "Run",
     .help = "say what memory and time the run needs, and stop"},
    {"json", AT(json), .group = "Run",
     .help = "the rows of metrics.jsonl on standard output too, as they come"},
    {"quiet", AT(quiet), .letter = 'q', .group = "Run", .help = "no messages but errors"},
};
static const rd_table train_table = RD_TABLE("option", train_rows);
const rd_option_part rd_train_parts[] = {{&train_table, 0},
                                         {&rd_prompt_rows, offsetof(rd_train_settings, prompt)},
                                         {&rd_system_rows, offsetof(rd_train_settings, prompt)},
                                         {NULL, 0}};

#undef AT
#define AT(member) RD_OPTION_AT(rd_train_init, member)
static const rd_option init_rows[] = {
    {"width", AT(width), .fallback = "384", .min = 8, .max = 65536, .group = "Init",
     .help = "of the hidden state"},
    {"layers", AT(layers), .fallback = "6", .min = 1, .max = 1024, .group = "Init",
     .help = "layers"},
    {"heads", AT(heads), .fallback = "6", .min = 1, .max = 1024, .group = "Init",
     .help = "attention heads"},
    {"kv_heads", AT(kv_heads), .fallback = "0", .max = 1024, .group = "Init",
     .help = "0: as many as heads"},
    {"head_dim", AT(head_dim), .fallback = "0", .max = 1024, .group = "Init",
     .help = "0: width / heads"},
    {"ff", AT(ff), .fallback = "1024", .min = 8, .max = 1048576, .group = "Init",
     .help = "width of the feed-forward part"},
    {"positions", AT(positions), .fallback = "0", .max = 1048576, .group = "Init",
     .help = "0: the window"},
    {"norm_eps", AT(norm_eps), .fallback = "1e-5", .max = 1, .group = "Init",
     .help = "of the norms"},
    {"rope_theta", AT(rope_theta), .fallback = "10000", .min = 1, .max = 1e12, .group = "Init",
     .help = "base of the rotary angles"},
    {"tied", AT(tied), .fallback = "true", .group = "Init", .help = "the head is the embedding"},
    {"tokenizer", AT(tokenizer), .group = "Init", .value = "DIR",
     .help = "folder of the tokenizer"},
};
static const rd_table init_table = RD_TABLE("option", init_rows);
const rd_option_part rd_train_init_parts[] = {{&init_table, offsetof(rd_train_settings, init)},
                                              {NULL, 0}};

/* The rows over `s`; closed by the caller in any case. */
static rd_code open_rows(rd_options *o, const rd_option_part *parts, const rd_train_settings *s,
                         rd_error *e) {
  return rd_options_open(o, parts, (void *)(uintptr_t)s, e);
}

static void drop_sources(rd_data_sources *sources) {
  for (size_t i = 0; i < sources->count; i++)
    free(sources->items[i].path);
  free(sources->items);
  *sources = (rd_data_sources){0};
}

static rd_code set_defaults(const rd_train_settings *s, const rd_option_part *parts, rd_error *e) {
  rd_options o;
  rd_code code = open_rows(&o, parts, s, e);
  if (code == RD_OK)
    code = rd_options_default(&o, e);
  rd_options_close(&o);
  return code;
}

rd_code rd_train_settings_default(rd_train_settings *s, rd_error *e) {
  s->has_init = false;
  RD_TRY(set_defaults(s, rd_train_parts, e));
  return set_defaults(s, rd_train_init_parts, e);
}

static void drop_parts(rd_train_settings *s, const rd_option_part *parts) {
  for (const rd_option_part *part = parts; part->table; part++) {
    const rd_options o = {part->table->rows, part->table->count, (char *)s + part->at, NULL};
    rd_options_drop(&o);
  }
}

void rd_train_settings_drop(rd_train_settings *s) {
  drop_parts(s, rd_train_parts);
  drop_parts(s, rd_train_init_parts);
  drop_sources(&s->sources);
  drop_sources(&s->validation_sources);
}

/* A list of files as YAML gives it, in the form of the command line. */
static rd_code sources_text(const char *key, const json_t *list, char **text, rd_error *e) {
  size_t size = 0, i;
  json_t *entry;
  FILE *out = open_memstream(text, &size);
  if (!out)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: the list %s", key);
  rd_code code = RD_OK;
  json_array_foreach(list, i, entry) {
    const char *path =
        json_string_value(json_is_object(entry) ? json_object_get(entry, "path") : entry);
    const json_t *weight = json_is_object(entry) ? json_object_get(entry, "weight") : NULL;
    if (!path || (weight && !json_is_number(weight)) ||
        (json_is_object(entry) && json_object_size(entry) != (weight ? 2u : 1u))) {
      code = rd_fail(e, RD_USAGE, "%s: entry %zu: expected a path or {path: FILE, weight: W}", key,
                     i + 1);
      break;
    }
    if (strchr(path, ',')) {
      code = rd_fail(e, RD_USAGE,
                     "%s: entry %zu: %s: commas stand between entries: give two, or another name",
                     key, i + 1, path);
      break;
    }
    fprintf(out, "%s%s", i ? "," : "", path);
    if (weight)
      fprintf(out, "@%.17g", json_number_value(weight));
  }
  if (fclose(out) != 0 && code == RD_OK)
    code = rd_fail(e, RD_NO_MEMORY, "out of memory: the list %s", key);
  return code;
}

/* {prompt: Question, answer: Reply} in the form of the command line. */
static rd_code mapping_text(const char *key, const json_t *object, char **text, rd_error *e) {
  size_t size = 0;
  const char *name;
  json_t *value;
  FILE *out = open_memstream(text, &size);
  if (!out)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: the mapping %s", key);
  rd_code code = RD_OK;
  json_object_foreach((json_t *)(uintptr_t)object, name, value) {
    const char *column = json_string_value(value);
    if (!column || strpbrk(column, ",=") || strpbrk(name, ",="))
      code = rd_fail(e, RD_USAGE, "%s: %s: expected a column's name, without , or =", key, name);
    else
      fprintf(out, "%s%s=%s", ftell(out) > 0 ? "," : "", name, column);
  }
  if (fclose(out) != 0 && code == RD_OK)
    code = rd_fail(e, RD_NO_MEMORY, "out of memory: the mapping %s", key);
  return code;
}

/* 8 or [4, 8] in the form of the command line. */
static rd_code numbers_text(const char *key, const json_t *value, char **text, rd_error *e) {
  size_t size = 0, count = json_is_array(value) ? json_array_size(value) : 1;
  FILE *out = open_memstream(text, &size);
  if (!out)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: the list %s", key);
  rd_code code = RD_OK;
  for (size_t i = 0; i < count && code == RD_OK; i++) {
    const json_t *entry = json_is_array(value) ? json_array_get(value, i) : value;
    int64_t n = 0;
    if (rd_json_whole(entry, &n))
      fprintf(out, "%s%lld", i ? "," : "", (long long)n);
    else
      code = rd_fail(e, RD_USAGE, "%s: entry %zu: expected a whole number", key, i + 1);
  }
  if (fclose(out) != 0 && code == RD_OK)
    code = rd_fail(e, RD_NO_MEMORY, "out of memory: the list %s", key);
  return code;
}

/* What writes a value that is no text for a row that is text; NULL: nothing does. */
typedef rd_code value_text(const char *key, const json_t *value, char **text, rd_error *e);
static value_text *text_writer(const rd_option *row, const json_t *value) {
  static const char *const numbers = "block-lengths"; /* rows that are lists of numbers */
  bool list = json_is_array(value);
  if (row->kind != RD_TEXT)
    return NULL;
  if (rd_name_listed(numbers, row->name) && (list || json_is_number(value)))
    return numbers_text;
  return list ? sources_text : json_is_object(value) ? mapping_text : NULL;
}

static void as_key(char *name) {
  for (char *p = name; *p; p++)
    *p = *p == '-' ? '_' : *p;
}

static rd_code unknown_key(const rd_options *rows, const char *where, const char *key,
                           rd_error *e) {
  const char *near = rd_option_nearest(rows, key);
  if (!near)
    return rd_fail(e, RD_USAGE, "unknown key %s%s; `redraft train --help` lists them", where, key);
  char name[64];
  snprintf(name, sizeof name, "%s", near);
  as_key(name);
  return rd_fail(e, RD_USAGE, "unknown key %s%s; did you mean %s%s?", where, key, where, name);
}

static rd_code read_row(const rd_options *rows, const rd_option *row, const char *key,
                        const json_t *value, rd_error *e) {
  char *text = NULL;
  if (row->kind == RD_FLAG && json_is_string(value)) /* YAML 1.1's yes and no */
    return rd_option_set(rows, row, json_string_value(value), e);
  value_text *write = text_writer(row, value);
  if (!write)
    return rd_option_set_json(rows, row, value, e);
  rd_code code = write(key, value, &text, e);
  if (code == RD_OK)
    code = rd_option_set(rows, row, text, e);
  free(text);
  return code;
}

static rd_code read_rows(const rd_train_settings *s, const rd_option_part *parts, const char *where,
                         const json_t *object, rd_error *e) {
  rd_options o;
  const char *key;
  json_t *value;
  rd_code code = open_rows(&o, parts, s, e);
  json_object_foreach((json_t *)(uintptr_t)object, key, value) {
    if (code != RD_OK)
      break;
    const rd_option *row = rd_option_find(&o, key);
    code = row ? read_row(&o, row, key, value, e) : unknown_key(&o, where, key, e);
  }
  rd_options_close(&o);
  return code;
}

rd_code rd_train_settings_read(rd_train_settings *s, const json_t *object, rd_error *e) {
  if (!json_is_object(object))
    return rd_fail(e, RD_USAGE, "a training configuration is a mapping of keys");
  json_t *init = json_object_get(object, "init");
  if (init && !json_is_null(init)) {
    if (!json_is_object(init))
      return rd_fail(e, RD_USAGE, "init: expected a mapping of keys (width, layers, ...)");
    RD_TRY(read_rows(s, rd_train_init_parts, "init.", init, e));
    s->has_init = true;
  }
  json_t *plain = json_copy((json_t *)(uintptr_t)object);
  if (!plain)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: the configuration");
  json_object_del(plain, "init");
  rd_code code = read_rows(s, rd_train_parts, "", plain, e);
  json_decref(plain);
  return code;
}

rd_code rd_train_settings_set(rd_train_settings *s, const char *assignment, rd_error *e) {
  char key[64]; /* one that is longer is cut, and still none that there is */
  size_t n = strcspn(assignment, "=");
  if (assignment[n] != '=' || n == 0)
    return rd_fail(e, RD_USAGE, "--set %s: expected key=value", assignment);
  snprintf(key, sizeof key, "%.*s", n < sizeof key ? (int)n : (int)sizeof key, assignment);
  bool init = strncmp(key, "init.", 5) == 0;
  const char *name = init ? key + 5 : key;
  rd_options o;
  rd_code code = open_rows(&o, init ? rd_train_init_parts : rd_train_parts, s, e);
  const rd_option *row = code == RD_OK ? rd_option_find(&o, name) : NULL;
  if (code == RD_OK)
    code = row ? rd_option_set(&o, row, assignment + n + 1, e)
               : unknown_key(&o, init ? "init." : "", name, e);
  s->has_init = s->has_init || init;
  rd_options_close(&o);
  return code;
}

static rd_code add_source(rd_data_sources *sources, const char *entry, size_t size, rd_error *e) {
  RD_TRY(rd_grow_one((void **)&sources->items, sources->count, sizeof *sources->items, e));
  rd_data_source *item = &sources->items[sources->count];
  item->weight = 1.0;
  item->path = rd_print("%.*s", (int)size, entry);
  if (!item->path)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: the list of data files");
  sources->count++;
  char *at = strrchr(item->path, '@'), *end = NULL;
  double weight = at ? rd_number_read(at + 1, &end) : 1.0;
  if (at && end != at + 1 && *end == '\0') {
    if (!(weight > 0.0 && weight <= 1e6))
      return rd_fail(e, RD_USAGE, "%s: the weight must lie in 0..1000000, above 0", item->path);
    item->weight = weight;
    *at = '\0';
  }
  return RD_OK;
}

static rd_code parse_sources(rd_data_sources *sources, const char *text, rd_error *e) {
  drop_sources(sources);
  for (const char *p = text; p && *p;) {
    size_t n = strcspn(p, ",");
    if (n > 0)
      RD_TRY(add_source(sources, p, n, e));
    p += n + (p[n] == ',');
  }
  return RD_OK;
}

double rd_train_settings_share(const rd_train_settings *s, const char *corruption) {
  const rd_option *row = rd_table_row(&train_table, corruption);
  return row && row->kind == RD_REAL ? *(const double *)((const char *)s + row->offset) : 0;
}

bool rd_train_settings_all(const rd_train_settings *s) {
  const rd_trainable *row = rd_table_row(&rd_trainable_table, s->trainable);
  return row && row->all;
}

/* config.yaml and checkpoints say what the run was told, in UTF-8. */
static rd_code check_texts(const rd_train_settings *s, const rd_option_part *parts, rd_error *e) {
  rd_options o;
  rd_code code = open_rows(&o, parts, s, e);
  for (size_t i = 0; code == RD_OK && i < o.count; i++) {
    const rd_option *row = &o.rows[i];
    const char *text =
        row->kind == RD_TEXT ? *(char *const *)((const char *)o.params + row->offset) : NULL;
    const size_t good = text ? rd_utf8_valid(text, strlen(text)) : 0;
    if (text && text[good])
      code = rd_fail(e, RD_USAGE,
                     "%s: byte %zu (0x%02X) is no UTF-8, and config.yaml could not say it: give "
                     "another name",
                     row->name, good, (unsigned char)text[good]);
  }
  rd_options_close(&o);
  return code;
}

rd_code rd_train_settings_finish(rd_train_settings *s, rd_error *e) {
  RD_TRY(check_texts(s, rd_train_parts, e));
  RD_TRY(check_texts(s, rd_train_init_parts, e));
  if (s->adapter && strcmp(s->adapter, "none") == 0) {
    free(s->adapter);
    s->adapter = NULL;
  }
  RD_TRY(parse_sources(&s->sources, s->data, e));
  RD_TRY(parse_sources(&s->validation_sources, s->validation, e));
  if (!s->sources.count)
    return rd_fail(e, RD_USAGE, "data: name at least one file of training rows");
  if (!s->out)
    return rd_fail(e, RD_USAGE, "out: name the folder that the run is written to");
  if (!s->model && !s->has_init)
    return rd_fail(e, RD_USAGE, "model: name the model to train, or give `init` to start anew");
  if (s->model && s->has_init)
    return rd_fail(e, RD_USAGE, "model and init: give one of them");
  if (s->has_init && s->adapter)
    return rd_fail(e, RD_USAGE,
                   "init and adapter: an adapter is a model's, and `init` begins without one: give "
                   "`model` in place of `init`, or no adapter");
  if (s->has_init && !s->init.tokenizer)
    return rd_fail(e, RD_USAGE, "init.tokenizer: name the folder of the tokenizer");
  if (s->has_init && !rd_train_settings_all(s))
    return rd_fail(e, RD_USAGE, "trainable: a model from `init` is trained with `trainable: all`");
  RD_TRY(rd_row_columns_check(s->columns, e));
  if (s->updates == 0 && s->epochs <= 0)
    return rd_fail(e, RD_USAGE, "updates or epochs: one of them must be above 0");
  return RD_OK;
}

/* What one start is told of itself: no settings of the run, which may be used again. */
static const char start_keys[] = "resume overwrite dry_run json quiet";

static json_t *rows_json(const rd_train_settings *s, const rd_option_part *parts) {
  rd_options o;
  json_t *object = open_rows(&o, parts, s, NULL) == RD_OK ? json_object() : NULL;
  for (size_t i = 0; object && i < o.count; i++) {
    char name[64];
    snprintf(name, sizeof name, "%s", o.rows[i].name);
    as_key(name);
    if (!rd_name_listed(start_keys, name))
      json_object_set_new(object, name, rd_option_value(&o, &o.rows[i]));
  }
  rd_options_close(&o);
  return object;
}

json_t *rd_train_settings_json(const rd_train_settings *s) {
  json_t *object = rows_json(s, rd_train_parts);
  if (object && s->has_init)
    json_object_set_new(object, "init", rows_json(s, rd_train_init_parts));
  return object;
}

static void write_yaml(FILE *out, const json_t *object, const char *indent) {
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)object, key, value) {
    if (json_is_null(value))
      continue;
    fprintf(out, "%s%s:", indent, key);
    if (json_is_object(value)) {
      fputc('\n', out);
      write_yaml(out, value, "  ");
      continue;
    }
    char *text = rd_json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
    double real = json_real_value(value);
    char shorter[32];
    rd_number_print(shorter, sizeof shorter, "%g", real);
    bool exact = json_is_real(value) && rd_number_read(shorter, NULL) == real;
    fprintf(out, " %s\n", exact ? shorter : text ? text : "null");
    free(text);
  }
}

char *rd_train_settings_yaml(const rd_train_settings *s) {
  char *text = NULL;
  size_t size = 0;
  json_t *object = rd_train_settings_json(s);
  FILE *out = object ? open_memstream(&text, &size) : NULL;
  if (out) {
    write_yaml(out, object, "");
    fclose(out);
  }
  json_decref(object);
  return text;
}

/* Keys that may change between a checkpoint and its resumption: they do not touch what was computed
 * so far. */
static const char free_keys[] =
    "out threads log_every validate_every checkpoint_every keep updates epochs learning_rate "
    "schedule warmup clip weight_decay engine";

/* Keys that leave it to an adapter what is trained where they are not given: a checkpoint's tensors
 * say whether that is the same. */
static const char found_keys[] = "lora_targets";

static json_t *default_json(void) {
  rd_train_settings s = {0};
  json_t *object = rd_train_settings_default(&s, NULL) == RD_OK ? rd_train_settings_json(&s) : NULL;
  rd_train_settings_drop(&s);
  return object;
}

rd_code rd_train_settings_same(const rd_train_settings *s, const json_t *before, rd_error *e) {
  json_t *now = rd_train_settings_json(s), *fallbacks = default_json();
  if (!now || !fallbacks) {
    json_decref(now);
    json_decref(fallbacks);
    return rd_fail(e, RD_NO_MEMORY, "out of memory: the configuration");
  }
  rd_code code = RD_OK;
  const char *key;
  json_t *value;
  json_object_foreach(now, key, value) {
    bool may_change =
        rd_name_listed(free_keys, key) || (json_is_null(value) && rd_name_listed(found_keys, key));
    json_t *old = json_object_get(before, key);
    old = old ? old : json_object_get(fallbacks, key); /* a key that there was not yet */
    if (may_change || (json_is_null(value) && !old) || (old && json_equal(value, old)))
      continue;
    char *was = rd_json_dumps(old, JSON_ENCODE_ANY), *is = rd_json_dumps(value, JSON_ENCODE_ANY);
    code =
        rd_fail(e, RD_USAGE,
                "--resume: %s was %s and is now %s; give the value of before, or start a new run",
                key, was ? was : "unset", is ? is : "unset");
    free(was);
    free(is);
    break;
  }
  json_decref(now);
  json_decref(fallbacks);
  return code;
}
