#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The training step that `redraft bench --train` times, written in PyTorch, and the ratio of the two.

Both run in turn, in this invocation, with the same threads: forward and backward of a LLaMA of tini's shape
(8.3 M parameters) over 16 x 256 tokens, bidirectional attention, cross-entropy at every position. PyTorch's runs in bf16
autocast, or with --f32 in single precision; redraft takes what it takes by itself: bf16 where the processor multiplies it. The best
of all rounds counts for each, on the wall and in processor time (with one thread and other programs about, the latter
is the fairer one: it holds no waiting). Needs python3-torch (Debian's is 1.13) and build/redraft.

    tools/torch_step.py [--redraft build/redraft] [--threads 2] [--rounds 3] [--steps 3] [--rank 64] [--f32]
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
ARGS.add_argument("--f32", action="store_true", help="PyTorch without autocast")
ARGS = ARGS.parse_args()
os.environ["OMP_NUM_THREADS"] = str(ARGS.threads)

import torch  # noqa: E402  (after the number of threads is set)
import torch.nn.functional as F  # noqa: E402

BATCH, WINDOW, WIDTH, LAYERS, HEADS, FEED, VOCAB = 16, 256, 288, 6, 6, 768, 8192
torch.set_num_threads(ARGS.threads)
torch.manual_seed(1)


class Linear(torch.nn.Module):
    """y = W x, with rank > 0: W frozen, plus B A x."""

    def __init__(self, inner, outer, rank):
        super().__init__()
        self.w = torch.nn.Parameter(0.02 * torch.randn(outer, inner), requires_grad=rank == 0)
        if rank:
            self.a = torch.nn.Parameter(0.02 * torch.randn(rank, inner))
            self.b = torch.nn.Parameter(torch.zeros(outer, rank))
        self.rank = rank

    def forward(self, x):
        y = F.linear(x, self.w)
        return y + F.linear(F.linear(x, self.a), self.b) if self.rank else y


class Norm(torch.nn.Module):
    """RMS norm; frozen on both sides, as in the benchmark."""

    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.ones(WIDTH), requires_grad=False)

    def forward(self, x):
        return self.w * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5)


class Layer(torch.nn.Module):
    def __init__(self, rank):
        super().__init__()
        self.norm1, self.norm2 = Norm(), Norm()
        self.q, self.k, self.v, self.o = (Linear(WIDTH, WIDTH, rank) for _ in range(4))
        self.gate, self.up = Linear(WIDTH, FEED, rank), Linear(WIDTH, FEED, rank)
        self.down = Linear(FEED, WIDTH, rank)

    def forward(self, x, cos, sin):
        h = self.norm1(x)
        q, k, v = (p(h).view(BATCH, WINDOW, HEADS, -1).transpose(1, 2) for p in (self.q, self.k, self.v))
        q, k = (t * cos + torch.cat((-t[..., t.shape[-1] // 2:], t[..., :t.shape[-1] // 2]), -1) * sin for t in (q, k))
        p = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]), -1)
        x = x + self.o((p @ v).transpose(1, 2).reshape(BATCH, WINDOW, WIDTH))
        h = self.norm2(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Model(torch.nn.Module):
    def __init__(self, rank):
        super().__init__()
        self.embedding = torch.nn.Parameter(0.02 * torch.randn(VOCAB, WIDTH), requires_grad=rank == 0)
        self.layers = torch.nn.ModuleList(Layer(rank) for _ in range(LAYERS))
        self.norm = Norm()
        half = WIDTH // HEADS // 2
        angles = torch.outer(torch.arange(WINDOW), 500000.0 ** (-torch.arange(half) / half))
        self.cos, self.sin = (torch.cat((t, t), -1) for t in (angles.cos(), angles.sin()))

    def forward(self, ids):
        x = F.embedding(ids, self.embedding)
        for layer in self.layers:
            x = layer(x, self.cos, self.sin)
        return F.linear(self.norm(x), self.embedding)


def torch_seconds(model, ids):
    """The best of ARGS.steps steps, one to warm up before: on the wall, processor time."""
    best = cpu = math.inf
    for step in range(ARGS.steps + 1):
        for p in model.parameters():
            p.grad = None
        start, began = time.monotonic(), time.process_time()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=not ARGS.f32):
            logits = model(ids)
        F.cross_entropy(logits.float().view(-1, VOCAB), ids.view(-1)).backward()
        if step:
            best, cpu = min(best, time.monotonic() - start), min(cpu, time.process_time() - began)
    return best, cpu


def redraft_seconds(rank):
    command = [ARGS.redraft, "bench", "--shape", "tini", "--train", "--windows", str(WINDOW), "--batches", str(BATCH),
               "--rank", str(rank), "--repeats", str(ARGS.steps), "--threads", str(ARGS.threads), "--json"]
    row = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return row["seconds"], row["cpu_seconds"], row["peak_fraction"]


def compare(name, rank):
    model, ids = Model(rank), torch.arange(BATCH * WINDOW).mul(7919).remainder(VOCAB).view(BATCH, WINDOW)
    rounds = [(*torch_seconds(model, ids), *redraft_seconds(rank)) for _ in range(ARGS.rounds)]
    wall, cpu, our_wall, our_cpu = (min(r[i] for r in rounds) for i in range(4))
    tokens, each = BATCH * WINDOW, ", ".join(f"{r[0] / r[2]:.2f}" for r in rounds)
    print(f"{name:5} wall: torch {wall:7.3f} s {tokens / wall:6.0f} tokens/s, redraft {our_wall:7.3f} s "
          f"{tokens / our_wall:6.0f} tokens/s, {max(r[4] for r in rounds):.0%} of the peak, ratio {wall / our_wall:5.2f} "
          f"(rounds {each})\n"
          f"{'':5} processor: torch {cpu:7.3f} s, redraft {our_cpu:7.3f} s, ratio {cpu / our_cpu:5.2f}", flush=True)


print(f"torch {torch.__version__}, {ARGS.threads} threads, {sum(p.numel() for p in Model(0).parameters()) / 1e6:.1f} M "
      f"parameters, {BATCH} x {WINDOW} tokens, {'f32' if ARGS.f32 else 'bf16 autocast'}")
compare("all", 0)
compare("LoRA", ARGS.rank)
