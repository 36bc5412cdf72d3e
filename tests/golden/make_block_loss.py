# SPDX-License-Identifier: MIT
"""What training in blocks asks of a row, in float64: blocks of an answer read with an adapter behind a text that is read without,
and how far their rows are from that text's.  Writes block_loss.json."""

import json
import os

import numpy as np

import reference as ref

HERE = os.path.dirname(os.path.abspath(__file__))
MODEL, ADAPTER = "llama-mha", "llama-mha-norms"
LENGTH, BLOCKS = 16, [(4, 5), (9, 3), (4, 5), (12, 4)]


def read_text(model, ids):
    """Final hidden states (T, D), and for each layer the keys and values (T, K, hd), turned."""
    c, kept = model.config, []
    x, (cos, sin) = model.embed[ids], ref.rope_tables(model.config, range(len(ids)))
    for i, w in enumerate(model.layers):
        h = ref.rms_norm(x, w.attn_norm, c.eps)
        k = ref.rope(ref.project(model, i, "wk", h).reshape(-1, c.K, c.hd), cos, sin, c.interleaved)
        kept.append((k, ref.project(model, i, "wv", h).reshape(-1, c.K, c.hd)))
        x = x + ref.attention_block(model, i, h, cos, sin, ref.visible(len(ids), "causal"))
        h = ref.rms_norm(x, w.ffn_norm, c.eps)
        x = x + ref.project(model, i, "down", ref.silu(ref.project(model, i, "gate", h)) * ref.project(model, i, "up", h))
    return ref.rms_norm(x, model.norm, c.eps), kept


def read_block(model, ids, first, kept):
    """Final hidden states of a block that sees the text before it, and itself both ways."""
    c = model.config
    x, (cos, sin) = model.embed[ids], ref.rope_tables(model.config, range(first, first + len(ids)))
    for i, w in enumerate(model.layers):
        h = ref.rms_norm(x, w.attn_norm, c.eps)
        q, k, v = (ref.project(model, i, n, h).reshape(len(ids), -1, c.hd) for n in ("wq", "wk", "wv"))
        q, k = ref.rope(q, cos, sin, c.interleaved), ref.rope(k, cos, sin, c.interleaved)
        k, v = np.concatenate([kept[i][0][:first], k]), np.concatenate([kept[i][1][:first], v])
        k, v = (np.repeat(a, c.H // c.K, axis=1) for a in (k, v))
        p = ref.softmax(np.einsum("ihd,jhd->hij", q, k) / np.sqrt(c.hd))
        x = x + ref.project(model, i, "wo", np.einsum("hij,jhd->ihd", p, v).reshape(len(ids), -1))
        h = ref.rms_norm(x, w.ffn_norm, c.eps)
        x = x + ref.project(model, i, "down", ref.silu(ref.project(model, i, "gate", h)) * ref.project(model, i, "up", h))
    return ref.rms_norm(x, model.norm, c.eps)


def main():
    base = ref.load(os.path.join(HERE, "models", MODEL))
    adapted = ref.load(os.path.join(HERE, "models", MODEL), os.path.join(HERE, "adapters", ADAPTER))
    random = np.random.default_rng(16)
    text = random.integers(0, base.config.V, LENGTH).tolist()
    parents, kept = read_text(base, text)
    blocks = []
    for first, count in BLOCKS:
        ids = random.integers(0, base.config.V, count).tolist()
        own = read_block(adapted, ids, first, kept)
        row = {"first": first, "ids": ids}
        for shift in (0, 1):
            goal = parents[first - 1 + shift:first - 1 + shift + count]
            scores = own @ adapted.head.T
            log_p = scores - scores.max(-1, keepdims=True)
            log_p -= np.log(np.exp(log_p).sum(-1, keepdims=True))
            row[f"loss_{shift}"] = (-(ref.softmax(goal @ base.head.T) * log_p).sum(-1)).tolist()
            row[f"apart_{shift}"] = (1 - (own * goal).sum(-1) / np.linalg.norm(own, axis=-1) / np.linalg.norm(goal, axis=-1)).tolist()
        blocks.append(row)
    with open(os.path.join(HERE, "block_loss.json"), "w") as f:
        json.dump({"model": MODEL, "adapter": ADAPTER, "text": text, "blocks": blocks}, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
