# SPDX-License-Identifier: MIT
"""Writes what belongs to families that write in blocks: tiny random models with the keys that such files have
(models/block-*), their logits (block_logits.json, as logits.json), and how each family's own sampler fills an answer
(block_trajectories.json, as trajectories.json, with "attention" the model's own and "places" of the canvas: see
block_samplers.py).

Run: python3 make_block_models.py [folder]"""

import json
import os
import sys

import numpy as np

import make_golden as mg
import make_models as mm
import make_trajectories as mt
import reference as ref
from block_samplers import SAMPLERS
from formats import write_safetensors
from samplers import Run

QWEN = dict(D=16, H=2, K=1, F=24, theta=1e6, eps=1e-6, stored="BF16")


def row(seed, like, keys, tied=False, **more):
    """`like`: the family whose tensors it has; `keys`: what its config.json says beyond that family's."""
    return dict(mm.row(seed, like, tied=tied, **{**QWEN, **more}), keys=keys)


# Keys as the makers' files have them, sizes apart. Where a key is None, the file lacks it.
MODELS = {
    "block-sdar": row(40, "qwen3", {"model_type": "sdar", "architectures": ["SDARForCausalLM"], "block_size": 4,
                                    "mask_token_id": mm.MASK}, hd=12),
    "block-fast-dllm-v2": row(41, "qwen2", {"model_type": "Fast_dLLM_Qwen", "bd_size": 8,
                                            "architectures": ["Fast_dLLM_QwenForCausalLM"]}, hd=8),
    "block-stable-diffcoder": row(42, "llama", {"architectures": ["StableDiffcoderForCausalLM"]}, theta=5e5, hd=8),
    "block-sdlm": row(43, "qwen2", {"block_size": 4, "causal_attn": False, "text_mask_token_id": mm.MASK}, hd=8),
    "block-a2d-llama": row(45, "llama", {"model_type": "a2d-llama", "architectures": None}, hd=8),
    "block-a2d-qwen2": row(46, "qwen2", {"model_type": "a2d-qwen2", "architectures": None}, tied=True, hd=8),
    "block-a2d-qwen3": row(47, "qwen3", {"model_type": "a2d-qwen3", "architectures": None}, tied=True, hd=12),
    "block-illada": row(48, "llada", {"mask_token_id": 5}, tied=True, H=4, K=2, hd=4),
}
MASKS = {"block-stable-diffcoder": 5, "block-illada": 5}   # the others' is the tokenizer's
SHIFT = {"block-fast-dllm-v2"}
FAST_MASK = "|<MASK>|"


def write_model(folder, name, m):
    mm.write_model(folder, m)
    path = os.path.join(folder, "config.json")
    with open(path) as f:
        config = json.load(f)
    for key, value in m["keys"].items():
        config[key] = value
        if value is None:
            del config[key]
    mm.dump(path, config)
    tokenizer = os.path.join(folder, "tokenizer_config.json")
    with open(tokenizer) as f:
        words = json.load(f)
    if name in MASKS or name in SHIFT:          # nothing in these makers' tokenizers says which token masks
        del words["mask_token"]
    if name in SHIFT:                           # but one of the words is it
        words["added_tokens_decoder"][str(mm.MASK)]["content"] = FAST_MASK
        path = os.path.join(folder, "tokenizer.json")
        with open(path, encoding="utf-8") as f:
            text = f.read()
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace(mm.SPECIALS[mm.MASK - 280], FAST_MASK))
    mm.dump(tokenizer, words)
    if name in MASKS and not m["tied"]:         # a denoiser never writes its mask
        tensors = mm.random_tensors(m)
        tensors["lm_head.weight"][5] = 0
        write_safetensors(os.path.join(folder, "model.safetensors"), tensors, m["stored"], {"format": "pt"})


def load(out, name):
    model = ref.load(os.path.join(out, "models", name))
    model.config.shift = name in SHIFT
    return model


def write_logits(out):
    index = []
    for name in MODELS:
        model = load(out, name)
        for attention in ("causal", "bidirectional", "block:4"):
            ids, rows = mg.sequences(mm.V)["33"]
            file = "logits/%s.%s.33.npy" % (name, attention.replace(":", ""))
            np.save(os.path.join(out, file), ref.forward(model, ids, attention)[rows].astype("<f4"))
            index.append({"model": "models/" + name, "adapter": None, "attention": attention, "ids": ids,
                          "rows": rows, "file": file})
    with open(os.path.join(out, "block_logits.json"), "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(c) for c in index) + "\n]\n")


def has_end(steps):
    return any(t in (mm.EOS, mm.EOT, mm.IM_END) for t in steps[-1]["draft"])


def no_end(steps):
    return not has_end(steps)


def slow(steps):
    return no_end(steps) and len(steps) > 7


