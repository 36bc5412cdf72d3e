# SPDX-License-Identifier: MIT
"""tini's GGUF file in PyTorch: its matrices in Q8_0 read as numbers, and the numbers that any matrix has once it is written so."""

import struct

import numpy
import torch

SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}     # bytes of a value, by GGUF's number of its kind
TEXT, LIST = 8, 9
F32, Q8_0 = 0, 8
NAMES = {"token_embd": "model.embed_tokens", "output_norm": "model.norm"}
PARTS = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
         "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}


def rounded(t):
    """These numbers as Q8_0 keeps them: blocks of 32, a step of most / 127 in half precision, half steps away from nothing (src/store/format.c)."""
    x = t.float().reshape(-1, 32)
    step = x.abs().amax(1, keepdim=True) / 127
    steps = x * torch.where(step > 0, 1 / step, 0)
    whole = torch.sign(steps) * torch.floor(steps.abs() + 0.5)
    return (whole * step.half().float()).reshape(t.shape).to(t.dtype)


def skip(f, kind):
    if kind == TEXT:
        f.seek(struct.unpack("<Q", f.read(8))[0], 1)
    elif kind == LIST:
        kind, count = struct.unpack("<IQ", f.read(12))
        if kind == TEXT:
            for _ in range(count):
                skip(f, kind)
        else:
            f.seek(SIZES[kind] * count, 1)
    else:
        f.seek(SIZES[kind], 1)


def text(f):
    return f.read(struct.unpack("<Q", f.read(8))[0]).decode()


def named(name):
    part = name.removesuffix(".weight").split(".")
    return f"model.layers.{part[1]}.{PARTS[part[2]]}.weight" if part[0] == "blk" else NAMES[part[0]] + ".weight"


def read(path, heads):
    """{name of Hugging Face: tensor}. Rows of queries and keys lie in pairs there and are put in halves again."""
    tensors = {}
    with open(path, "rb") as f:
        _, _, count, values = struct.unpack("<4sIQQ", f.read(24))
        for _ in range(values):
            text(f)
            skip(f, struct.unpack("<I", f.read(4))[0])
        places = []
        for _ in range(count):
            name = text(f)
            shape = struct.unpack("<%dQ" % (n := struct.unpack("<I", f.read(4))[0]), f.read(8 * n))[::-1]
            places.append((name, shape, *struct.unpack("<IQ", f.read(12))))
        begin = (f.tell() + 31) // 32 * 32
        for name, shape, kind, at in places:
            f.seek(begin + at)
            size = int(numpy.prod(shape))
            if kind == F32:
                t = numpy.frombuffer(f.read(4 * size), numpy.float32)
            elif kind == Q8_0:
                blocks = numpy.frombuffer(f.read(34 * size // 32), numpy.uint8).reshape(-1, 34)
                t = blocks[:, :2].copy().view(numpy.float16).astype(numpy.float32) * blocks[:, 2:].view(numpy.int8)
            else:
                raise SystemExit(f"{path}: {name} is of kind {kind}: only F32 and Q8_0 are read here")
            t = torch.from_numpy(t.reshape(shape).copy())
            if ".attn_q." in name or ".attn_k." in name:
                t = t.view(heads, -1, 2, shape[-1]).transpose(1, 2).reshape(shape)
            tensors[named(name)] = t
    return tensors
