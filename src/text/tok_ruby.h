/* SPDX-License-Identifier: MIT */
/* Patterns in Ruby's syntax, which Hugging Face's library hands to Oniguruma, in PCRE2's words. */
#ifndef RD_TOK_RUBY_H
#define RD_TOK_RUBY_H

#include "tok_bytes.h"

/* Append the pattern. RD_UNSUPPORTED: what PCRE2 has no words for; RD_BAD_INPUT: no pattern. */
rd_code rd_ruby_pattern(rd_bytes *out, rd_slice pattern, rd_error *e);

#endif
