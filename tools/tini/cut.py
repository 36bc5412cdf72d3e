#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An adapter brought to a lower rank: of every update B A the part of most energy, by singular values (Eckart and Young). Needs numpy.

cut.py ADAPTER RANK OUT

ADAPTER is a folder in PEFT's layout whose scale (alpha / rank) is 1; OUT is written in f32, with what else the folder holds. Says which share of the updates' squares is kept.
"""

import json
import os
import shutil
import sys

import numpy

import mix


def cut(a, b, rank):
    """Factors of that rank, halves of the singular values on both sides; squares kept, squares in all."""
    qb, rb = numpy.linalg.qr(b)
    qa, ra = numpy.linalg.qr(a.T)
    u, s, v = numpy.linalg.svd(rb @ ra.T)
    half = numpy.sqrt(s[:rank])
    return (half[:, None] * v[:rank]) @ qa.T, (qb @ u[:, :rank]) * half, float((s[:rank] ** 2).sum()), float((s ** 2).sum())


def main(source, rank, out):
    with open(os.path.join(source, "adapter_config.json"), encoding="utf-8") as f:
        config = json.load(f)
    if config["lora_alpha"] != config["r"]:
        raise SystemExit(f"{source}: lora_alpha is {config['lora_alpha']} and r {config['r']}; only a scale of 1 is cut")
    if not 0 < rank <= config["r"]:
        raise SystemExit(f"rank {rank}: {source} can be cut to 1 to {config['r']}")
    shutil.copytree(source, out)
    weights, kept, squares = mix.read(os.path.join(source, "adapter_model.safetensors")), 0.0, 0.0
    for name in [n for n in weights if ".lora_A." in n]:
        other = name.replace(".lora_A.", ".lora_B.")
        a, b = (numpy.array(weights[n][1], dtype=numpy.float64).reshape(weights[n][0]) for n in (name, other))
        a, b, some, every = cut(a, b, rank)
        kept, squares = kept + some, squares + every
        for n, x in ((name, a), (other, b)):
            weights[n] = list(x.shape), numpy.ascontiguousarray(x, dtype=numpy.float32)
    mix.write(os.path.join(out, "adapter_model.safetensors"), weights)
    config["r"] = rank
    config["lora_alpha"] = float(rank)
    with open(os.path.join(out, "adapter_config.json"), "w", encoding="utf-8") as f:
        json.dump(config, f, indent=1)
    print(f"rank {rank} keeps {kept / squares:.1%} of the updates' squares")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    try:
        main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
    except (OSError, ValueError) as fault:
        raise SystemExit(f"cut.py: {fault}")
