/* SPDX-License-Identifier: MIT */
/* The writer of Hugging Face folders, and what folders and GGUF files have in common: the model is
 * opened, and merged, in numbers that keep what is to be written. */
#include "convert.h"

#include "family.h"
#include "file.h"
#include "inspect.h"
#include "json.h"
#include "model_folder.h"
#include "model_store.h"
#include "precision.h"
#include "tokenizer.h"
#include "written.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The type of most numbers that will be written. */
static rd_dtype most_numbers(const rd_model *m, const rd_format *format) {
  format = format ? format : rd_written_type(rd_tensors_format(rd_model_tensors(m)));
  return (rd_dtype)format->dtype;
}

/* The model's own config.json keeps what this program does not know of; only the type changes. */
static rd_code write_config(const rd_model *m, const char *from, const char *folder, rd_dtype type,
                            rd_error *e) {
  json_t *written = rd_config_json(&m->config, type), *config = NULL;
  rd_code code = written ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: config.json");
  if (code == RD_OK && rd_path_is_folder(from) && !m->store->file.gguf_path) {
    const rd_path path = rd_path_in(from, "config.json");
    code = rd_json_open(&config, path.text, e);
    json_object_set(config, "torch_dtype", json_object_get(written, "torch_dtype"));
    if (json_object_get(config, "dtype")) /* its newer name, which then counts */
      json_object_set(config, "dtype", json_object_get(written, "torch_dtype"));
    json_object_del(config, "quantization_config");
    const char *tied = m->config.family->keys->tied, *vocab = m->config.family->keys->vocab;
    json_object_set(config, vocab, json_object_get(written, vocab)); /* words may have been added */
    if (!m->config.tied) /* whatever the file said: head_apart, or an adapter of one of the two */
      json_object_set(config, tied, json_object_get(written, tied));
    if (m->remembered.mask >= 0)
      json_object_set(config, "mask_token_id", json_object_get(written, "mask_token_id"));
  }
  if (code == RD_OK)
    code = rd_json_write(folder, "config.json", config ? config : written, e);
  if (code == RD_OK && !config) {
    json_t *generation =
        json_pack("{s:O}", "eos_token_id", json_object_get(written, "eos_token_id"));
    code = rd_json_write(folder, "generation_config.json", generation, e);
    json_decref(generation);
  }
  json_decref(config);
  json_decref(written);
  return code;
}

/* What is written beside the files that are carried; config.json last. */
static const char *const own_files[] = {"config.json", "model.safetensors", "redraft.json", NULL};

/* Weights first: they are what a disk has no room for, and what a signal comes in the midst of. */
static rd_code write_files(const rd_model *m, const rd_convert_options *o, const rd_written *w,
                           bool *tokenizer, rd_error *e) {
  const rd_remembered kept = {.mask = -1, /* config.json has it */
                              .chat_template = m->remembered.chat_template,
                              .denoiser = m->config.block == 1 ? rd_model_denoises(m) : -1,
                              .defaults = m->remembered.defaults,
                              .about = m->remembered.about,
                              .examples = m->remembered.examples};
  const char *folder = m->store->file.folder, *from = folder ? folder : o->path;
  RD_TRY(rd_folder_make(o->out, e));
  const rd_path path = rd_path_in(o->out, "model.safetensors");
  RD_TRY(rd_safetensors_write(path.text, w->tensors, w->count, e));
  RD_TRY(rd_tokenizer_copy(m->tokenizer, m->store->adapter_words ? o->adapter : from, o->out,
                           tokenizer, e));
  RD_TRY(rd_remembered_write(&kept, o->out, e));
  return write_config(m, from, o->out, most_numbers(m, w->matrices), e);
}

/* `format` NULL: as the weights are stored. Before these are made and were looked through there is
 * no folder. */
static rd_code write_folder(const rd_model *m, const rd_convert_options *o, const rd_format *format,
                            rd_converted *done, rd_error *e) {
  rd_written w = {
      .model = m, .names = m->config.family->names, .matrices = format, .vectors = format};
  rd_code code = rd_written_make(&w, e);
  done->types = w.types;
  if (code == RD_OK) {
    const bool made = !rd_path_exists(o->out);
    code = write_files(m, o, &w, &done->tokenizer, e);
    if (code != RD_OK)
      rd_convert_take_back(o->out, made, own_files);
  }
  rd_written_drop(&w);
  return code;
}

static const struct type {
  const char *name, *format;
} types[] = {{"f32", "F32"}, {"f16", "F16"}, {"bf16", "BF16"}, {"q8_0", "Q8_0"}, {"q4_0", "Q4_0"}};
const rd_table rd_convert_type_table = RD_TABLE("type of weights", types);

