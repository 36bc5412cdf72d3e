#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A model between others of one shape: mix.py OUT SHARE FOLDER [SHARE FOLDER ...] writes the folder OUT with their mean by these shares, in f32.

A FOLDER is a model's, or a checkpoint of a training; the first one is a model's. What a model learns on few rows costs it some of what it knew; between
the two it keeps more of both (Wortsman et al. 2021, "Robust fine-tuning of zero-shot models"), and a mean of what one training passes through is less
noisy than where it ends (Izmailov et al. 2018, "Averaging weights leads to wider optima").
A SHARE of two numbers, 0.7/0.1, is the feed-forward's and that of everything else: facts lie in the former.
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


def weights(folder):
    """{name: (shape, numbers)} of a model's folder or of a training's checkpoint."""
    checkpoint = os.path.join(folder, "tensors.safetensors")
    if os.path.exists(checkpoint):
        return {name.removeprefix("weight:"): t for name, t in read(checkpoint).items() if name.startswith("weight:")}
    return read(os.path.join(folder, "model.safetensors"))


def mix(out, shares, folders):
    """The mean of the models by these shares, of each (feed-forward's, the others'); what else a folder has is the first one's."""
    totals, mean, shapes = [sum(part) for part in zip(*shares)], {}, None
    if 0 in totals:
        raise SystemExit("mix.py: the shares add up to nothing")
    for share, folder in zip(shares, folders):
        tensors = weights(folder)
        found = {name: shape for name, (shape, _) in tensors.items()}
        if found != (shapes or found):
            raise SystemExit(f"mix.py: {folder} and {folders[0]} are not of one shape")
        shapes = found
        for name, (_, numbers) in tensors.items():
            before, part = mean.get(name), 0 if ".mlp." in name else 1
            w = share[part] / totals[part]
            mean[name] = array.array("d", (m + w * x for m, x in zip(before, numbers)) if before else (w * x for x in numbers))
    os.makedirs(out, exist_ok=True)
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(os.path.join(folders[0], name), out)
    whole = os.path.join(out, "model.safetensors")
    write(whole + ".part", {name: (shapes[name], array.array("f", numbers)) for name, numbers in mean.items()})
    os.replace(whole + ".part", whole)


def share(word):
    """(the feed-forward's, the others')"""
    try:
        numbers = [float(part) for part in word.split("/")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2):
        raise SystemExit(f"mix.py: {word}: a SHARE is a number, or two with a slash between, and stands before its FOLDER")
    return numbers[0], numbers[-1]


if __name__ == "__main__":
    if len(sys.argv) < 4 or len(sys.argv) % 2:
        raise SystemExit(__doc__)
    try:
        mix(sys.argv[1], [share(word) for word in sys.argv[2::2]], sys.argv[3::2])
    except (OSError, ValueError) as fault:
        raise SystemExit(f"mix.py: {fault}")