# name, sampler, model, prompt tokens, answer tokens, options, condition on the steps
CASES = [
    ("block-dynamic", "dynamic", "block-sdar", 6, 14, {"threshold": 0.3}, no_end),
    ("block-dynamic-ends", "dynamic", "block-sdar", 8, 14, {"threshold": 0.3, "temperature": 0.0}, has_end),
    ("block-dynamic-steps", "dynamic", "block-sdar", 7, 16, {"threshold": 0.6, "block_steps": 3, "top_k": 5}, no_end),
    ("block-static", "static", "block-stable-diffcoder", 7, 14, {}, no_end),
    ("block-static-sampled", "static", "block-stable-diffcoder", 8, 12, {"temperature": 0.7, "block_steps": 2}, None),
    ("block-sub-blocks", "sub-blocks", "block-fast-dllm-v2", 8, 16, {"threshold": 0.3, "sub_block": 4}, no_end),
    ("block-sub-blocks-tail", "sub-blocks", "block-fast-dllm-v2", 11, 14, {"threshold": 0.4, "sub_block": 4}, no_end),
    ("block-sub-blocks-ends", "sub-blocks", "block-fast-dllm-v2", 13, 16, {"threshold": 0.3, "sub_block": 2}, has_end),
    ("block-bd3lm", "bd3lm", "block-a2d-qwen3", 6, 20, {"block": 8}, no_end),
    ("block-bd3lm-steps", "bd3lm", "block-a2d-qwen2", 11, 20, {"block": 8, "block_steps": 3}, no_end),
    ("block-bd3lm-guided", "bd3lm", "block-a2d-llama", 5, 12, {"block": 4, "guidance": 1.0}, None),
    ("block-longest-prefix", "longest-prefix", "block-sdlm", 6, 14, {"threshold": 0.2}, no_end),
    ("block-longest-prefix-ends", "longest-prefix", "block-sdlm", 5, 14, {"threshold": 0.2, "block": 3}, has_end),
    ("block-sliding", "sliding", "block-sdlm", 6, 12, {"block": 4, "entropy_bound": 2.5, "distance": 0.1}, slow),
    ("block-sliding-sampled", "sliding", "block-a2d-qwen3", 5, 14, {"block": 5, "entropy_bound": 1.6, "temperature": 0.7}, has_end),
    ("block-mdlm", "low-confidence", "block-a2d-qwen3", 6, 16, {"iterations": 8, "block": 8}, None),
    ("block-illada", "low-confidence", "block-illada", 6, 12, {"iterations": 6, "block": 6}, None),
]


def own_attention(name, sampler, options):
    """What the model's files say of attention, for whoever replays a run without a model."""
    if sampler in ("bd3lm", "longest-prefix", "low-confidence", "sliding"):
        return "bidirectional"
    return "block:%d" % {"block-sdar": 4, "block-stable-diffcoder": 4, "block-fast-dllm-v2": 8}[name]


def places(sampler, steps, tokens, options):
    """Of the canvas behind the prompt: more than `tokens` where the last block is completed."""
    ahead = {"longest-prefix": 4, "sliding": 16}.get(sampler)
    return tokens + options.get("block", ahead) - 1 if ahead else len(steps[0]["draft"])


def attempt(models, case, number):
    name, sampler, folder, prompt, tokens, options, wanted = case
    g = np.random.Generator(np.random.PCG64([901, number]))
    ids = [mm.BOS] + g.integers(33, 270, prompt - 1).tolist()
    chatml = folder not in ("block-stable-diffcoder", "block-a2d-llama", "block-illada")
    run = Run(models[folder], ids, tokens, MASKS.get(folder, mm.MASK), mm.IM_END if chatml else mm.EOS,
              end_of_turn=mm.EOS if chatml else mm.EOT, seed=number + 1)
    steps = []
    for s in SAMPLERS[sampler](run, **options):
        steps.append(s)
        if run.gap < mt.MARGIN:
            return run, None
    return run, steps if wanted is None or wanted(steps) else None


def write_trajectories(out):
    models, runs = {name: load(out, name) for name in MODELS}, []
    for case in CASES:
        name, sampler, folder, _, tokens, options, _ = case
        run, steps = next((r, s) for r, s in (attempt(models, case, i) for i in range(500)) if s)
        for s in steps:
            s["proposed"] = [[p, t, float("%.7g" % c)] for p, t, c in s["proposed"]]
        head = {"name": name, "sampler": sampler, "model": "models/" + folder, "adapter": None, "options": options,
                "seed": run.seed, "prompt": run.prompt, "tokens": tokens, "mask": run.mask, "eos": run.eos,
                "end_of_turn": max(run.ends - {run.eos}), "gap": float("%.2g" % run.gap),
                "attention": own_attention(folder, sampler, options), "places": places(sampler, steps, tokens, options)}
        runs.append(mt.record(head, steps))
        print("%-26s seed %4d, %2d steps, gap %.1e" % (name, run.seed, len(steps), run.gap))
    mt.write_records(os.path.join(out, "block_trajectories.json"), runs)


def main(out):
    for name, m in MODELS.items():
        write_model(os.path.join(out, "models", name), name, m)
    write_logits(out)
    write_trajectories(out)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else mm.HERE)
