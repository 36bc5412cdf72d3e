/* SPDX-License-Identifier: MIT */
/* torch's rebuild functions (torch/_utils.py) read as descriptions: each row says which arguments
 * of the call are storage, offset, sizes and strides. Modules are let in by the packages that
 * define them; they are records with a __dict__, and no code of theirs is known here. */
#include "torch_names.h"

static rd_code unlike(const char *what, rd_error *e) {
  return rd_fail(e, RD_BAD_INPUT, "pickle: a tensor whose %s torch would not write", what);
}

static rd_code read_counts(int64_t *out, int *count, const rd_pickle_value *list, const char *what,
                           rd_error *e) {
  if (list->kind != RD_PICKLE_LIST || list->count > RD_TORCH_DIMS)
    return unlike(what, e);
  for (size_t i = 0; i < list->count; i++) {
    if (list->items[i]->kind != RD_PICKLE_INT || list->items[i]->integer < 0)
      return unlike(what, e);
    out[i] = list->items[i]->integer;
  }
  *count = (int)list->count;
  return RD_OK;
}

/* Storage, offset, sizes, strides: what every way begins with. */
static rd_code read_view(rd_torch_view *out, const rd_pickle_value *a, rd_error *e) {
  int strides = 0;
  if (a->count < 4 || a->items[0]->kind != RD_PICKLE_PLACE || a->items[1]->kind != RD_PICKLE_INT ||
      a->items[1]->integer < 0)
    return unlike("arguments", e);
  out->place = a->items[0];
  out->offset = a->items[1]->integer;
  RD_TRY(read_counts(out->size, &out->dims, a->items[2], "sizes", e));
  RD_TRY(read_counts(out->stride, &strides, a->items[3], "strides", e));
  if (strides != out->dims)
    return unlike("strides", e);
  for (int d = 0; d < out->dims;
       d++) /* one number makes no stride, and the file's may be anything */
    out->stride[d] = out->size[d] == 1 ? 0 : out->stride[d];
  return RD_OK;
}

/* Argument `i` may be there to say that the numbers are to be negated or conjugated. */
static rd_code no_marks(const rd_pickle_value *a, size_t i, rd_error *e) {
  bool none = a->count <= i || a->items[i]->kind == RD_PICKLE_NONE ||
              (a->items[i]->kind == RD_PICKLE_DICT && a->items[i]->count == 0);
  return none ? RD_OK
              : rd_fail(e, RD_UNSUPPORTED,
                        "pickle: a negated or conjugated view; clone() it before saving");
}

/* (storage, offset, size, stride, requires_grad, hooks[, marks]) */
static rd_code build_tensor(rd_torch_view *out, const rd_pickle_value *a, int depth, rd_error *e) {
  (void)depth;
  RD_TRY(read_view(out, a, e));
  return no_marks(a, 6, e);
}

/* The same, then dtype[, marks]: for types that have no class of storages. */
static rd_code build_typed(rd_torch_view *out, const rd_pickle_value *a, int depth, rd_error *e) {
  (void)depth;
  RD_TRY(read_view(out, a, e));
  const rd_torch_role *role = a->count > 6 ? rd_torch_role_of(a->items[6]) : NULL;
  if (!role || !role->type)
    return unlike("type", e);
  out->type = role->type;
  return no_marks(a, 7, e);
}

/* (tensor, requires_grad, hooks[, state]) */
static rd_code build_parameter(rd_torch_view *out, const rd_pickle_value *a, int depth,
                               rd_error *e) {
  return a->count > 0 ? rd_torch_view_of(out, a->items[0], depth - 1, e) : unlike("arguments", e);
}

/* (function, class, arguments, state): a tensor that was given attributes */
static rd_code build_by(rd_torch_view *out, const rd_pickle_value *a, int depth, rd_error *e) {
  const rd_torch_role *role = a->count > 2 ? rd_torch_role_of(a->items[0]) : NULL;
  if (!role || !role->build || depth <= 0 || a->items[2]->kind != RD_PICKLE_LIST)
    return unlike("function", e);
  return role->build(out, a->items[2], depth - 1, e);
}

/* A class of storages and a dtype for one type of numbers. */
#define NUMBERS(storage, dtype, type)                                                              \
  {"torch", storage, RD_PICKLE_RECORD, &(const rd_torch_role){NULL, type}}, {                      \
    "torch", dtype, RD_PICKLE_RECORD, &(const rd_torch_role) {                                     \
      NULL, type                                                                                   \
    }                                                                                              \
  }
