/* SPDX-License-Identifier: MIT */
/* The table: the names of transformers' ACT2FN whose curves the kernels have. */
#include "activation.h"

#include <stddef.h>

#define KERNELS(member) offsetof(rd_kernels, member)
static const rd_activation rows[] = {
    {"silu", KERNELS(silu)},
    {"swish", KERNELS(silu)},
    {"gelu", KERNELS(gelu)},
    {"gelu_python", KERNELS(gelu)},
    {"gelu_pytorch_tanh", KERNELS(gelu_tanh)},
    {"gelu_python_tanh", KERNELS(gelu_tanh)},
    {"gelu_new", KERNELS(gelu_tanh)},
    {"gelu_fast", KERNELS(gelu_tanh)},
    {"gelu_accurate", KERNELS(gelu_tanh)},
    {"quick_gelu", KERNELS(gelu_sigmoid)},
    {"relu", KERNELS(relu)},
    {"relu2", KERNELS(relu_squared)},
};
const rd_table rd_activation_table = RD_TABLE("activation", rows);

const rd_gate_kernels *rd_activation_kernels(const rd_activation *f, const rd_kernels *kernels) {
  return (const rd_gate_kernels *)(const void *)((const char *)kernels +
                                                 (f ? f->kernels : rows[0].kernels));
}
