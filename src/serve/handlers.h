/* SPDX-License-Identifier: MIT */
/* What paths do, where it has a file of its own; for the table of routes. */
#ifndef RD_HANDLERS_H
#define RD_HANDLERS_H

#include "exchange.h"

rd_handler rd_post_embeddings, rd_post_embed;                    /* embed.c */
rd_handler rd_post_pieces, rd_post_tokenize, rd_post_detokenize; /* tokens.c */
rd_handler rd_get_tokenizer, rd_get_props, rd_get_slots;         /* props.c */
rd_handler rd_get_tags, rd_get_version, rd_post_show;            /* tags.c */

#endif
