# SPDX-License-Identifier: MIT
"""Every block format with random bytes, and what the gguf package says they mean: gguf/blocks.gguf
(one tensor [2, 512] per format) and gguf/blocks.expected.safetensors.  Codes, scales and signs are
random bytes, so every value occurs in every place; only the f16 and f32 scales are kept finite.
Also a GGUF file in three parts, written by the package (gguf/split-0000N-of-00003.gguf).

Needs the `gguf` package from PyPI (0.19.0) and numpy."""

import os

import gguf
import numpy as np
from gguf import GGMLQuantizationType as T

from formats import gguf_string, gguf_value, write_safetensors

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "gguf")
ROWS, COLUMNS = 2, 512

# format -> where in a block its scales lie: [(first byte, numpy type)]
SCALES = {
    T.Q4_0: [(0, "<f2")], T.Q4_1: [(0, "<f2"), (2, "<f2")], T.Q5_0: [(0, "<f2")],
    T.Q5_1: [(0, "<f2"), (2, "<f2")], T.Q8_0: [(0, "<f2")],
    T.Q2_K: [(80, "<f2"), (82, "<f2")], T.Q3_K: [(108, "<f2")], T.Q4_K: [(0, "<f2"), (2, "<f2")],
    T.Q5_K: [(0, "<f2"), (2, "<f2")], T.Q6_K: [(208, "<f2")], T.Q8_K: [(0, "<f4")],
    T.IQ4_NL: [(0, "<f2")], T.IQ4_XS: [(0, "<f2")], T.MXFP4: [], T.TQ1_0: [(52, "<f2")],
    T.TQ2_0: [(64, "<f2")],
}


def random_blocks(g, kind):
    block, size = gguf.GGML_QUANT_SIZES[kind]
    out = g.integers(0, 256, (ROWS * COLUMNS // block, size), np.uint8)
    for first, dtype in SCALES[kind]:
        scale = g.standard_normal((len(out), 1)).astype(dtype)
        out[:, first:first + scale.itemsize] = scale.view(np.uint8)
    if kind == T.MXFP4:  # exponents 0 and 1 are no normal numbers; 2^127 would be too much for a test
        out[:, 0] = g.integers(0, 160, len(out), np.uint8)
        out[0, 0], out[1, 0] = 0, 1
    return out


def meaning(blocks, kind):
    if kind == T.Q8_K:  # the package has no code for it: ggml's y = d q
        d = blocks[:, :4].copy().view("<f4")
        return d * blocks[:, 4:260].copy().view(np.int8).astype(np.float32)
    return gguf.quants.dequantize(blocks, kind)


def write_blocks():
    g = np.random.Generator(np.random.PCG64(14))
    infos, data, expected = b"", b"", {}
    tensors = [(kind.name.lower(), int(kind), blocks.tobytes(), meaning(blocks, kind))
               for kind in SCALES for blocks in [random_blocks(g, kind)]]
    wide = g.standard_normal(ROWS * COLUMNS) * 10.0 ** g.integers(-30, 30, ROWS * COLUMNS)
    tensors.append(("f64", int(T.F64), wide.astype("<f8").tobytes(), wide.astype(np.float32)))
    for name, kind, blob, values in tensors:
        infos += gguf_string(name) + np.array([2], "<u4").tobytes()
        infos += np.array([COLUMNS, ROWS], "<u8").tobytes() + np.array([kind], "<u4").tobytes()
        infos += np.array([len(data)], "<u8").tobytes()
        data += blob + b"\0" * (-len(blob) % 32)
        expected[name] = values.reshape(ROWS, COLUMNS).astype(np.float32)
    keys = [("general.architecture", "str", "llama"), ("general.name", "str", "blocks")]
    head = b"GGUF" + np.array([3], "<u4").tobytes() + np.array([len(tensors), len(keys)], "<u8").tobytes()
    head += b"".join(gguf_string(n) + gguf_value(k, v) for n, k, v in keys) + infos
    head += b"\0" * (-len(head) % 32)
    with open(os.path.join(HERE, "blocks.gguf"), "wb") as f:
        f.write(head + data)
    write_safetensors(os.path.join(HERE, "blocks.expected.safetensors"), expected)


def write_split():
    writer = gguf.GGUFWriter(os.path.join(HERE, "split.gguf"), "llama", split_max_tensors=2)
    writer.add_name("split")
    for i in range(5):
        writer.add_tensor(f"t{i}", np.arange(32 * i, 32 * i + 32, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


write_blocks()
write_split()
