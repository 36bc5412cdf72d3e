/* SPDX-License-Identifier: MIT */
/* The types that are known by name and size alone. Integers and truth values are buffers
 * (positions, masks); eight-bit floats mean nothing without scales that lie in tensors of their
 * own; ggml's IQ1 to IQ3 need lattices of tens of kilobytes. */
#include "unread.h"

#include <string.h>

static const rd_format unread[] = {
    {.name = "I8", .gguf = 24, .dtype = -1, .block = 1, .bytes = 1},
    {.name = "I16", .gguf = 25, .dtype = -1, .block = 1, .bytes = 2},
    {.name = "I32", .gguf = 26, .dtype = -1, .block = 1, .bytes = 4},
    {.name = "I64", .gguf = 27, .dtype = -1, .block = 1, .bytes = 8},
    {.name = "U8", .gguf = -1, .dtype = -1, .block = 1, .bytes = 1},
    {.name = "U16", .gguf = -1, .dtype = -1, .block = 1, .bytes = 2},
    {.name = "U32", .gguf = -1, .dtype = -1, .block = 1, .bytes = 4},
    {.name = "U64", .gguf = -1, .dtype = -1, .block = 1, .bytes = 8},
    {.name = "BOOL", .gguf = -1, .dtype = -1, .block = 1, .bytes = 1},
    {.name = "C64", .gguf = -1, .dtype = -1, .block = 1, .bytes = 8},
    {.name = "C128", .gguf = -1, .dtype = -1, .block = 1, .bytes = 16},
    {.name = "F8_E4M3", .gguf = -1, .dtype = -1, .block = 1, .bytes = 1},
    {.name = "F8_E5M2", .gguf = -1, .dtype = -1, .block = 1, .bytes = 1},
    {.name = "F8_E8M0", .gguf = -1, .dtype = -1, .block = 1, .bytes = 1},
    {.name = "F8_E4M3FNUZ", .gguf = -1, .dtype = -1, .block = 1, .bytes = 1},
    {.name = "F8_E5M2FNUZ", .gguf = -1, .dtype = -1, .block = 1, .bytes = 1},
    {.name = "Q4_2", .gguf = 4, .dtype = -1, .block = 16, .bytes = 10},
    {.name = "Q4_3", .gguf = 5, .dtype = -1, .block = 16, .bytes = 12},
    {.name = "Q8_1",
     .gguf = 9,
     .dtype = -1,
     .block = 32,
     .bytes = 0}, /* ggml's own half-way house, of two sizes over time */
    {.name = "IQ2_XXS", .gguf = 16, .dtype = -1, .block = 256, .bytes = 66},
    {.name = "IQ2_XS", .gguf = 17, .dtype = -1, .block = 256, .bytes = 74},
    {.name = "IQ3_XXS", .gguf = 18, .dtype = -1, .block = 256, .bytes = 98},
    {.name = "IQ1_S", .gguf = 19, .dtype = -1, .block = 256, .bytes = 50},
    {.name = "IQ3_S", .gguf = 21, .dtype = -1, .block = 256, .bytes = 110},
    {.name = "IQ2_S", .gguf = 22, .dtype = -1, .block = 256, .bytes = 82},
    {.name = "IQ1_M", .gguf = 29, .dtype = -1, .block = 256, .bytes = 56},
    {.name = "Q4_0_4_4", .gguf = 31, .dtype = -1, .block = 32, .bytes = 18},
    {.name = "Q4_0_4_8", .gguf = 32, .dtype = -1, .block = 32, .bytes = 18},
    {.name = "Q4_0_8_8", .gguf = 33, .dtype = -1, .block = 32, .bytes = 18},
    {.name = "IQ4_NL_4_4", .gguf = 36, .dtype = -1, .block = 32, .bytes = 18},
    {.name = "IQ4_NL_4_8", .gguf = 37, .dtype = -1, .block = 32, .bytes = 18},
    {.name = "IQ4_NL_8_8", .gguf = 38, .dtype = -1, .block = 32, .bytes = 18},
    {.name = "NVFP4",
     .gguf = 40,
     .dtype = -1,
     .block = 64,
     .bytes = 36}, /* its second scale is another tensor */
    {.name = "Q1_0", .gguf = 41, .dtype = -1, .block = 128, .bytes = 18},
};

const rd_format rd_unread_unknown = {
    .name = "unknown", .gguf = -1, .dtype = -1, .block = 1, .bytes = 0};

const rd_format *rd_unread_named(const char *name) {
  for (size_t i = 0; i < sizeof unread / sizeof *unread; i++)
    if (strcmp(unread[i].name, name) == 0)
      return &unread[i];
  return NULL;
}

const rd_format *rd_unread_of_gguf(uint32_t type) {
  for (size_t i = 0; i < sizeof unread / sizeof *unread; i++)
    if (unread[i].gguf >= 0 && (uint32_t)unread[i].gguf == type)
      return &unread[i];
  return NULL;
}
