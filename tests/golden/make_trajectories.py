# SPDX-License-Identifier: MIT
"""Writes the golden trajectories, a record each: trajectories.json, and those in reuse.json, in which
passes compute a part of the canvas and read the rest from an earlier pass.

    {"name", "sampler", "model", "adapter" (or null), "options", "seed", "prompt", "tokens",
     "mask", "eos", "end_of_turn", "gap", "steps": [{"iteration", "input", "proposed", "draft", "noised", "output"}...]}

Runs of reuse.json also have "reuse" and "attention". Steps are described in samplers.py.  Prompt and seed of a case are the first ones for which no decision comes
nearer than MARGIN to going the other way, and for which the case shows what its name says, so that the
same run in float32 takes the same path.  Run: python3 make_trajectories.py [folder]."""

import json
import os
import sys

import numpy as np

import make_models as mm
import reference as ref
from samplers import SAMPLERS, Run

MARGIN = 4e-4


def ended(steps, limit):
    """Converged before the iterations ran out."""
    return 3 < len(steps) < limit and steps[-1]["draft"] == steps[-3]["draft"]


def has_eos(steps):
    return any(mm.EOS in s["draft"] for s in steps[:-1])


# name, sampler, model, adapter, answer tokens, options, condition on the steps
CASES = [
    ("lad-defaults", "lad", "llama-mha", None, 20, {"iterations": 8}, has_eos),
    ("lad-noiseless", "lad", "llama-mha", None, 6, {"iterations": 24, "no_noise": True, "top_k": 1},
     lambda s: ended(s, 24)),
    ("lad-noiseless-sampled", "lad", "llama-mha", None, 12, {"iterations": 5, "no_noise": True}, None),
    ("lad-sharp", "lad", "llama-mha", None, 20, {"iterations": 8, "sharpness": 5.0, "noise_start": 0.9,
                                                "top_k": 1}, None),
    ("lad-confidence", "lad", "llama-mha", None, 20,
     {"iterations": 8, "confidence_noise": True, "noise_clip": 0.05}, has_eos),
    ("lad-keep", "lad", "llama-mha", None, 20, {"iterations": 8, "keep": True}, None),
    ("lad-keep-confidence", "lad", "llama-mha", None, 20,
     {"iterations": 8, "keep": True, "confidence_noise": True}, has_eos),
    ("lad-grow", "lad", "llama-mha", None, 20, {"iterations": 7, "grow": 6}, None),
    ("lad-top-p", "lad", "llama-mha", None, 16,
     {"iterations": 6, "top_k": 10, "top_p": 0.8, "temperature": 0.7, "eos_bias": -2.0}, None),
    ("lad-eos-bias", "lad", "llama-mha", None, 16, {"iterations": 6, "eos_bias": 3.0}, has_eos),
    ("lad-adapter", "lad", "llama-mha", "llama-mha-seven", 16, {"iterations": 6}, None),
    ("lad-greedy", "lad", "llama-mha", None, 16, {"iterations": 6, "top_k": 0, "temperature": 0.0}, None),
    ("generic-none", "lad-generic", "llama-mha", None, 16, {"iterations": 8}, None),
    ("generic-none-confidence", "lad-generic", "llama-mha", None, 16,
     {"iterations": 8, "confidence_noise": True}, None),
    ("generic-retained", "lad-generic", "llama-mha", None, 16,
     {"iterations": 8, "retention": "retained", "confidence_noise": True}, has_eos),
    ("generic-locked", "lad-generic", "llama-mha", None, 16,
     {"iterations": 8, "retention": "locked", "proportional": False, "confidence_noise": True}, None),
    ("generic-locked-random", "lad-generic", "llama-mha", None, 16,
     {"iterations": 8, "retention": "locked", "noise_level": 0.9}, has_eos),
    ("generic-ends-last", "lad-generic", "llama-mha", None, 16,
     {"iterations": 8, "retention": "locked", "confidence_noise": True, "ends_last": True}, has_eos),
    ("generic-ends-last-none", "lad-generic", "llama-mha", None, 16,
     {"iterations": 8, "ends_last": True}, has_eos),
    ("low-confidence", "low-confidence", "llada", None, 16, {"iterations": 8}, None),
    ("low-confidence-blocks", "low-confidence", "llada", None, 16, {"iterations": 6, "block": 8}, None),
    ("low-confidence-sampled", "low-confidence", "llada", None, 12,
     {"iterations": 6, "temperature": 0.8}, None),
    ("low-confidence-guided", "low-confidence", "llada", None, 12, {"iterations": 6, "guidance": 1.5}, None),
    ("low-confidence-no-eos", "low-confidence", "llada", None, 12, {"iterations": 6, "no_eos": True}, None),
    ("random", "random", "llada", None, 16, {"iterations": 8, "block": 8}, None),
    ("random-sampled", "random", "llada", None, 12, {"iterations": 5, "temperature": 1.0}, None),
    ("threshold", "threshold", "llada", None, 16, {"threshold": 0.35}, None),
    ("threshold-blocks", "threshold", "llada", None, 16, {"threshold": 0.4, "block": 8}, None),
    ("factor", "factor", "llada", None, 16, {"factor": 2.0}, None),
    ("factor-blocks", "factor", "llada", None, 16, {"factor": 2.2, "block": 8}, None),
    ("origin", "origin", "dream", None, 16, {"iterations": 6}, None),
    ("origin-sampled", "origin", "dream", None, 16,
     {"iterations": 6, "temperature": 0.6, "top_p": 0.9}, None),
    ("maskgit", "maskgit", "dream", None, 16, {"iterations": 6}, None),
    ("maskgit-sampled", "maskgit", "dream", None, 16, {"iterations": 6, "temperature": 0.4, "top_k": 8}, None),
    ("maskgit-limited", "maskgit", "dream", None, 16, {"iterations": 6, "top_k": 5, "top_p": 0.5}, None),
    ("margin", "margin", "dream", None, 16, {"iterations": 6}, None),
    ("margin-limited", "margin", "dream", None, 16, {"iterations": 6, "top_k": 5, "top_p": 0.5}, None),
    ("entropy", "entropy", "dream", None, 16, {"iterations": 6}, None),
    ("entropy-sampled", "entropy", "dream", None, 16,
     {"iterations": 6, "temperature": 0.5, "top_p": 0.95}, None),
    ("entropy-limited", "entropy", "dream", None, 16,
     {"iterations": 4, "temperature": 1.0, "top_k": 8, "top_p": 0.8}, None),
    ("ar", "ar", "llama-mha", None, 12, {}, None),
    ("ar-sampled", "ar", "qwen3", None, 12, {"temperature": 0.8, "top_k": 10, "top_p": 0.9}, None),
]


