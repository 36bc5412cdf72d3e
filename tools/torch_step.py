#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The training step that `redraft bench --train` times, written in PyTorch, and the ratio of the two.

Both run in turn, in this invocation, with the same threads: forward and backward of a LLaMA of a shape of `redraft bench`
over 16 sequences, bidirectional attention, cross-entropy at every position; every weight, or LoRA through peft beside every
projection. PyTorch runs in each of FORMS (bf16 autocast over f32 weights, all in bf16, f32; --forms) and the fastest counts;
redraft takes what it takes by itself: bf16 where the processor multiplies it. The best of all rounds counts for each, on the
wall and in processor time (with one thread and other programs about, the latter is the fairer one: it holds no waiting).
Needs torch 2 or newer, peft and build/redraft.

    tools/torch_step.py [--shape tini] [--redraft build/redraft] [--threads 2] [--rounds 3] [--steps 3] [--rank 64]
"""
import argparse
import json
import math
import os
import subprocess
import time

ARGS = argparse.ArgumentParser(description=__doc__.splitlines()[0])
ARGS.add_argument("--redraft", default="build/redraft")
ARGS.add_argument("--threads", type=int, default=os.cpu_count())
ARGS.add_argument("--rounds", type=int, default=3, help="turns of each side")
ARGS.add_argument("--steps", type=int, default=3, help="measured steps in a turn")
ARGS.add_argument("--rank", type=int, default=64, help="of the LoRA case")
ARGS.add_argument("--shape", default="tini", help="a row of SHAPES")
ARGS.add_argument("--window", type=int, default=256)
ARGS.add_argument("--batch", type=int, default=16)
ARGS.add_argument("--forms", default="autocast,bf16", help="of PyTorch: autocast, bf16, f32")
ARGS.add_argument("--cases", default="all,LoRA")
ARGS = ARGS.parse_args()
os.environ["OMP_NUM_THREADS"] = str(ARGS.threads)

import peft  # noqa: E402  (after the number of threads is set)
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402

SHAPES = {  # layers, width, heads, kv_heads, head_dim, ff, vocab, as in src/tool/bench_cases.c
    "tini": (6, 288, 6, 6, 48, 768, 8192),
    "smollm2-135m": (30, 576, 9, 3, 64, 1536, 49152),
}
LAYERS, WIDTH, HEADS, KV_HEADS, HEAD, FEED, VOCAB = SHAPES[ARGS.shape]
BATCH, WINDOW = ARGS.batch, ARGS.window
FORMS = {"autocast": (torch.float32, True), "bf16": (torch.bfloat16, False), "f32": (torch.float32, False)}
PROJECTIONS = ["q", "k", "v", "o", "gate", "up", "down"]
torch.set_num_threads(ARGS.threads)
torch.manual_seed(1)


class Norm(torch.nn.Module):
    """RMS norm; frozen on both sides, as in the benchmark."""

    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.ones(WIDTH), requires_grad=False)

    def forward(self, x):
        return self.w * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5)


class Layer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = Norm(), Norm()
        sizes = {"q": (WIDTH, HEADS * HEAD), "k": (WIDTH, KV_HEADS * HEAD), "v": (WIDTH, KV_HEADS * HEAD),
                 "o": (HEADS * HEAD, WIDTH), "gate": (WIDTH, FEED), "up": (WIDTH, FEED), "down": (FEED, WIDTH)}
        for name in PROJECTIONS:
            self.add_module(name, torch.nn.Linear(*sizes[name], bias=False))

    def forward(self, x, cos, sin):
        h = self.norm1(x)
        q, k, v = (p(h).view(BATCH, WINDOW, -1, HEAD).transpose(1, 2) for p in (self.q, self.k, self.v))
        q, k = (t * cos + torch.cat((-t[..., HEAD // 2:], t[..., :HEAD // 2]), -1) * sin for t in (q, k))
        a = F.scaled_dot_product_attention(q.to(v.dtype), k.to(v.dtype), v, enable_gqa=HEADS != KV_HEADS)
        x = x + self.o(a.transpose(1, 2).reshape(BATCH, WINDOW, HEADS * HEAD))
        h = self.norm2(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Model(torch.nn.Module):
    def __init__(self, dtype):
        super().__init__()
        self.embedding = torch.nn.Parameter(0.02 * torch.randn(VOCAB, WIDTH))
        self.layers = torch.nn.ModuleList(Layer() for _ in range(LAYERS))
        self.norm = Norm()
        angles = torch.outer(torch.arange(WINDOW), 500000.0 ** (-torch.arange(HEAD // 2) / (HEAD // 2)))
        self.cos, self.sin = (torch.cat((t, t), -1).to(dtype) for t in (angles.cos(), angles.sin()))

    def forward(self, ids):
        x = F.embedding(ids, self.embedding)
        for layer in self.layers:
            x = layer(x, self.cos, self.sin)
        return F.linear(self.norm(x), self.embedding)


def torch_model(form, rank):
    dtype, _ = FORMS[form]
    model = Model(dtype)
    if rank:  # freezes all the rest
        config = peft.LoraConfig(r=rank, lora_alpha=rank, lora_dropout=0.0, target_modules=PROJECTIONS)
        model = peft.inject_adapter_in_model(config, model)
        model.embedding.requires_grad_(False)
    return model.to(dtype)


def torch_seconds(model, ids, autocast):
    """The best of ARGS.steps steps, one to warm up before: on the wall, processor time."""
    best = cpu = math.inf
    for step in range(ARGS.steps + 1):
        for p in model.parameters():
            p.grad = None
        start, began = time.monotonic(), time.process_time()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            logits = model(ids)
        F.cross_entropy(logits.float().view(-1, VOCAB), ids.view(-1)).backward()
        if step:
            best, cpu = min(best, time.monotonic() - start), min(cpu, time.process_time() - began)
    return best, cpu


def redraft_seconds(rank):
    command = [ARGS.redraft, "bench", "--shape", ARGS.shape, "--train", "--windows", str(WINDOW), "--batches", str(BATCH),
               "--rank", str(rank), "--repeats", str(ARGS.steps), "--threads", str(ARGS.threads), "--json"]
    row = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return row["seconds"], row["cpu_seconds"], row["peak_fraction"]


def compare(name, rank):
    ids = torch.arange(BATCH * WINDOW).mul(7919).remainder(VOCAB).view(BATCH, WINDOW)
    models = {form: torch_model(form, rank) for form in ARGS.forms.split(",")}
    rounds = []
    for _ in range(ARGS.rounds):
        torch_best = [torch_seconds(model, ids, FORMS[form][1]) for form, model in models.items()]
        rounds.append((*(min(t[i] for t in torch_best) for i in range(2)), *redraft_seconds(rank)))
        for form, (wall, cpu) in zip(models, torch_best):
            print(f"      torch, {form}: {wall:.3f} s, processor {cpu:.3f} s; redraft {rounds[-1][2]:.3f}, "
                  f"{rounds[-1][3]:.3f}; load {os.getloadavg()[0]:.1f}", flush=True)
    wall, cpu, our_wall, our_cpu = (min(r[i] for r in rounds) for i in range(4))
    tokens, each = BATCH * WINDOW, ", ".join(f"{r[0] / r[2]:.2f}" for r in rounds)
    print(f"{name:5} wall: torch {wall:7.3f} s {tokens / wall:6.0f} tokens/s, redraft {our_wall:7.3f} s "
          f"{tokens / our_wall:6.0f} tokens/s, {max(r[4] for r in rounds):.0%} of the peak, ratio {wall / our_wall:5.2f} "
          f"(rounds {each})\n"
          f"{'':5} processor: torch {cpu:7.3f} s, redraft {our_cpu:7.3f} s, ratio {cpu / our_cpu:5.2f}", flush=True)


print(f"torch {torch.__version__}, peft {peft.__version__}, {ARGS.threads} threads, {ARGS.shape}, "
      f"{sum(p.numel() for p in Model(torch.float32).parameters()) / 1e6:.1f} M parameters, {BATCH} x {WINDOW} tokens")
for case in ARGS.cases.split(","):
    compare(case, ARGS.rank if case == "LoRA" else 0)
