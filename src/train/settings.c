/* SPDX-License-Identifier: MIT */
/* The option rows of training, and reading them from YAML, from "key=value" and back. */
#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(member) offsetof(rd_train_settings, member)

const rd_option rd_train_option_rows[] = {
    {"model", 'm', RD_TEXT, NULL, 0, 0, NULL, "Model", "PATH",
     "model to train: a Hugging Face folder", AT(model)},
    {"adapter", 0, RD_TEXT, NULL, 0, 0, NULL, "Model", "DIR",
     "PEFT adapter to start from (trained on with trainable lora)", AT(adapter)},
    {"trainable", 0, RD_CHOICE, "lora", 0, 0, "lora|all", "Model", NULL,
     "train low-rank factors, or all weights", AT(trainable)},
    {"lora-rank", 0, RD_INT, "0", 0, 16384, NULL, "Model", NULL,
     "rank of the factors, an adapter's grows to it; 0: the adapter's own, or 64", AT(lora_rank)},
    {"lora-alpha", 0, RD_REAL, "0", 0, 65536, NULL, "Model", NULL,
     "the update is scaled by alpha / rank; 0: alpha = rank", AT(lora_alpha)},
    {"lora-targets", 0, RD_TEXT, "q_proj,k_proj,v_proj,o_proj,gate_proj,up_proj,down_proj", 0, 0,
     NULL, "Model", "NAMES", "projections that get factors, separated by commas", AT(lora_targets)},
    {"train-norms", 0, RD_FLAG, "false", 0, 0, NULL, "Model", NULL,
     "train the norm weights beside the factors", AT(train_norms)},
    {"precision", 0, RD_CHOICE, "auto", 0, 0, "auto|f32|bf16", "Model", NULL,
     "arithmetic of the matrix products; the optimizer is always f32", AT(precision)},
    {"recompute", 0, RD_FLAG, "false", 0, 0, NULL, "Model", NULL,
     "keep only each layer's input and compute the rest again: less memory, a third more work",
     AT(recompute)},
    {"data", 0, RD_TEXT, NULL, 0, 0, NULL, "Data", "FILES",
     "JSONL or text files separated by commas, each FILE or FILE@WEIGHT", AT(data)},
    {"validation", 0, RD_TEXT, NULL, 0, 0, NULL, "Data", "FILES",
     "files of validation rows; none: a share of the data is held out", AT(validation)},
    {"held-out", 0, RD_REAL, "0.01", 0, 0.5, NULL, "Data", NULL,
     "share of the data rows kept for validation", AT(held_out)},
    {"window", 0, RD_INT, "256", 2, 1048576, NULL, "Data", NULL, "tokens of a sequence at most",
     AT(window)},
    {"pad", 0, RD_CHOICE, "random", 0, 0, "random|short|window", "Data", NULL,
     "EOS behind an answer: a log-uniform number of them; at most 16 in seven of eight; or all up "
     "to the window",
     AT(pad)},
    {"long-rows", 0, RD_CHOICE, "drop", 0, 0, "drop|truncate", "Data", NULL,
     "what is done with rows longer than the window (plain text is always cut)", AT(long_rows)},
    {"allow-bad", 0, RD_FLAG, "false", 0, 0, NULL, "Data", NULL,
     "go on when more than 1% of the rows are bad", AT(allow_bad)},
    {"objective", 0, RD_TEXT, "structural", 0, 0, NULL, "Objective",
     "next-token|structural|mask|mixed", "what is learnt", AT(objective)},
    {"loss-on", 0, RD_TEXT, "all", 0, 0, NULL, "Objective", "all|answer|corrupted",
     "positions that count", AT(loss_on)},
    {"eos-padding-loss", 0, RD_FLAG, "true", 0, 0, NULL, "Objective", NULL,
     "EOS padding behind an answer counts", AT(eos_padding_loss)},
    {"mask-all", 0, RD_REAL, "0", 0, 1, NULL, "Objective", NULL,
     "share of the examples that are all masks, beside those the objective itself draws so",
     AT(mask_all)},
    {"own-drafts", 0, RD_REAL, "0", 0, 1, NULL, "Objective", NULL,
     "share of the batches whose noise is replaced by the model's own draft of it", AT(own_drafts)},
    {"batch", 0, RD_INT, "16", 1, 1048576, NULL, "Optimizer", NULL,
     "windows of tokens in one pass (batch x window rows)", AT(batch)},
    {"accumulate", 0, RD_INT, "1", 1, 65536, NULL, "Optimizer", NULL, "passes in one update",
     AT(accumulate)},
    {"updates", 0, RD_INT, "0", 0, 1e12, NULL, "Optimizer", NULL,
     "updates in all; 0: as many as the epochs need", AT(updates)},
    {"epochs", 0, RD_REAL, "1", 0, 1e6, NULL, "Optimizer", NULL, "times through the data",
     AT(epochs)},
    {"learning-rate", 0, RD_REAL, "0.0003", 0, 10, NULL, "Optimizer", NULL, "peak rate",
     AT(learning_rate)},
    {"schedule", 0, RD_TEXT, "cosine", 0, 0, NULL, "Optimizer", "cosine|linear|constant",
     "rate after the warm-up", AT(schedule)},
    {"warmup", 0, RD_INT, "100", 0, 1e9, NULL, "Optimizer", NULL, "updates of linear warm-up",
     AT(warmup)},
    {"weight-decay", 0, RD_REAL, "0.01", 0, 10, NULL, "Optimizer", NULL,
     "decay of matrices (norms and biases have none)", AT(weight_decay)},
    {"beta1", 0, RD_REAL, "0.9", 0, 0.99999, NULL, "Optimizer", NULL, "AdamW's first moment",
     AT(beta1)},
    {"beta2", 0, RD_REAL, "0.999", 0, 0.9999999, NULL, "Optimizer", NULL, "AdamW's second moment",
     AT(beta2)},
    {"clip", 0, RD_REAL, "0.5", 0, 1e9, NULL, "Optimizer", NULL,
     "largest norm of the gradient; 0: not clipped", AT(clip)},
    {"seed", 0, RD_INT, "42", 0, 9e15, NULL, "Optimizer", NULL,
     "of the order, the corruption and new weights", AT(seed)},
    {"out", 'o', RD_TEXT, NULL, 0, 0, NULL, "Run", "DIR", "folder of the run", AT(out)},
    {"threads", 0, RD_INT, "0", 0, 1024, NULL, "Run", NULL, "0: as many as the machine has",
     AT(threads)},
    {"log-every", 0, RD_INT, "10", 1, 1e9, NULL, "Run", NULL, "updates between rows of metrics",
     AT(log_every)},
    {"validate-every", 0, RD_INT, "500", 0, 1e9, NULL, "Run", NULL,
     "updates between validations; 0: only at the end", AT(validate_every)},
    {"validate-rows", 0, RD_INT, "256", 0, 1e9, NULL, "Run", NULL,
     "validation examples at most; 0: no validation", AT(validate_rows)},
    {"checkpoint-every", 0, RD_INT, "500", 0, 1e9, NULL, "Run", NULL,
     "updates between checkpoints; 0: only at the end", AT(checkpoint_every)},
    {"keep", 0, RD_INT, "2", 1, 1e6, NULL, "Run", NULL, "checkpoints kept", AT(keep)},
    {"resume", 0, RD_FLAG, "false", 0, 0, NULL, "Run", NULL,
     "go on from the newest checkpoint in the folder of the run", AT(resume)},
    {"dry-run", 0, RD_FLAG, "false", 0, 0, NULL, "Run", NULL,
     "say what memory and time the run needs, and stop", AT(dry_run)},
    {"json", 0, RD_FLAG, "false", 0, 0, NULL, "Run", NULL,
     "the rows of metrics.jsonl on standard output too, as they come", AT(json)},
    {"quiet", 'q', RD_FLAG, "false", 0, 0, NULL, "Run", NULL, "no messages but errors", AT(quiet)},
};
const size_t rd_train_option_count = sizeof rd_train_option_rows / sizeof *rd_train_option_rows;

