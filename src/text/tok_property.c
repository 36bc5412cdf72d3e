/* SPDX-License-Identifier: MIT */
/* Names are compared as Oniguruma does: in any case, without spaces, hyphens and underscores. What
 * is no row may be a script, which PCRE2 takes for the wider set of the characters that the script
 * shares with others, unless it is told that only its own are meant: "\p{Han}" holds no comma. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "tok_property.h"

#include <ctype.h>
#include <pcre2.h>
#include <stdio.h>
#include <string.h>

static const struct property_row {
  const char *name, *members;
  const char *bracket; /* the members of [:name:], where they are others; or NULL */
  bool negated;
} rows[] = {
    {"alnum", "\\p{alpha}\\p{Nd}", NULL, false},
    {"alpha", "\\p{alpha}", NULL, false},
    {"ascii", "\\x00-\\x7F", NULL, false},
    {"assigned", "\\p{Cn}", NULL, true},
    {"blank", "\\p{Zs}\\t", NULL, false},
    {"cntrl", "\\p{Cc}", NULL, false},
    {"digit", "\\p{Nd}", NULL, false},
    {"graph", "\\p{wspace}\\p{Cc}\\p{Cn}\\p{Cs}", NULL, true},
    {"lower", "\\p{lower}", NULL, false},
    {"print", "\\p{Cc}\\p{Cn}\\p{Cs}\\p{Zl}\\p{Zp}", NULL, true},
    {"punct", "\\p{P}", "\\p{P}\\p{S}", false},
    {"space", "\\p{wspace}", NULL, false},
    {"upper", "\\p{upper}", NULL, false},
    {"word", RD_WORD_SET RD_WORD_LATIN, RD_WORD_SET, false},
    {"xdigit", "0-9A-Fa-f", NULL, false},
    /* general categories */
    {"other", "\\p{C}", NULL, false},
    {"control", "\\p{Cc}", NULL, false},
    {"format", "\\p{Cf}", NULL, false},
    {"unassigned", "\\p{Cn}", NULL, false},
    {"privateuse", "\\p{Co}", NULL, false},
    {"surrogate", "\\p{Cs}", NULL, false},
    {"letter", "\\p{L}", NULL, false},
    {"casedletter", "\\p{Lu}\\p{Ll}\\p{Lt}", NULL, false},
    {"lowercaseletter", "\\p{Ll}", NULL, false},
    {"modifierletter", "\\p{Lm}", NULL, false},
    {"otherletter", "\\p{Lo}", NULL, false},
    {"titlecaseletter", "\\p{Lt}", NULL, false},
    {"uppercaseletter", "\\p{Lu}", NULL, false},
    {"mark", "\\p{M}", NULL, false},
    {"combiningmark", "\\p{M}", NULL, false},
    {"spacingmark", "\\p{Mc}", NULL, false},
    {"enclosingmark", "\\p{Me}", NULL, false},
    {"nonspacingmark", "\\p{Mn}", NULL, false},
    {"number", "\\p{N}", NULL, false},
    {"decimalnumber", "\\p{Nd}", NULL, false},
    {"letternumber", "\\p{Nl}", NULL, false},
    {"othernumber", "\\p{No}", NULL, false},
    {"punctuation", "\\p{P}", NULL, false},
    {"connectorpunctuation", "\\p{Pc}", NULL, false},
    {"dashpunctuation", "\\p{Pd}", NULL, false},
    {"closepunctuation", "\\p{Pe}", NULL, false},
    {"finalpunctuation", "\\p{Pf}", NULL, false},
    {"initialpunctuation", "\\p{Pi}", NULL, false},
    {"otherpunctuation", "\\p{Po}", NULL, false},
    {"openpunctuation", "\\p{Ps}", NULL, false},
    {"symbol", "\\p{S}", NULL, false},
    {"currencysymbol", "\\p{Sc}", NULL, false},
    {"modifiersymbol", "\\p{Sk}", NULL, false},
    {"mathsymbol", "\\p{Sm}", NULL, false},
    {"othersymbol", "\\p{So}", NULL, false},
    {"separator", "\\p{Z}", NULL, false},
    {"lineseparator", "\\p{Zl}", NULL, false},
    {"paragraphseparator", "\\p{Zp}", NULL, false},
    {"spaceseparator", "\\p{Zs}", NULL, false},
};

enum { LONGEST = 48 };

static bool is_pattern(const char *text) {
  int error = 0;
  PCRE2_SIZE where = 0;
  pcre2_code *code =
      pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, PCRE2_UTF, &error, &where, NULL);
  pcre2_code_free(code);
  return code != NULL;
}

bool rd_set_named(rd_set *set, const char *name, size_t size, bool bracket) {
  char plain[LONGEST];
  size_t n = 0;
  const bool negated = size > 0 && *name == '^';
  for (size_t i = negated; i < size; i++) {
    if (n == LONGEST - 1 || !isascii((unsigned char)name[i]))
      return false;
    if (!strchr(" _-", name[i]))
      plain[n++] = (char)tolower((unsigned char)name[i]);
  }
  plain[n] = '\0';
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (strcmp(rows[i].name, plain) == 0) {
      snprintf(set->members, sizeof set->members, "%s",
               bracket && rows[i].bracket ? rows[i].bracket : rows[i].members);
      set->negated = rows[i].negated != negated;
      return true;
    }
  snprintf(set->members, sizeof set->members, "\\p{sc:%s}", plain);
  set->negated = negated;
  return !bracket && n > 2 && is_pattern(set->members);
}
