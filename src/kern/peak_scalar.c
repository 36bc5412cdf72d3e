/* SPDX-License-Identifier: MIT */
/* The f32 peak of plain C. */
#include "peak.h"

#define NAME rd_peak_f32_scalar
#define VECTOR float
#define ZERO 0.5f
#define STEP(a) ((a)*0.999f + 0.001f)
#define SUM(a) (a)
#include "peak_body.inc"