# the same, and: reuse, attention. Where attention looks both ways the case must take another path than without
# reuse, where it only looks back the same
REUSED = [
    ("reuse-prefix", "threshold", "llada", None, 16, {"threshold": 0.4, "block": 8}, None,
     "prefix", "bidirectional"),
    ("reuse-dual", "threshold", "llada", None, 16, {"threshold": 0.4, "block": 8}, None,
     "dual", "bidirectional"),
    ("reuse-dual-factor", "factor", "llada", None, 16, {"factor": 2.2, "block": 4}, None,
     "dual", "bidirectional"),
    ("reuse-prefix-guided", "low-confidence", "llada", None, 12,
     {"iterations": 6, "block": 4, "guidance": 1.5}, None, "prefix", "bidirectional"),
    ("reuse-dual-sampled", "low-confidence", "llada", None, 16,
     {"iterations": 8, "block": 8, "temperature": 0.8}, None, "dual", "bidirectional"),
    ("reuse-dual-random", "random", "llada", None, 16, {"iterations": 8, "block": 8}, None,
     "dual", "bidirectional"),
    ("reuse-prefix-lad", "lad", "llama-mha", None, 16, {"iterations": 6}, None, "prefix", "bidirectional"),
    ("reuse-prefix-grow", "lad", "llama-mha", None, 20, {"iterations": 7, "grow": 6}, None,
     "prefix", "bidirectional"),
    ("reuse-dual-maskgit", "maskgit", "dream", None, 16, {"iterations": 6}, None, "dual", "bidirectional"),
    ("reuse-blocks-threshold", "threshold", "llada", None, 16, {"threshold": 0.4, "block": 8}, None,
     "causal", "block:4"),
    ("reuse-blocks-guided", "low-confidence", "llada", None, 12,
     {"iterations": 6, "block": 6, "guidance": 1.5}, None, "prefix", "block:4"),
    ("reuse-blocks-generic", "lad-generic", "llama-mha", None, 16,
     {"iterations": 8, "retention": "retained", "confidence_noise": True}, None, "exact", "block:4"),
    ("reuse-blocks-entropy", "entropy", "dream", None, 16, {"iterations": 6}, None, "dual", "block:8"),
]


