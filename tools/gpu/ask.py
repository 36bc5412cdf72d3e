# SPDX-License-Identifier: MIT
"""The evaluation sets of tools/tini asked in PyTorch, many at a time: noiseless refinement at temperature 0 or as the demo draws, and left to right."""

import json
import os
import sys

import torch

import net as nets

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tini"))
import judge  # noqa: E402
import score  # noqa: E402
import setfiles  # noqa: E402
from pack import EOS, MARKS, MASK  # noqa: E402


def prompt(row, tokenizer):
    ids = []
    for m in row["messages"]:
        ids += [MARKS[m["role"]], *tokenizer.encode(m["content"], add_special_tokens=False).ids] + ([EOS] if m["role"] == "assistant" else [])
    return ids + [MARKS["assistant"]]


def lay(prompts, canvas, T, device):
    B = len(prompts)
    ids, seg = torch.zeros(B, T, dtype=torch.long), torch.zeros(B, T, dtype=torch.uint8)
    c = torch.zeros(B, T, dtype=torch.bool)
    for i, p in enumerate(prompts):
        end = min(T, len(p) + canvas)
        ids[i, :len(p)] = torch.tensor(p)
        ids[i, len(p):end], c[i, len(p):end], seg[i, :end] = MASK, True, 1
    return ids.to(device), seg.to(device), c.to(device)


@torch.no_grad()
def refine(net, prompts, layout, device, canvas=128, T=256, iterations=32, top_k=0):
    """Answers' ids, whether each came to rest, how many iterations it took."""
    ids, seg, c = lay(prompts, canvas, T, device)
    pos = torch.arange(T, device=device).expand(len(prompts), T)
    mask = nets.pair_mask(seg, c, layout)
    gate = (c if layout == "gated" else torch.ones_like(c))[..., None]
    used = torch.full((len(prompts),), iterations, device=device)
    rest = torch.zeros(len(prompts), dtype=torch.bool, device=device)
    for i in range(iterations):
        logits = net.logits(net.hidden(ids, pos, mask, gate)).float()
        if top_k:
            value, index = logits.topk(top_k, -1)
            new = index.gather(-1, torch.distributions.Categorical(logits=value).sample()[..., None])[..., 0]
        else:
            new = logits.argmax(-1)
        new = torch.where(c & ~rest[:, None], new, ids)
        same = (new == ids).all(1) & ~rest
        used[same], rest[same] = i + 1, True
        ids = new
        if rest.all():
            break
    return [cut(ids[i][c[i]].tolist()) for i in range(len(prompts))], rest.tolist(), used.tolist()


def cut(ids):
    return (ids[:ids.index(EOS)], True) if EOS in ids else (ids, False)


@torch.no_grad()
def write(net, prompts, layout, device, canvas=128, T=256):
    """Left to right by the base; the whole canvas anew each time, which is simple."""
    ids, seg, c = lay(prompts, canvas, T, device)
    pos = torch.arange(T, device=device).expand(len(prompts), T)
    mask = nets.pair_mask(seg, c, "causal")
    at = torch.tensor([len(p) for p in prompts], device=device)
    rows = torch.arange(len(prompts), device=device)
    done = torch.zeros(len(prompts), dtype=torch.bool, device=device)
    for i in range(min(canvas, 100)):
        h = net.hidden(ids, pos, mask)[rows, (at - 1).clamp(max=T - 1)]
        new = net.logits(h).float().argmax(-1)
        ids[rows, at.clamp(max=T - 1)] = torch.where(done, EOS, new)
        done |= (new == EOS) | (at >= T - 1)
        at = at + 1
        if done.all():
            break
    return [cut(ids[i][c[i]].tolist()) for i in range(len(prompts))], [True] * len(prompts), [0] * len(prompts)


def ask(net, how, rows, tokenizer, layout, device, batch=512, **options):
    replies = []
    for i in range(0, len(rows), batch):
        part = rows[i:i + batch]
        answers, rest, used = how(net, [prompt(r, tokenizer)[-240:] for r in part], layout, device, **options)
        for row, (ids, finished), calm, n in zip(part, answers, rest, used):
            text = tokenizer.decode(ids, skip_special_tokens=False)
            replies.append({"answer": text, "finished": finished, "iterations": n, "tokens": len(ids), "converged": calm, "right": judge.right(row, text, finished),
                            "near": judge.near(row, text, finished), "refused": judge.refuses(text)})
    return replies


def table(net, settings, folder, tokenizer, device, limit=0, out=None):
    """settings: {name: (how, layout, options)}; of the sets those that the folder has."""
    rows = score.read_sets(folder, [name for name in score.SETS if name in setfiles.names(folder)], limit)
    results = {name: ask(net, how, rows, tokenizer, layout, device, **options) for name, (how, layout, options) in settings.items()}
    score.show(score.table(rows, results), list(settings))
    for name, replies in results.items():
        print(name, "mean iterations", sum(r["iterations"] for r in replies) / len(replies), "tokens", sum(r["tokens"] for r in replies) / len(replies), flush=True)
    if out:
        with open(out, "w", encoding="utf-8") as f:
            for i, row in enumerate(rows):
                f.write(json.dumps({"id": row["id"], "asked": row["messages"][-1]["content"], "group": row["group"],
                                    **{name: [r[i]["answer"], r[i]["right"], r[i]["iterations"]] for name, r in results.items()}}) + "\n")
    return results
