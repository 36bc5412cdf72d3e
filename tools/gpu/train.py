#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tini on a GPU: the recipe of tools/tini/train in PyTorch, base and adapters one after the other, each for a number of seconds.

train.py PACKED OUT [--base FOLDER] [--base-seconds S] [--adapt both:S,gated:S] [--rank R] [--sets FOLDER,.. --tokenizer FILE] [shape and batch ..]

PACKED is what pack.py wrote. The rate follows the clock, so that a run ends with a rate of nothing. OUT gets base/, adapter-NAME/,
log.jsonl, and with --sets what every stage answers, asked at the end. Told to end (SIGTERM, as `timeout` sends), it writes what it has. --from FOLDER or FILE.gguf: the base goes on from there. Of --adapt, `gated:S:on` goes on
from --adapter, `both:=` has as many updates as the stage before, so that two layouts are compared at equal budget.
"""

import argparse
import itertools
import json
import os
import signal
import threading
import time

import numpy
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

import ask
import net as nets
import windows

STOP = threading.Event()    # a run that is told to end writes what it has
FILES = {"pad_token_id": windows.EOS, "mask_token_id": windows.MASK, "eos_token_id": [windows.EOS]}


class Epochs:
    """Epochs on the device; the next one is laid while one is used."""

    def __init__(self, make, batch, device):
        self.make, self.batch, self.device, self.number, self.at = make, batch, device, 0, None
        self.start()

    def start(self):
        def run():
            self.made = self.make(numpy.random.default_rng(self.number))
        self.number += 1
        self.thread = threading.Thread(target=run)
        self.thread.start()

    def swap(self):
        self.thread.join()
        self.now = [torch.from_numpy(a).to(self.device) for a in self.made]
        self.order = torch.randperm(len(self.now[0]), device=self.device)
        self.at = 0
        self.start()

    def next(self):
        if self.at is None or self.at + self.batch > len(self.order):
            self.swap()
        pick = self.order[self.at:self.at + self.batch]
        self.at += self.batch
        return [a[pick] for a in self.now]


def loss_of(h, embed, targets, weights):
    losses = F.cross_entropy(F.linear(h, embed.to(h.dtype)).float(), targets, ignore_index=-1, reduction="none")
    return (losses * weights).sum()


def clock(seconds, warm, peak, hold=0.0, updates=0):
    """Rate at a share of the time, or of the updates: up in `warm`, held until `hold`, down to nothing."""
    began, counted = time.time(), itertools.count(1)

    def now():
        at = next(counted) / updates if updates else (time.time() - began) / seconds
        if STOP.is_set():
            at = 1
        return min(at, 1), peak * min(1, at / warm) * min(1, (1 - at) / (1 - hold)) if at < 1 else 0
    return now


def optimiser(params, rate, decay, beta2):
    big, small = [p for p in params if p.dim() > 1], [p for p in params if p.dim() < 2]
    return torch.optim.AdamW([{"params": big, "weight_decay": decay}, {"params": small, "weight_decay": 0.0}], lr=rate, betas=(0.9, beta2), fused=params[0].is_cuda)


def update(opt, params, loss, rate):
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(params, 1.0)
    for group in opt.param_groups:
        group["lr"] = rate
    opt.step()
    opt.zero_grad(set_to_none=True)
    return norm


def train_base(net, d, a, log):
    device = net.embed.device
    epochs = Epochs(lambda rng: windows.documents(d, {"chat": 1.0, "text": 0.5}, a.window, rng), a.batch, device)
    params = [p for p in net.parameters() if p.requires_grad]
    opt, now, step, seen = optimiser(params, a.rate, 0.05, 0.98), clock(a.base_seconds, 0.02, a.rate), 0, 0
    at = 0
    while at < 1:
        at, rate = now()
        x, y, spoken, seg, pos = epochs.next()
        weight = (y >= 0).float()
        if at > a.spoken_from:
            weight = weight * spoken.float()
        h = net.hidden(x.long(), pos.long(), nets.pair_mask(seg, None, "causal"))
        loss = a.loss(h.flatten(0, 1), net.embed, y.long().flatten(), weight.flatten()) / weight.sum()
        update(opt, params, loss, rate)
        step, seen = step + 1, seen + x.numel()
        if step % 50 == 0:
            log(stage="base", step=step, tokens=seen, epoch=epochs.number - 2, at=round(at, 3), loss=round(loss.item(), 4))


@torch.no_grad()
def redraft(net, noisy, canvas, pos, mask, gate, a):
    """One to three readings of the noise by the model itself, half of them drawn, now and then with new masks."""
    readings = 0
    while readings < 3 and torch.rand(()) < a.own_drafts:
        readings += 1
    for _ in range(readings):
        logits = net.logits(net.hidden(noisy, pos, mask, gate)).float()
        if torch.rand(()) < 0.5:
            value, index = logits.topk(3, -1)
            noise = -torch.log(-torch.log(torch.rand_like(value).clamp(1e-9, 1 - 1e-7)))
            new = index.gather(-1, (value + noise).argmax(-1, keepdim=True))[..., 0]
        else:
            new = logits.argmax(-1)
        noisy = torch.where(canvas, new, noisy)
    if readings and torch.rand(()) < a.remask:
        share = torch.rand(noisy.shape[0], 1, device=noisy.device) * 0.5
        noisy = torch.where(canvas & (torch.rand(noisy.shape, device=noisy.device) < share), windows.MASK, noisy)
    return noisy


def warm_up(net, layout, a):
    """Compile while the first epoch is laid."""
    x = torch.zeros(a.batch, a.window, dtype=torch.long, device=net.embed.device)
    mask, gate = nets.pair_mask(x, x, layout), torch.ones_like(x)[..., None]
    with torch.no_grad():
        net.hidden(x, x, mask, gate)
    h = net.hidden(x, x, mask, gate)
    a.loss(h.flatten(0, 1), net.embed, x.flatten(), x.flatten().float()).backward()
    net.zero_grad(set_to_none=True)


def train_adapter(net, d, names, layout, seconds, updates, adapter, a, log):
    """For these seconds, or for so many updates; from an adapter's file or from nothing. Returns how many updates it took."""
    device = net.embed.device
    told = {i: a.told for i, name in enumerate(names[a.rows]) if name in ("story", "poem", "describe", "told")}
    shares = (0.3, 0.08, 0.08, 0.05)
    epochs = Epochs(lambda rng: windows.canvases(d, a.rows, a.window, rng, shares, told), a.batch, device)
    params = net.adapt(a.rank)
    if adapter:
        nets.load_adapter(net, adapter)
    warm_up(net, layout, a)
    epochs.swap()
    opt, now, step, seen, at = optimiser(params, a.adapter_rate, 0.01, 0.99), clock(seconds, 0.02, a.adapter_rate, 0.3, updates), 0, 0, 0
    while at < 1:
        at, rate = now()
        clean, noisy, seg, pos, canvas, weight = epochs.next()
        canvas, pos, noisy = canvas.bool(), pos.long(), noisy.long()
        mask = nets.pair_mask(seg, canvas, layout)
        gate = (canvas if layout == "gated" else torch.ones_like(canvas))[..., None]
        if at > a.drafts_from:
            noisy = redraft(net, noisy, canvas, pos, mask, gate, a)
        h = net.hidden(noisy, pos, mask, gate)
        documents = seg.amax(1).sum()
        loss = a.loss(h.flatten(0, 1), net.embed, clean.long().flatten(), weight.flatten()) / documents
        update(opt, params, loss, rate)
        step, seen = step + 1, seen + clean.numel()
        if step % 50 == 0:
            log(stage=layout, step=step, tokens=seen, epoch=epochs.number - 2, at=round(at, 3), loss=round(loss.item(), 4))
    return step


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("packed")
    p.add_argument("out")
    p.add_argument("--base")
    p.add_argument("--from", dest="begin", help="weights that the base goes on from")
    p.add_argument("--spoken-from", type=float, default=0.5, help="share of the base's time from which answers alone count")
    p.add_argument("--rows", default="denoise", help="the packed file that adapters learn from")
    p.add_argument("--q8", type=int, default=0, help="adapters learn beside the base's numbers in Q8_0")
    p.add_argument("--base-seconds", type=float, default=200)
    p.add_argument("--adapt", default="both:100,gated:100")
    p.add_argument("--adapter", help="an adapter_model.safetensors to go on from")
    p.add_argument("--rank", type=int, default=64)
    p.add_argument("--sets")
    p.add_argument("--tokenizer")
    p.add_argument("--ways", default="lad,demo", help="how adapters are asked: refined without noise, drawn as the demo does")
    p.add_argument("--limit", type=int, default=0)
    p.add_argument("--device", default="cuda")
    p.add_argument("--compile", type=int, default=1)
    p.add_argument("--window", type=int, default=256)
    p.add_argument("--batch", type=int, default=160)
    p.add_argument("--rate", type=float, default=3e-3)
    p.add_argument("--adapter-rate", type=float, default=2e-3)
    p.add_argument("--own-drafts", type=float, default=0.5)
    p.add_argument("--drafts-from", type=float, default=0.25)
    p.add_argument("--remask", type=float, default=0.3)
    p.add_argument("--told", type=int, default=3)
    p.add_argument("--layers", type=int, default=8)
    p.add_argument("--width", type=int, default=384)
    p.add_argument("--heads", type=int, default=6)
    p.add_argument("--ff", type=int, default=1024)
    a = p.parse_args()
    began = time.time()
    signal.signal(signal.SIGTERM, lambda *_: STOP.set())
    torch.manual_seed(1)
    torch.set_float32_matmul_precision("high")
    os.makedirs(a.out, exist_ok=True)
    record = open(os.path.join(a.out, "log.jsonl"), "a", encoding="utf-8")

    def log(**what):
        what["seconds"] = round(time.time() - began, 1)
        line = json.dumps(what)
        record.write(line + "\n")
        record.flush()
        if what.get("step", 0) % 250 == 0:
            print(line, flush=True)
    d, names = windows.read(a.packed)
    print("groups", names[a.rows], flush=True)
    shape = nets.Shape(width=a.width, layers=a.layers, heads=a.heads, ff=a.ff, positions=a.window)
    a.loss = torch.compile(loss_of) if a.compile else loss_of

    def fresh():
        net = nets.Net(shape).to(a.device)
        if a.compile:
            torch._dynamo.config.recompile_limit = 64
            for layer in net.layers:
                layer.compile(dynamic=False)
        return net
    net = fresh()
    log(stage="start", parameters=sum(x.numel() for x in net.parameters()))
    tokenizer = Tokenizer.from_file(a.tokenizer) if a.tokenizer else None

    asked = []

    def answers():
        """All that was trained, asked when everything is written: a run that is cut has its weights."""
        for (net, settings, name), folder in itertools.product(asked, a.sets.split(",") if a.sets else ()):
            if not STOP.is_set():
                for layer in net.layers:
                    layer._compiled_call_impl = None
                ask.table(net, settings, folder, tokenizer, a.device, a.limit, os.path.join(a.out, f"{name}.{os.path.basename(folder)}.answers.jsonl"))
                log(stage="asked " + name)
    base = a.base or os.path.join(a.out, "base")
    if not a.base:
        if a.begin:
            nets.load_base(net, a.begin)
        train_base(net, d, a, log)
        nets.save_base(net, base, FILES)
        log(stage="saved base")
        asked.append((net, {"ar": (ask.write, "causal", {})}, "base"))
    updates = 0
    for part in itertools.takewhile(lambda part: part and not STOP.is_set(), a.adapt.split(",")):
        layout, budget, *on = part.split(":")
        name = layout + "-on" * bool(on)
        net = fresh()
        nets.load_base(net, base, a.q8)
        seconds, same = (0, updates) if budget == "=" else (float(budget), 0)
        updates = train_adapter(net, d, names, layout, seconds, same, a.adapter if on else None, a, log)
        nets.save_adapter(net, os.path.join(a.out, "adapter-" + name), a.rank, "tini")
        log(stage="saved adapter", layout=name, updates=updates)
        ways = {"lad": (ask.refine, layout, {}), "demo": (ask.refine, layout, {"top_k": 3})}
        asked.append((net, {way: ways[way] for way in a.ways.split(",")}, name))
    answers()
    log(stage="end")


if __name__ == "__main__":
    main()
