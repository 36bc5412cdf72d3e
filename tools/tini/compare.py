#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Which objective teaches a denoiser best? One small task (capitals), every objective, several seeds, the same budget.

compare.py PROGRAM [--data ../shared/data] [--out out/compare] [--seeds 3] [--updates 400] [--variants 8] [--questions 200]
Writes the rows and one run a variant and seed below OUT, asks QUESTIONS in forms that were not trained on, noiseless, at most 1, 2,
4 and 8 drafts, and prints a table: mean over the seeds with the least and the greatest. What is there already is not made again.
"""

import argparse
import json
import os
import random
import re
import subprocess

import facts
import phrasing
import surface
import text

DRAFTED = ["--objective", "mixed", "--mask-all", "0.3", "--own-drafts", "0.4"]
DRAWN = [*DRAFTED, "--draft-temperature", "1", "--draft-top-k", "3", "--draft-drawn", "0.5"]
VARIANTS = {
    "structural": ["--objective", "structural"],
    "structural-window": ["--objective", "structural-window"],
    "mask": ["--objective", "mask"],
    "mixed": ["--objective", "mixed"],
    "mixed, mask_all 0.3": ["--objective", "mixed", "--mask-all", "0.3"],
    "mixed, mask_all 0.3, own_drafts 0.4": DRAFTED,
    "the same, half of the drafts drawn": DRAWN,
    "the same, mistakes": [*DRAWN, "--mix-answers", "0.08", "--stutter", "0.08", "--first-wrong", "0.05"],
}
DRAFTS = [1, 2, 4, 8]


def write_rows(folder, sources):
    """The questions about capitals: 40 a country to train on, 200 in held-out forms."""
    rng = random.Random(7)
    capitals = [f for f in facts.country_facts(sources) if f.relation == "capital"]
    tests = [{"prompt": surface.typed(rng, f.ask(rng, rng.choice([(1, 0), (0, 1), (1, 1)]))), "answer": f.answer}
             for f in rng.choices(capitals, k=200)]
    kept = {phrasing.normal(t["prompt"]) for t in tests}
    rows = [{"prompt": surface.typed(rng, f.ask(rng)), "answer": f.answer} for f in capitals for _ in range(40)]
    rows = [r for r in rows if phrasing.normal(r["prompt"]) not in kept]
    rng.shuffle(rows)
    for name, items in ("rows.jsonl", rows), ("test.jsonl", tests):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            f.writelines(json.dumps(item) + "\n" for item in items)


def objectives(program):
    """The denoising objectives of whole answers that the program has."""
    text = subprocess.run([program, "train", "--help"], check=True, capture_output=True, text=True).stdout
    names = re.search(r"--objective ([^ ]+)", text).group(1).split("|")
    return [name for name in names if name not in ("next-token", "blocks")]


def base_of(args):
    """tini as a folder that can be trained."""
    base = os.path.join(args.out, "base")
    if not os.path.exists(base):
        subprocess.run([args.program, "convert", "-m", "models/tini", "-o", base], check=True)
    return base


def measure(args, variant, seed):
    base = base_of(args)
    run = os.path.join(args.out, "".join(c if c.isalnum() else "_" for c in variant) + f"-{seed}")
    result = run + ".jsonl"
    if not os.path.exists(result):
        subprocess.run([args.program, "train", "-q", "--overwrite", "--model", base, "--data", f"{args.out}/rows.jsonl", "--out", run,
                        "--loss-on", "answer", "--lora-rank", "64", "--train-norms", "--window", "48",
                        "--batch", "32", "--updates", str(args.updates), "--learning-rate", "0.002", "--schedule", "linear", "--warmup", "20",
                        "--beta2", "0.99", "--clip", "1", "--validate-rows", "0", "--checkpoint-every", "0", "--seed", str(seed),
                        *VARIANTS[variant]], check=True)
        rows = subprocess.run([args.program, "eval", "-q", "--json", "--task", "exact", "--data", f"{args.out}/test.jsonl", "-m",
                               base, "--adapter", f"{run}/final", "--window", "48", "--limit", str(args.questions),
                               "-n", ",".join(map(str, DRAFTS))],
                              check=True, capture_output=True, text=True).stdout
        with open(result, "w", encoding="utf-8") as f:
            f.write(rows)
    with open(result, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--out", default="out/compare")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--updates", type=int, default=400)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--variants", type=int, default=len(VARIANTS), help="the first so many")
    args = parser.parse_args()
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # on a machine that others use too
    variants = list(VARIANTS)[:args.variants]
    missing = [name for name in objectives(args.program) if ["--objective", name] not in VARIANTS.values()]
    if missing:
        parser.error(f"no variant trains with objective {', '.join(missing)}: add one to VARIANTS")
    os.makedirs(args.out, exist_ok=True)
    if not os.path.exists(os.path.join(args.out, "test.jsonl")):
        write_rows(args.out, text.Sources(args.data))
    for seed in range(1, args.seeds + 1):
        for variant in variants:
            measure(args, variant, seed)
    print("| objective | " + " | ".join(f"at most {n}" for n in DRAFTS) + " | mean iterations |")
    print("|" + "---|" * (len(DRAFTS) + 2))
    for variant in variants:
        results = [measure(args, variant, seed) for seed in range(1, args.seeds + 1)]
        cells = []
        for i in range(len(DRAFTS)):
            shares = [100 * r[i]["exact"] for r in results]
            cells.append(f"{sum(shares) / len(shares):.0f}% ({min(shares):.0f}-{max(shares):.0f})")
        cells.append(f"{sum(r[-1]['mean_iterations'] for r in results) / len(results):.1f}")
        print(f"| {variant} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
