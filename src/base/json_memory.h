/* SPDX-License-Identifier: MIT */
/* jansson without memory. Its parser takes a failed allocation for a mistake of the text, and what
 * it saves of a long string it does not look at: it can run on over half of one. So while a text is
 * loaded here a failure is remembered, what was asked for comes from a reserve, and the text ends
 * at once. */
#ifndef RD_JSON_MEMORY_H
#define RD_JSON_MEMORY_H

#include <jansson.h>
#include <stdbool.h>

/* jansson's json_loadb; where memory ran out json_error_code(why) is json_error_out_of_memory, and
 * the result NULL. Safe from every thread. */
json_t *rd_json_load_safely(const char *text, size_t size, size_t flags, json_error_t *why);
/* jansson's json_dumps, into a string for free() whatever the process's allocators are. */
char *rd_json_dumps(const json_t *value, size_t flags);
/* Around building values: what fails between the two is remembered, and comes from the reserve as
 * far as that goes. True: memory ran out, and something may be missing. Not around the above. */
void rd_json_watch(void);
bool rd_json_lacked(void);
/* Let json_error_code(why) be json_error_out_of_memory. */
void rd_json_no_memory(json_error_t *why);

#endif