rd_code rd_convert_type(const rd_format **out, const char *to, bool blocks, rd_error *e) {
  const struct type *type = rd_table_find(&rd_convert_type_table, to, e);
  *out = type ? rd_format_named(type->format) : NULL;
  if (type && !blocks && (*out)->block > 1)
    return rd_fail(
        e, RD_USAGE,
        "%s is a type of GGUF files: --gguf -o FILE.gguf writes one; folders and adapters "
        "take f32, f16 and bf16",
        to);
  return type ? RD_OK : RD_USAGE;
}

/* Merging rounds once: bf16 matrices stay bf16 while opening only when all are to be bf16. */
static const char *wanted_precision(const rd_model *m, const rd_format *format) {
  if (format)
    return format->dtype == RD_BF16 ? "bf16" : "f32";
  rd_walk p = rd_parts_of(&m->config, NULL, NULL, NULL);
  while (rd_parts_next(&p))
    if ((p.kind == RD_LINEAR || p.kind == RD_MATRIX) &&
        rd_written_type(rd_written_stored(m, &p))->dtype != RD_BF16)
      return "f32";
  return "bf16";
}

/* What is to be as it is stored is known when it is open. */
static rd_code open_for(rd_model **m, const rd_convert_options *o, const rd_format *format,
                        rd_error *e) {
  rd_model_options options = {.path = o->path,
                              .adapter = o->adapter,
                              .use = RD_ADAPTER_MERGED,
                              .chat_template = o->chat_template,
                              .mask_token = o->mask_token,
                              .precision = format ? wanted_precision(NULL, format) : NULL};
  RD_TRY(rd_model_open(m, &options, e));
  options.precision = wanted_precision(*m, format);
  if (strcmp((*m)->precision->name, options.precision) == 0)
    return RD_OK;
  rd_model_close(m);
  return rd_model_open(m, &options, e);
}

rd_code rd_convert_free(const char *out, const char *what, const char *const *names, rd_error *e) {
  char *found = NULL;
  for (; *names; names++) {
    const rd_path path = rd_path_in(out, *names);
    if (rd_path_exists(path.text))
      return rd_fail(e, RD_USAGE, "%s already holds %s's %s; name another folder", out, what,
                     *names);
  }
  RD_TRY(rd_model_folder_find(&found, out, RD_FILE_CARRIED, e));
  if (found)
    rd_fail(e, RD_USAGE, "%s already holds %s's %s; name another folder", out, what,
            found + strlen(out) + 1);
  free(found);
  return found ? RD_USAGE : RD_OK;
}

void rd_convert_take_back(const char *out, bool made, const char *const *names) {
  for (; *names; names++) {
    const rd_path path = rd_path_in(out, *names);
    unlink(path.text);
  }
  rd_model_folder_remove(out, RD_FILE_CARRIED);
  if (made)
    rmdir(out);
}

/* Nothing that is there is written over. */
static rd_code check_free(const rd_convert_options *o, rd_error *e) {
  char *gguf = NULL;
  if (o->gguf)
    return rd_path_exists(o->out)
             ? rd_fail(e, RD_USAGE, "%s is there already; name another file", o->out)
             : RD_OK;
  RD_TRY(rd_convert_free(o->out, "a model", own_files, e));
  /* a GGUF there is a model too; of several, none is named */
  const rd_code code = rd_path_is_folder(o->out) ? rd_model_folder_gguf(&gguf, o->out, e) : RD_OK;
  const bool taken = code == RD_USAGE || gguf;
  free(gguf);
  return taken ? rd_fail(e, RD_USAGE, "%s already holds a model's GGUF file; name another folder",
                         o->out)
               : code;
}

rd_code rd_convert(const rd_convert_options *o, rd_converted *done, rd_error *e) {
  const rd_format *format = NULL;
  rd_model *m = NULL;
  rd_converted unheard = {0};
  done = done ? done : &unheard;
  *done = (rd_converted){0};
  if (o->to)
    RD_TRY(rd_convert_type(&format, o->to, o->gguf, e));
  RD_TRY(check_free(o, e));
  rd_code code = open_for(&m, o, format, e);
  if (code == RD_OK && o->adapter)
    code = rd_model_check_adapter(m, e); /* a sum would be blamed on the model */
  if (code == RD_OK && o->gguf) {
    done->tokenizer = m->tokenizer != NULL;
    code = rd_convert_gguf(m, format, o->out, &done->types, e);
  } else if (code == RD_OK) {
    code = write_folder(m, o, format, done, e);
  }
  rd_model_close(&m);
  return code;
}
