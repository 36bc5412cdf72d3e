#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A model between two of one shape: mix.py FIRST SECOND SHARE OUT writes the folder OUT with (1 - SHARE) FIRST + SHARE SECOND, in f32.

What a model learns on few rows costs it some of what it knew; between the two it keeps more of both (Wortsman et al. 2021,
"Robust fine-tuning of zero-shot models").
"""

import array
import json
import os
import shutil
import struct
import sys


def read(path):
    """{name: (shape, f32 numbers)} of a file of safetensors."""
    with open(path, "rb") as f:
        head = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        body = f.read()
    head.pop("__metadata__", None)
    out = {}
    for name, entry in head.items():
        first, end = entry["data_offsets"]
        if entry["dtype"] == "BF16":
            wide = array.array("I", (x << 16 for x in array.array("H", body[first:end])))
            numbers = array.array("f", wide.tobytes())
        elif entry["dtype"] == "F32":
            numbers = array.array("f", body[first:end])
        else:
            raise SystemExit(f"{path}: {name} is {entry['dtype']}; F32 and BF16 are read")
        out[name] = entry["shape"], numbers
    return out


def write(path, tensors):
    """{name: (shape, array of f32)} as a file of safetensors."""
    head, body, at = {}, [], 0
    for name, (shape, numbers) in sorted(tensors.items()):
        data = numbers.tobytes()
        head[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + len(data)]}
        body.append(data)
        at += len(data)
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(body))


def mix(first, second, share, out):
    a, b = (read(os.path.join(folder, "model.safetensors")) for folder in (first, second))
    if {n: s for n, (s, _) in a.items()} != {n: s for n, (s, _) in b.items()}:
        raise SystemExit(f"{first} and {second} are not of one shape")
    os.makedirs(out, exist_ok=True)
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(os.path.join(first, name), out)
    between = {name: (shape, array.array("f", ((1 - share) * x + share * y for x, y in zip(numbers, b[name][1])))) for name, (shape, numbers) in a.items()}
    write(os.path.join(out, "model.safetensors"), between)


if __name__ == "__main__":
    if len(sys.argv) != 5:
        raise SystemExit(__doc__)
    try:
        mix(sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4])
    except (OSError, ValueError) as fault:
        raise SystemExit(f"mix.py: {fault}")
