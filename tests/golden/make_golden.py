# SPDX-License-Identifier: MIT
"""Writes the golden logits: logits/*.npy (float32) and logits.json, one row per case:

    {"model", "adapter" (or null), "attention", "ids", "rows", "file"}

`file` holds the rows `rows` of the (T, V) logits of one pass over `ids`, in float32 rounded from the
float64 reference.  Paths are relative to this folder.  Run: python3 make_golden.py [folder]."""

import os
import sys

import numpy as np

import make_models as mm
import reference as ref

ATTENTION = ["causal", "bidirectional", "block:4"]


def sequences(V):
    """name -> (ids, rows kept).  The long one crosses every block and vector border."""
    g = np.random.Generator(np.random.PCG64(77))
    long = g.integers(0, V, 33).tolist()
    long[10:14] = [mm.MASK] * 4              # masks in a run, as in a canvas
    return {"1": ([mm.BOS], [0]),
            "7": (g.integers(0, V, 7).tolist(), list(range(7))),
            "33": (long, [0, 1, 7, 11, 15, 16, 17, 31, 32])}


def cases():
    """(model path, adapter path or None, attention, sequence name)"""
    for name in mm.MODELS:
        short = name in ("llama-bf16", "llama-f16") or name.startswith("train")
        for attention in ATTENTION[:2] if short else ATTENTION:
            for s in ["7"] if short else ["1", "7", "33"]:
                yield "models/" + name, None, attention, s
    for name, a in mm.ADAPTERS.items():
        for attention in ATTENTION[:2]:
            yield "models/" + a[0], "adapters/" + name, attention, "33"
    for name in ("llama-gqa-tied", "llama-quant"):
        for attention in ATTENTION[:2]:
            yield "gguf/" + name + ".gguf", None, attention, "33"


def load(out, model, adapter, dtype=np.float64):
    """The reference model of a case; a GGUF is built from the numbers that its writer stored."""
    if model == "gguf/llama-quant.gguf":
        found = mm.quant_reference(mm.write_ggufs(os.path.join(out, "gguf")))
        for w in found.layers:
            for f, v in vars(w).items():
                setattr(w, f, None if v is None else v.astype(dtype))
        found.embed, found.norm, found.head = (
            a.astype(dtype) for a in (found.embed, found.norm, found.head))
        return found
    if model.endswith(".gguf"):
        # Same weights as the folder of the same name, so the same logits: that is the point.
        model = "models/" + os.path.basename(model)[:-len(".gguf")]
    return ref.load(os.path.join(out, model), adapter and os.path.join(out, adapter), dtype)


def main(out):
    os.makedirs(os.path.join(out, "logits"), exist_ok=True)
    index, loaded, worst, worst_gap = [], {}, 0, {}
    for model, adapter, attention, s in cases():
        key = model, adapter
        if key not in loaded:
            loaded[key] = load(out, model, adapter), load(out, model, adapter, np.float32)
        ids, rows = sequences(mm.V)[s]
        full = ref.forward(loaded[key][0], ids, attention)
        single = ref.forward(loaded[key][1], ids, attention)
        assert np.isfinite(full).all() and full.dtype == np.float64 and single.dtype == np.float32
        worst = max(worst, np.linalg.norm(single - full) / np.linalg.norm(full))
        first_two = np.sort(full, axis=1)[:, -2:]
        gap = np.median(first_two[:, 1] - first_two[:, 0])
        worst_gap[key] = min(worst_gap.get(key, np.inf), gap)
        stem = os.path.basename(adapter) if adapter else os.path.basename(model).replace(".gguf", "-gguf")
        file = "logits/%s.%s.%s.npy" % (stem, attention.replace(":", ""), s)
        np.save(os.path.join(out, file), full[rows].astype("<f4"))
        index.append({"model": model, "adapter": adapter, "attention": attention, "ids": ids,
                      "rows": rows, "file": file})
    with open(os.path.join(out, "logits.json"), "w") as f:
        f.write("[\n" + ",\n".join(mm.json.dumps(c) for c in index) + "\n]\n")
    print("%d cases; float32 reference against float64: %.1e relative at worst" % (len(index), worst))
    print("smallest median gap between the two best logits: %.2f" % min(worst_gap.values()))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else mm.HERE)
