/* SPDX-License-Identifier: MIT */
/* What adapting came to, as a document: DIR/report.md with DIR/loss.svg. */
#ifndef RD_ADAPT_REPORT_H
#define RD_ADAPT_REPORT_H

#include "adapt.h"

/* Answer held-out prompts left to right, checked and by a threshold, and write the document. */
rd_code rd_adapt_report(const rd_adapt_settings *s, rd_error *e);

#endif
