/* SPDX-License-Identifier: MIT */
/* Files that are no text: each kind by the bytes it begins with. Read as text they would be trained
 * on as noise. */
#include "rows.h"

#include <string.h>

static const char pandas[] =
    "').to_json('rows.jsonl', orient='records', lines=True, force_ascii=False)\" makes rows of it";

/* `before`, the path, `after` make the one line that says what to do. */
static const struct kind {
  const char *name, *begins;
  size_t size;
  const char *before, *after;
} kinds[] = {
    {"a Parquet file", "PAR1", 4, "python3 -c \"import pandas; pandas.read_parquet('", pandas},
    {"an Arrow file", "ARROW1", 6, "python3 -c \"import pandas; pandas.read_feather('", pandas},
    {"a zip archive or an Office document", "PK\x03\x04", 4, "unpack it, or save the sheet of ",
     " as CSV"},
    {"compressed by gzip", "\x1f\x8b", 2, "gunzip -k ", " unpacks it"},
    {"compressed by zstd", "\x28\xb5\x2f\xfd", 4, "zstd -d ", " unpacks it"},
    {"compressed by xz", "\xfd\x37zXZ", 5, "xz -dk ", " unpacks it"},
    {"compressed by bzip2", "BZh", 3, "bunzip2 -k ", " unpacks it"},
    {"an SQLite database", "SQLite format 3", 15, "sqlite3 -csv -header ",
     " 'SELECT ..' > rows.csv makes rows of it"},
    {"text in UTF-16", "\xff\xfe", 2, "iconv -f UTF-16 -t UTF-8 ", " makes it readable"},
    {"text in UTF-16", "\xfe\xff", 2, "iconv -f UTF-16 -t UTF-8 ", " makes it readable"},
    {"a PDF document", "%PDF-", 5, "pdftotext ", " makes text of it"},
};

rd_code rd_rows_plain(const char *path, const char **text, size_t *size, rd_error *e) {
  enum { LOOK = 1 << 16 };
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (*size >= kinds[i].size && memcmp(*text, kinds[i].begins, kinds[i].size) == 0)
      return rd_fail(e, RD_BAD_INPUT, "%s: %s, not rows or text; %s%s%s", path, kinds[i].name,
                     kinds[i].before, path, kinds[i].after);
  if (*size >= 3 && memcmp(*text, "\xef\xbb\xbf", 3) == 0) {
    *text += 3;
    *size -= 3;
  }
  const char *nul = memchr(*text, '\0', *size < LOOK ? *size : LOOK);
  if (nul)
    return rd_fail(e, RD_BAD_INPUT,
                   "%s: not text: a zero byte stands at %zu; rows are JSONL, a JSON array, CSV or "
                   "plain text, in UTF-8",
                   path, (size_t)(nul - *text));
  return RD_OK;
}
