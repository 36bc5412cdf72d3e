/* SPDX-License-Identifier: MIT */
/* The well-formed sequences of Unicode's table 3-7, and JSON's escapes, as rows of ranges. */
#include "string_body.h"

#include "tok_bytes.h"

#include <stdlib.h>
#include <string.h>

enum {
  BETWEEN,
  ONE_MORE,
  TWO_MORE,
  THREE_MORE,
  AFTER_E0,
  AFTER_ED,
  AFTER_F0,
  AFTER_F4,
  ESCAPE,
  FOUR_DIGITS,
  THREE_DIGITS,
  TWO_DIGITS,
  ONE_DIGIT,
  AFTER_0,
  AFTER_D
};

static const struct step {
  uint8_t from, low, high, to;
} steps[] = {
    {BETWEEN, 0x20, 0x21, BETWEEN},        {BETWEEN, 0x23, 0x5B, BETWEEN},
    {BETWEEN, 0x5D, 0x7F, BETWEEN},        {BETWEEN, '\\', '\\', ESCAPE},
    {BETWEEN, 0xC2, 0xDF, ONE_MORE},       {BETWEEN, 0xE0, 0xE0, AFTER_E0},
    {BETWEEN, 0xE1, 0xEC, TWO_MORE},       {BETWEEN, 0xED, 0xED, AFTER_ED},
    {BETWEEN, 0xEE, 0xEF, TWO_MORE},       {BETWEEN, 0xF0, 0xF0, AFTER_F0},
    {BETWEEN, 0xF1, 0xF3, THREE_MORE},     {BETWEEN, 0xF4, 0xF4, AFTER_F4},
    {ONE_MORE, 0x80, 0xBF, BETWEEN},       {TWO_MORE, 0x80, 0xBF, ONE_MORE},
    {THREE_MORE, 0x80, 0xBF, TWO_MORE},    {AFTER_E0, 0xA0, 0xBF, ONE_MORE},
    {AFTER_ED, 0x80, 0x9F, ONE_MORE},      {AFTER_F0, 0x90, 0xBF, TWO_MORE},
    {AFTER_F4, 0x80, 0x8F, TWO_MORE},      {ESCAPE, '"', '"', BETWEEN},
    {ESCAPE, '\\', '\\', BETWEEN},         {ESCAPE, '/', '/', BETWEEN},
    {ESCAPE, 'b', 'b', BETWEEN},           {ESCAPE, 'f', 'f', BETWEEN},
    {ESCAPE, 'n', 'n', BETWEEN},           {ESCAPE, 'r', 'r', BETWEEN},
    {ESCAPE, 't', 't', BETWEEN},           {ESCAPE, 'u', 'u', FOUR_DIGITS},
    {FOUR_DIGITS, '0', '0', AFTER_0},      {FOUR_DIGITS, '1', '9', THREE_DIGITS},
    {FOUR_DIGITS, 'A', 'C', THREE_DIGITS}, {FOUR_DIGITS, 'E', 'F', THREE_DIGITS},
    {FOUR_DIGITS, 'a', 'c', THREE_DIGITS}, {FOUR_DIGITS, 'e', 'f', THREE_DIGITS},
    {FOUR_DIGITS, 'D', 'D', AFTER_D},      {FOUR_DIGITS, 'd', 'd', AFTER_D},
    {AFTER_0, '1', '9', TWO_DIGITS},       {AFTER_0, 'A', 'F', TWO_DIGITS},
    {AFTER_0, 'a', 'f', TWO_DIGITS},       {AFTER_D, '0', '7', TWO_DIGITS},
    {THREE_DIGITS, '0', '9', TWO_DIGITS},  {THREE_DIGITS, 'A', 'F', TWO_DIGITS},
    {THREE_DIGITS, 'a', 'f', TWO_DIGITS},  {TWO_DIGITS, '0', '9', ONE_DIGIT},
    {TWO_DIGITS, 'A', 'F', ONE_DIGIT},     {TWO_DIGITS, 'a', 'f', ONE_DIGIT},
    {ONE_DIGIT, '0', '9', BETWEEN},        {ONE_DIGIT, 'A', 'F', BETWEEN},
    {ONE_DIGIT, 'a', 'f', BETWEEN},
};

rd_code rd_inside_open(rd_inside *out, int32_t places, rd_error *e) {
  *out = (rd_inside){.places = places};
  out->next = rd_calloc((size_t)places, sizeof *out->next, "a form", e);
  out->between = rd_calloc((size_t)places, sizeof *out->between, "a form", e);
  if (!out->next || !out->between) {
    rd_inside_drop(out);
    return RD_NO_MEMORY;
  }
  memset(out->next, 0xFF, (size_t)places * sizeof *out->next);
  return RD_OK;
}

rd_code rd_inside_plain(rd_inside *out, rd_error *e) {
  RD_TRY(rd_inside_open(out, RD_PLAIN_PLACES, e));
  for (const struct step *s = steps; s < steps + sizeof steps / sizeof *steps; s++)
    for (int byte = s->low; byte <= s->high; byte++)
      out->next[s->from][byte] = s->to;
  out->next[BETWEEN]['"'] = RD_INSIDE_SHUT;
  out->between[BETWEEN] = true;
  return RD_OK;
}

void rd_inside_drop(rd_inside *in) {
  free(in->next);
  free(in->between);
  *in = (rd_inside){0};
}