def drafts(steps):
    return [s["draft"] for s in steps]


def attempt(model, case, number, reuse="none", attention="bidirectional"):
    """The run of a case whose prompt and seed are drawn from `number`."""
    name, sampler, _, _, tokens, options, wanted = case[:7]
    g = np.random.Generator(np.random.PCG64([900, number]))
    prompt = [mm.BOS] + g.integers(33, 270, 5).tolist()
    chatml = model.config.family in ("qwen2", "qwen3", "dream")
    run = Run(model, prompt, tokens, mm.MASK, mm.IM_END if chatml else mm.EOS,
              end_of_turn=None if chatml else mm.EOT, seed=number + 1, attention=attention, reuse=reuse)
    steps = []
    for s in SAMPLERS[sampler](run, **options):
        steps.append(s)
        if run.gap < MARGIN:
            return run, None
    return run, steps if wanted is None or wanted(steps) else None


def attempt_reused(model, case, number):
    run, steps = attempt(model, case, number, *case[7:])
    if steps:
        plain = list(SAMPLERS[case[1]](attempt(model, case, number, "none", case[8])[0], **case[5]))
        same = drafts(plain) == drafts(steps)
        assert same or case[8] == "bidirectional", case[0]
        if same and case[8] == "bidirectional":
            return run, None
    return run, steps


def packed(value):
    """JSON without spaces: these files are the larger part of the golden ones."""
    return json.dumps(value, separators=(",", ":"))


def record(head, steps):
    """A run as text, a step a line."""
    return packed(head)[:-1] + ',\n"steps":[\n' + ",\n".join(map(packed, steps)) + "]}"


def write_records(path, runs):
    with open(path, "w") as f:
        f.write("[\n" + ",\n".join(runs) + "\n]\n")


def write(out, cases, listed, attempt):
    models, runs = {}, []
    for case in cases:
        name, sampler, folder, adapter, tokens, options = case[:6]
        key = folder, adapter
        if key not in models:
            models[key] = ref.load(os.path.join(out, "models", folder),
                                   adapter and os.path.join(out, "adapters", adapter))
        run, steps = next((r, s) for r, s in (attempt(models[key], case, i) for i in range(2000)) if s)
        head = {"name": name, "sampler": sampler, "model": "models/" + folder,
                "adapter": adapter and "adapters/" + adapter, "options": options, "seed": run.seed,
                "prompt": run.prompt, "tokens": tokens, "mask": run.mask, "eos": run.eos,
                "end_of_turn": max(run.ends - {run.eos, None}, default=None),
                "gap": float("%.2g" % run.gap)}
        if len(case) > 7:
            head.update(reuse=case[7], attention=case[8])
        for s in steps:
            s["proposed"] = [[p, t, float("%.7g" % c)] for p, t, c in s["proposed"]]
        runs.append(record(head, steps))
        print("%-24s seed %4d, %2d steps, gap %.1e" % (name, run.seed, len(steps), run.gap))
    write_records(os.path.join(out, listed), runs)


def main(out):
    write(out, CASES, "trajectories.json", attempt)
    write(out, REUSED, "reuse.json", attempt_reused)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else mm.HERE)