#undef AT
#define AT(member) offsetof(rd_train_init, member)
const rd_option rd_train_init_rows[] = {
    {"width", 0, RD_INT, "384", 8, 65536, NULL, "Init", NULL, "of the hidden state", AT(width)},
    {"layers", 0, RD_INT, "6", 1, 1024, NULL, "Init", NULL, "layers", AT(layers)},
    {"heads", 0, RD_INT, "6", 1, 1024, NULL, "Init", NULL, "attention heads", AT(heads)},
    {"kv_heads", 0, RD_INT, "0", 0, 1024, NULL, "Init", NULL, "0: as many as heads", AT(kv_heads)},
    {"head_dim", 0, RD_INT, "0", 0, 1024, NULL, "Init", NULL, "0: width / heads", AT(head_dim)},
    {"ff", 0, RD_INT, "1024", 8, 1048576, NULL, "Init", NULL, "width of the feed-forward part",
     AT(ff)},
    {"positions", 0, RD_INT, "0", 0, 1048576, NULL, "Init", NULL, "0: the window", AT(positions)},
    {"norm_eps", 0, RD_REAL, "1e-5", 0, 1, NULL, "Init", NULL, "of the norms", AT(norm_eps)},
    {"rope_theta", 0, RD_REAL, "10000", 1, 1e12, NULL, "Init", NULL, "base of the rotary angles",
     AT(rope_theta)},
    {"tied", 0, RD_FLAG, "true", 0, 0, NULL, "Init", NULL, "the head is the embedding", AT(tied)},
    {"tokenizer", 0, RD_TEXT, NULL, 0, 0, NULL, "Init", "DIR", "folder of the tokenizer",
     AT(tokenizer)},
};
const size_t rd_train_init_count = sizeof rd_train_init_rows / sizeof *rd_train_init_rows;

