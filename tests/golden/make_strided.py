# SPDX-License-Identifier: MIT
"""Writes strided.json: how I-DLM's strided decoding (idlm_blockN.py of its makers, one request, temperature 0) writes
answers of models/block-sdar, read as a strictly causal model whose row i predicts place i + 1. Without their caches:
every pass is over all that stands. A pass is the places behind the prompt that it sees, and how many of the words that
stand after it are the model's own. The makers compute the prompt in a pass of its own; here the first pass sees masks
behind it, as their later ones do.

Run: python3 make_strided.py [folder]"""

import json
import os
import sys

import numpy as np

import make_models as mm
import make_trajectories as mt
import reference as ref

MODEL = "block-sdar"
ENDS = {mm.EOS, mm.EOT, mm.IM_END}


def strided(model, prompt, stride, tokens):
    """Yields (seen, words): what stands behind the prompt in a pass, and what is written for good after it."""
    words, guesses = [], []
    while len(words) < tokens:
        seen = (words + guesses + [mm.MASK] * (stride - 1))[:tokens]
        rows = ref.forward(model, prompt + seen, "causal")[len(prompt) + len(words) - 1:]
        rows[:, mm.MASK] = -np.inf
        top = np.sort(rows, axis=1)
        if (top[:, -1] - top[:, -2]).min() < mt.MARGIN:
            raise ValueError("a close call")
        best = rows.argmax(axis=1).tolist()
        right = 0
        while right < len(guesses) and best[right] == guesses[right]:
            right += 1
        words = words + best[:right + 1]
        guesses = best[right + 1:] if right == len(guesses) else []
        yield seen, words[:tokens]


def cases(model):
    """For each stride the first runs in which guesses were right, and wrong, more than once."""
    for stride, tokens in ((2, 14), (3, 17), (4, 20)):
        for number in range(4000):
            g = np.random.Generator(np.random.PCG64([907, stride, number]))
            prompt = [mm.BOS] + g.integers(33, 270, int(g.integers(3, 9))).tolist()
            try:
                passes = list(strided(model, prompt, stride, tokens))
            except ValueError:
                continue
            gains = [len(b) - len(a) for (_, a), (_, b) in zip([(None, [])] + passes, passes)]
            if sum(n > 1 for n in gains[1:]) > 1 and sum(n == 1 for n in gains[1:-1]) > 1 and not set(passes[-1][1]) & ENDS:
                yield {"stride": stride, "tokens": tokens, "prompt": prompt,
                       "passes": [{"seen": seen, "words": len(words)} for seen, words in passes], "answer": passes[-1][1]}
                break


def main(out):
    rows = list(cases(ref.load(os.path.join(out, "models", MODEL))))
    with open(os.path.join(out, "strided.json"), "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]\n")
    print([(r["stride"], len(r["passes"]), r["tokens"]) for r in rows])


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else mm.HERE)