#define DTYPE(dtype, type)                                                                         \
  {                                                                                                \
    "torch", dtype, RD_PICKLE_RECORD, &(const rd_torch_role) {                                     \
      NULL, type                                                                                   \
    }                                                                                              \
  }
#define TENSOR(name, build)                                                                        \
  {                                                                                                \
    "torch._utils", name, RD_PICKLE_RECORD, &(const rd_torch_role) {                               \
      build, NULL                                                                                  \
    }                                                                                              \
  }

const rd_pickle_name rd_torch_names[] = {
    TENSOR("_rebuild_tensor", build_tensor),
    TENSOR("_rebuild_tensor_v2", build_tensor),
    TENSOR("_rebuild_tensor_v3", build_typed),
    TENSOR("_rebuild_parameter", build_parameter),
    TENSOR("_rebuild_parameter_with_state", build_parameter),
    {"torch._tensor", "_rebuild_from_type_v2", RD_PICKLE_RECORD,
     &(const rd_torch_role){build_by, NULL}},
    NUMBERS("FloatStorage", "float32", "F32"),
    NUMBERS("HalfStorage", "float16", "F16"),
    NUMBERS("BFloat16Storage", "bfloat16", "BF16"),
    NUMBERS("DoubleStorage", "float64", "F64"),
    NUMBERS("LongStorage", "int64", "I64"),
    NUMBERS("IntStorage", "int32", "I32"),
    NUMBERS("ShortStorage", "int16", "I16"),
    NUMBERS("CharStorage", "int8", "I8"),
    NUMBERS("ByteStorage", "uint8", "U8"),
    NUMBERS("BoolStorage", "bool", "BOOL"),
    NUMBERS("ComplexFloatStorage", "complex64", "C64"),
    NUMBERS("ComplexDoubleStorage", "complex128", "C128"),
    DTYPE("uint16", "U16"),
    DTYPE("uint32", "U32"),
    DTYPE("uint64", "U64"),
    DTYPE("float8_e4m3fn", "F8_E4M3"),
    DTYPE("float8_e5m2", "F8_E5M2"),
    DTYPE("float8_e8m0fnu", "F8_E8M0"),
    DTYPE("float8_e4m3fnuz", "F8_E4M3FNUZ"),
    DTYPE("float8_e5m2fnuz", "F8_E5M2FNUZ"),
    {"torch.storage", "UntypedStorage", RD_PICKLE_RECORD, &(const rd_torch_role){NULL, NULL}},
    {"torch", "Size", RD_PICKLE_LIST, NULL},
    {"torch", "device", RD_PICKLE_RECORD, NULL},
    {"torch", "Tensor", RD_PICKLE_RECORD, NULL},
    {"collections", "OrderedDict", RD_PICKLE_DICT, NULL},
    {"builtins", "set", RD_PICKLE_LIST, NULL},
    {"builtins", "frozenset", RD_PICKLE_LIST, NULL},
    {"__builtin__", "set", RD_PICKLE_LIST, NULL},
    {"__builtin__", "frozenset", RD_PICKLE_LIST, NULL},
    /* a bound method, which PEFT's models keep one of: recorded like every call, and a record
       cannot be called */
    {"builtins", "getattr", RD_PICKLE_RECORD, NULL},
    {"__builtin__", "getattr", RD_PICKLE_RECORD, NULL},
    {"torch.nn.", NULL, RD_PICKLE_RECORD, NULL},
    {"transformers.", NULL, RD_PICKLE_RECORD, NULL},
    {"transformers_modules.", NULL, RD_PICKLE_RECORD, NULL},
    {"peft.", NULL, RD_PICKLE_RECORD, NULL},
    {"__main__", NULL, RD_PICKLE_RECORD, NULL},
};
const size_t rd_torch_name_count = sizeof rd_torch_names / sizeof *rd_torch_names;

const rd_torch_role *rd_torch_role_of(const rd_pickle_value *v) {
  const rd_pickle_value *name = v->kind == RD_PICKLE_RECORD ? v->of : v;
  return name->kind == RD_PICKLE_NAME ? name->row->role : NULL;
}

rd_code rd_torch_view_of(rd_torch_view *out, const rd_pickle_value *record, int depth,
                         rd_error *e) {
  const rd_torch_role *role = record->kind == RD_PICKLE_RECORD ? rd_torch_role_of(record) : NULL;
  if (!role || !role->build || depth <= 0)
    return unlike("function", e);
  return role->build(out, record->arguments, depth, e);
}