static rd_options plain_rows(const rd_train_settings *s) {
  return (rd_options){rd_train_option_rows, rd_train_option_count, (void *)(uintptr_t)s, NULL};
}
static rd_options init_rows(const rd_train_settings *s) {
  return (rd_options){rd_train_init_rows, rd_train_init_count, (void *)(uintptr_t)&s->init, NULL};
}

static void drop_sources(rd_data_sources *sources) {
  for (size_t i = 0; i < sources->count; i++)
    free(sources->items[i].path);
  free(sources->items);
  *sources = (rd_data_sources){0};
}

rd_code rd_train_settings_default(rd_train_settings *s, rd_error *e) {
  rd_options rows = plain_rows(s), init = init_rows(s);
  s->has_init = false;
  RD_TRY(rd_options_default(&rows, e));
  return rd_options_default(&init, e);
}

void rd_train_settings_drop(rd_train_settings *s) {
  rd_options rows = plain_rows(s), init = init_rows(s);
  rd_options_drop(&rows);
  rd_options_drop(&init);
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
    fprintf(out, "%s%s", i ? "," : "", path);
    if (weight)
      fprintf(out, "@%.17g", json_number_value(weight));
  }
  if (fclose(out) != 0 && code == RD_OK)
    code = rd_fail(e, RD_NO_MEMORY, "out of memory: the list %s", key);
  return code;
}

static rd_code unknown_key(const rd_options *rows, const char *where, const char *key,
                           rd_error *e) {
  const rd_option *near = rd_option_nearest(rows, key);
  if (!near)
    return rd_fail(e, RD_USAGE, "unknown key %s%s; `redraft train --help` lists them", where, key);
  char name[64];
  snprintf(name, sizeof name, "%s", near->name);
  for (char *p = name; *p; p++)
    *p = *p == '-' ? '_' : *p;
  return rd_fail(e, RD_USAGE, "unknown key %s%s; did you mean %s%s?", where, key, where, name);
}

static rd_code read_rows(const rd_options *rows, const char *where, const json_t *object,
                         rd_error *e) {
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)object, key, value) {
    const rd_option *row = rd_option_find(rows, key);
    if (!row)
      return unknown_key(rows, where, key, e);
    rd_code code = RD_OK;
    if (json_is_array(value) && row->kind == RD_TEXT) {
      char *text = NULL;
      code = sources_text(key, value, &text, e);
      if (code == RD_OK)
        code = rd_option_set(rows, row, text, e);
      free(text);
    } else {
      code = rd_option_set_json(rows, row, value, e);
    }
    RD_TRY(code);
  }
  return RD_OK;
}

rd_code rd_train_settings_read(rd_train_settings *s, const json_t *object, rd_error *e) {
  rd_options rows = plain_rows(s), nested = init_rows(s);
  if (!json_is_object(object))
    return rd_fail(e, RD_USAGE, "a training configuration is a mapping of keys");
  json_t *init = json_object_get(object, "init");
  if (init && !json_is_null(init)) {
    if (!json_is_object(init))
      return rd_fail(e, RD_USAGE, "init: expected a mapping of keys (width, layers, ...)");
    RD_TRY(read_rows(&nested, "init.", init, e));
    s->has_init = true;
  }
  json_t *plain = json_copy((json_t *)(uintptr_t)object);
  if (!plain)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: the configuration");
  json_object_del(plain, "init");
  rd_code code = read_rows(&rows, "", plain, e);
  json_decref(plain);
  return code;
}

