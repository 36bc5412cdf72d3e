# SPDX-License-Identifier: MIT
"""Writes the golden training steps: train/*.safetensors (F32) and train.json, one row per case:

    {"name", "model", "adapter" (or null), "trainable": "lora+norms" | "lora" | "all", "attention",
     "optimizer": {rate, beta1, beta2, eps, decay, clip}, "decayed": "matrices",
     "steps": [{"ids", "targets", "weights", "loss", "grad_norm"}...],
     "gradients": file, "after": {"1": file, "3": file}}

Step s uses batch s: (B, T) ids (corrupted where the objective corrupts), targets and weights, written out,
so no random numbers need to agree.  The loss is the sum over all positions of weight x cross entropy of
the row's own logits against the target; attention spans the whole row, padding included.  `gradients` are
those of step 1 before clipping; `after` are the weights after 1 and 3 steps.  Tensor names are those of
the model's files, PEFT's for LoRA factors and replaced norms.  Run: python3 make_train.py [folder]."""

import json
import os
import sys

import numpy as np

import make_models as mm
import reference as ref
from backward import AdamW, check_gradients, loss_and_gradients, parameters
from formats import write_safetensors

B, T, PROMPT, ANSWER = 2, 14, 4, 7            # a row: prompt, answer (with its EOS), EOS padding


def clean_rows(g):
    rows = g.integers(33, 270, (B, T))
    rows[:, 0] = mm.BOS
    rows[0, PROMPT + ANSWER - 1:] = mm.EOS
    rows[1, PROMPT + ANSWER - 3:] = mm.EOS    # a shorter answer beside it
    return rows


def answer_lengths():
    return [ANSWER, ANSWER - 2]


def structural(g):
    """LAD: same position, corrupted answer, loss over all positions, padding included."""
    targets = clean_rows(g)
    ids = targets.copy()
    ids[0, PROMPT + 1] = mm.MASK
    ids[0, PROMPT + 4] = mm.MASK
    ids[0, [PROMPT + 2, PROMPT + 3]] = ids[0, [PROMPT + 3, PROMPT + 2]]     # a swap
    ids[1, PROMPT + 2] = ids[1, PROMPT + 1]                                 # a duplication
    ids[1, PROMPT] = mm.MASK
    return ids, targets, np.full((B, T), 1 / (B * T))


def answer_only(g):
    """The same, counting the answers alone (their closing EOS in, the padding out)."""
    ids, targets, _ = structural(g)
    weights = np.zeros((B, T))
    for b, n in enumerate(answer_lengths()):
        weights[b, PROMPT:PROMPT + n] = 1
    return ids, targets, weights / weights.sum()


def mask_only(g):
    """LLaDA: sum over masked positions of CE / t, by the answer's length, mean over rows."""
    targets = clean_rows(g)
    ids, weights = targets.copy(), np.zeros((B, T))
    for b, n in enumerate(answer_lengths()):
        t = g.uniform(0.2, 0.9)
        masked = PROMPT + np.flatnonzero(g.random(n) < t)
        masked = masked if len(masked) else np.array([PROMPT])
        ids[b, masked] = mm.MASK
        weights[b, masked] = 1 / (t * n * B)
    return ids, targets, weights


def next_token(g):
    """Autoregressive: row i against token i + 1, the last row not counted."""
    ids = clean_rows(g)
    targets = np.concatenate([ids[:, 1:], ids[:, :1]], axis=1)
    weights = np.ones((B, T))
    weights[:, -1] = 0
    return ids, targets, weights / weights.sum()


# name, model, adapter, trainable, attention, batches, files kept after step
CASES = [
    ("lora-structural", "train-tiny", "train-tiny-seven", "lora+norms", "bidirectional", structural, (1, 3)),
    ("lora-answer", "train-tiny", "train-tiny-seven", "lora+norms", "bidirectional", answer_only, ()),
    ("lora-mask", "train-tiny", "train-tiny-seven", "lora+norms", "bidirectional", mask_only, (1,)),
    ("lora-only", "qwen3", "qwen3-qv", "lora", "bidirectional", structural, (3,)),
    ("all-next-token", "train-tiny", None, "all", "causal", next_token, (1,)),
    ("all-mask", "train-tiny", None, "all", "bidirectional", mask_only, ()),
    ("all-qwen2", "train-qwen2", None, "all", "causal", next_token, (1,)),
    ("all-qwen3-tied", "train-qwen3", None, "all", "bidirectional", mask_only, ()),
]
NORMS = ("attn_norm", "ffn_norm")


def file_name(model, key):
    """Name in a file of a parameter: PEFT's for what an adapter holds."""
    top, names = ref.naming(model.config.family)
    if len(key) == 1:
        name = top[key[0]]
    else:
        name = top["layer"] % key[0] + names[key[1]]
    if not model.lora:
        return name
    if len(key) == 3:
        name = name[:-len(".weight")] + ".lora_%s.weight" % key[2]
    return "base_model.model." + name


def trainable(model, kind):
    def wanted(key):
        if kind == "all":
            return True
        if len(key) == 3:
            return True
        return kind == "lora+norms" and (key == ("norm",) or key[-1] in NORMS)
    return {k: p for k, p in parameters(model).items() if wanted(k)}


def main(out):
    os.makedirs(os.path.join(out, "train"), exist_ok=True)
    index, worst = [], 0
    optimizer = {"rate": 0.01, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "decay": 0.01, "clip": 0.5}
    for number, (name, folder, adapter, kind, attention, make, kept) in enumerate(CASES):
        g = np.random.Generator(np.random.PCG64(200 + number))
        model = ref.load(os.path.join(out, "models", folder),
                         adapter and os.path.join(out, "adapters", adapter))
        params = trainable(model, kind)
        adam = AdamW(params, **optimizer)

        def save(what, values):
            file = "train/%s.%s.safetensors" % (name, what)
            write_safetensors(os.path.join(out, file),
                              {file_name(model, k): values[k] for k in params})
            return file

        case = {"name": name, "model": "models/" + folder,
                "adapter": adapter and "adapters/" + adapter, "trainable": kind,
                "attention": attention, "optimizer": optimizer, "decayed": "matrices",
                "steps": [], "gradients": None, "after": {}}
        for step in (1, 2, 3):
            ids, targets, weights = make(g)
            batch = {"ids": ids, "targets": targets, "weights": weights}
            if step == 1:
                worst = max(worst, check_gradients(model, batch, attention, params,
                                                   np.random.Generator(np.random.PCG64(5))))
            loss, grads = loss_and_gradients(model, batch, attention)
            if step == 1:
                case["gradients"] = save("gradients", grads)
            norm = adam.step(grads)
            case["steps"].append({"ids": ids.tolist(), "targets": targets.tolist(),
                                  "weights": weights.tolist(), "loss": float(loss),
                                  "grad_norm": float(norm)})
            if step in kept:
                case["after"][str(step)] = save("after-%d" % step, params)
            if step >= max(kept, default=1):
                break
        index.append(case)
    with open(os.path.join(out, "train.json"), "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(c) for c in index) + "\n]\n")
    print("%d cases; gradients against central differences: %.1e at worst" % (len(index), worst))
    for c in index:
        print("  %-18s" % c["name"], [(round(s["loss"], 4), round(s["grad_norm"], 3)) for s in c["steps"]])


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else mm.HERE)