rd_code rd_train_settings_set(rd_train_settings *s, const char *assignment, rd_error *e) {
  rd_options rows = plain_rows(s), nested = init_rows(s);
  char key[64];
  size_t n = strcspn(assignment, "=");
  if (assignment[n] != '=' || n == 0 || n >= sizeof key)
    return rd_fail(e, RD_USAGE, "--set %s: expected key=value", assignment);
  memcpy(key, assignment, n);
  key[n] = '\0';
  bool init = strncmp(key, "init.", 5) == 0;
  const rd_options *table = init ? &nested : &rows;
  const char *name = init ? key + 5 : key;
  const rd_option *row = rd_option_find(table, name);
  if (!row)
    return unknown_key(table, init ? "init." : "", name, e);
  s->has_init = s->has_init || init;
  return rd_option_set(table, row, assignment + n + 1, e);
}

static rd_code add_source(rd_data_sources *sources, const char *entry, size_t size, rd_error *e) {
  rd_data_source *items = realloc(sources->items, (sources->count + 1) * sizeof *items);
  if (!items)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: the list of data files");
  sources->items = items;
  rd_data_source *item = &items[sources->count];
  item->weight = 1.0;
  item->path = rd_print("%.*s", (int)size, entry);
  if (!item->path)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: the list of data files");
  sources->count++;
  char *at = strrchr(item->path, '@'), *end = NULL;
  double weight = at ? strtod(at + 1, &end) : 1.0;
  if (at && end != at + 1 && *end == '\0') {
    if (!(weight > 0.0 && weight <= 1e6))
      return rd_fail(e, RD_USAGE, "data: %s: the weight must lie in 0..1000000, above 0",
                     item->path);
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

rd_code rd_train_settings_finish(rd_train_settings *s, rd_error *e) {
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
  if (s->has_init && !s->init.tokenizer)
    return rd_fail(e, RD_USAGE, "init.tokenizer: name the folder of the tokenizer");
  if (s->has_init && strcmp(s->trainable, "all") != 0)
    return rd_fail(e, RD_USAGE, "trainable: a model from `init` is trained with `trainable: all`");
  if (s->updates == 0 && s->epochs <= 0)
    return rd_fail(e, RD_USAGE, "updates or epochs: one of them must be above 0");
  return RD_OK;
}

static json_t *rows_json(const rd_options *rows) {
  json_t *object = json_object();
  for (size_t i = 0; object && i < rows->count; i++) {
    char name[64];
    snprintf(name, sizeof name, "%s", rows->rows[i].name);
    for (char *p = name; *p; p++)
      *p = *p == '-' ? '_' : *p;
    json_object_set_new(object, name, rd_option_value(rows, &rows->rows[i]));
  }
  return object;
}

json_t *rd_train_settings_json(const rd_train_settings *s) {
  rd_options rows = plain_rows(s), nested = init_rows(s);
  json_t *object = rows_json(&rows);
  if (object && s->has_init)
    json_object_set_new(object, "init", rows_json(&nested));
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
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
    double real = json_real_value(value);
    char shorter[32];
    snprintf(shorter, sizeof shorter, "%g", real);
    bool exact = json_is_real(value) && strtod(shorter, NULL) == real;
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
static const char *const free_keys[] = {
    "out",           "threads",  "log_every", "validate_every", "checkpoint_every", "keep",
    "resume",        "dry_run",  "quiet",     "json",           "updates",          "epochs",
    "learning_rate", "schedule", "warmup",    "clip",           "weight_decay"};

rd_code rd_train_settings_same(const rd_train_settings *s, const json_t *before, rd_error *e) {
  json_t *now = rd_train_settings_json(s);
  if (!now)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: the configuration");
  rd_code code = RD_OK;
  const char *key;
  json_t *value;
  json_object_foreach(now, key, value) {
    bool may_change = false;
    for (size_t i = 0; i < sizeof free_keys / sizeof *free_keys; i++)
      may_change = may_change || strcmp(key, free_keys[i]) == 0;
    json_t *old = json_object_get(before, key);
    if (may_change || (json_is_null(value) && !old) || (old && json_equal(value, old)))
      continue;
    char *was = json_dumps(old, JSON_ENCODE_ANY), *is = json_dumps(value, JSON_ENCODE_ANY);
    code =
        rd_fail(e, RD_USAGE,
                "--resume: %s was %s and is now %s; give the value of before, or start a new run",
                key, was ? was : "unset", is ? is : "unset");
    free(was);
    free(is);
    break;
  }
  json_decref(now);
  return code;
}
