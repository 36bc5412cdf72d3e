#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""SmolLM2 made a denoiser on a GPU: it writes its own answers to prompts, then gated blocks are trained onto its own distribution.

smol.py MODEL.gguf PROMPTS.json OUT [--seconds S] [--rank R]; needs the package gguf. PROMPTS.json is what prompts.py wrote: chat prompts as ids.
A window is the clean text (base, causal, no adapter) and two noisy copies of its answer with complementary masks (adapter on, every
block sees the clean text before it and itself both ways). Row r of a copy stands at answer position r and predicts position r + 1;
the first word of a block is the base's.
"""

import argparse
import json
import os
import time

import gguf
import numpy
import torch
import torch.nn.functional as F

import net as nets

MASK, EOS = 16, 2
CLEAN, ANSWER = 224, 80
NAMES = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")


def open_model(path, device, layers=30):
    reader = gguf.GGUFReader(path)
    shape = nets.Shape(width=576, layers=layers, heads=9, kv_heads=3, ff=1536, vocabulary=49152, positions=512, theta=100000.0)
    tensors = {t.name: torch.from_numpy(numpy.array(gguf.quants.dequantize(t.data, t.tensor_type), numpy.float32)) for t in reader.tensors}
    net = nets.Net(shape)
    with torch.no_grad():
        net.embed.copy_(tensors["token_embd.weight"])
        net.norm.weight.copy_(tensors["output_norm.weight"])
        for l, layer in enumerate(net.layers):
            layer.n1.weight.copy_(tensors[f"blk.{l}.attn_norm.weight"])
            layer.n2.weight.copy_(tensors[f"blk.{l}.ffn_norm.weight"])
            for m, name in zip(layer.p, NAMES):
                w = tensors[f"blk.{l}.{name}.weight"]
                if name in ("attn_q", "attn_k"):  # rows are stored in pairs for rotation
                    heads = w.shape[0] // 64
                    w = w.view(heads, 32, 2, -1).transpose(1, 2).reshape(w.shape)
                m.weight.copy_(w)
    words = [bytes(v) for v in [reader.fields["tokenizer.ggml.tokens"].parts[i] for i in reader.fields["tokenizer.ggml.tokens"].data]]
    return net.to(device), words


def spell(ids, words):
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {chr(b): b for b in printable}
    table.update({chr(256 + i): b for i, b in enumerate(b for b in range(256) if b not in printable)})
    return b"".join(bytes(table.get(c, 63) for c in words[i].decode()) for i in ids).decode(errors="replace")


@torch.no_grad()
def greedy(net, prompts, most):
    """The base's greedy answers, all side by side: keys and values stay, a slot a token."""
    device, s = net.embed.device, net.s
    B, P, d = len(prompts), max(map(len, prompts)), s.width // s.heads
    ids = torch.zeros(B, P, dtype=torch.long)
    for i, p in enumerate(prompts):
        ids[i, :len(p)] = torch.tensor(p)
    ids, lengths = ids.to(device), torch.tensor([len(p) for p in prompts], device=device)
    cache = torch.zeros(2, s.layers, B, s.kv_heads, P + most, d, dtype=torch.bfloat16, device=device)
    slots = torch.arange(P + most, device=device)
    back = torch.ones(P, P, dtype=torch.bool, device=device).tril()[None, None]
    out, done = [], torch.zeros(B, dtype=torch.bool, device=device)
    for i in range(most):
        if i == 0:
            x, pos, begin, end = ids, torch.arange(P, device=device).expand(B, P), 0, P
            mask = back
        else:
            x, pos, begin, end = out[-1][:, None], (lengths + i - 1)[:, None], P + i - 1, P + i
            mask = ((slots[None, :end] < lengths[:, None]) | (slots[None, :end] >= P))[:, None, None]
        h = F.embedding(x, net.embed).bfloat16()
        cos, sin = net.cos[pos][:, None].bfloat16(), net.sin[pos][:, None].bfloat16()
        for l, layer in enumerate(net.layers):
            y = layer.n1(h, None)
            q, k, v = (layer.p[j](y, None).view(B, x.shape[1], -1, d).transpose(1, 2) for j in range(3))
            cache[0, l, :, :, begin:end], cache[1, l, :, :, begin:end] = nets.turn(k, cos, sin), v
            o = F.scaled_dot_product_attention(nets.turn(q, cos, sin), cache[0, l, :, :, :end], cache[1, l, :, :, :end], attn_mask=mask, enable_gqa=True)
            h = h + layer.p[3](o.transpose(1, 2).reshape(B, x.shape[1], -1), None)
            y = layer.n2(h, None)
            h = h + layer.p[6](F.silu(layer.p[4](y, None)) * layer.p[5](y, None), None)
        h = net.norm(h, None)
        last = h[torch.arange(B, device=device), lengths - 1] if i == 0 else h[:, 0]
        new = torch.where(done, EOS, net.logits(last).argmax(-1))
        done |= new == EOS
        out.append(new)
        if done.all():
            break
    return torch.stack(out, 1).tolist()


def own_answers(net, prompts, follow, log, batch=1024):
    """[(prompt, answer)], second turns too: follow[i] is what is said after the answer to prompt i, or nothing."""
    rows, order = [], sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    again = []
    for i in range(0, len(order), batch):
        part = order[i:i + batch]
        for j, a in zip(part, greedy(net, [prompts[j] for j in part], ANSWER)):
            ended = EOS in a
            a = a[:a.index(EOS) + 1] if ended else a
            rows.append((prompts[j], a))
            if ended and follow[j] and len(prompts[j]) + len(a) + len(follow[j]) < CLEAN - ANSWER:
                again.append(prompts[j] + a + follow[j])
        log(stage="answers", rows=len(rows))
    again.sort(key=len)
    for i in range(0, len(again), batch):
        for p, a in zip(again[i:i + batch], greedy(net, again[i:i + batch], ANSWER)):
            rows.append((p, a[:a.index(EOS) + 1] if EOS in a else a))
    log(stage="second turns", rows=len(rows))
    return rows


class Rows:
    def __init__(self, rows, device):
        rows = [r for r in rows if len(r[1]) > 2 and len(r[0]) + len(r[1]) <= CLEAN]
        n = len(rows)
        ids, self.count = torch.full((n, CLEAN), EOS), n
        self.p, self.a = torch.tensor([len(p) for p, _ in rows]).to(device), torch.tensor([len(a) for _, a in rows]).to(device)
        for i, (p, a) in enumerate(rows):
            ids[i, :len(p) + len(a)] = torch.tensor(p + a)
        self.ids = ids.to(device)


def batch(rows, pick, size=None, full=0.5):
    """ids, pos, gate, mask to add, true answer ids and which were masked (B, 2, ANSWER), which rows count."""
    ids, P, A = rows.ids[pick], rows.p[pick], rows.a[pick]
    device, B = ids.device, len(pick)
    r = torch.arange(ANSWER, device=device)
    true = ids.gather(1, (P[:, None] + r).clamp(max=CLEAN - 1))
    S = torch.tensor([8, 16, 16, 32], device=device)[torch.randint(4, (B, 2, 1), device=device)] if size is None else torch.full((B, 2, 1), size, device=device)
    shift = (torch.rand(B, 2, 1, device=device) * S).long() if size is None else torch.zeros_like(S)
    block = (r + shift) // S
    start = (block * S - shift).clamp(min=0)
    first, last = r == start, r + 1 == (block + 1) * S - shift
    share = torch.rand(B, 2, 16, device=device).gather(2, block.clamp(max=15))
    share = torch.where(torch.rand(B, 2, 16, device=device).gather(2, block.clamp(max=15)) < full, 1.0, share)
    u = torch.rand(B, 1, ANSWER, device=device).expand(B, 2, ANSWER)
    u = torch.stack([u[:, 0], 1 - u[:, 1]], 1)
    masked = (u < share) & ~first
    noisy = torch.where(masked, MASK, true[:, None])
    x = torch.cat([ids, noisy.flatten(1)], 1)
    where = P[:, None, None] + r.expand(B, 2, ANSWER)
    pos = torch.cat([torch.arange(CLEAN, device=device).expand(B, CLEAN), where.flatten(1)], 1).clamp(max=511)
    key = torch.arange(CLEAN, device=device)
    clean = key[None, None] < (P[:, None, None] + start).flatten(1)[:, :, None]
    copy = torch.arange(2, device=device)[None, :, None].expand(B, 2, ANSWER).flatten(1)
    flat = block.flatten(1)
    near = (copy[:, :, None] == copy[:, None]) & (flat[:, :, None] == flat[:, None])
    T = CLEAN + 2 * ANSWER
    see = torch.zeros(B, T, T, dtype=torch.bool, device=device)
    see[:, :CLEAN, :CLEAN] = key[:, None] >= key[None]
    see[:, CLEAN:, :CLEAN], see[:, CLEAN:, CLEAN:] = clean, near
    mask = torch.zeros(see.shape, dtype=torch.bfloat16, device=device).masked_fill_(~see, float("-inf"))[:, None]
    inside = r + 1 < (A[:, None, None] + 1)
    follows = torch.cat([masked[:, :, 1:], torch.zeros_like(masked[:, :, :1])], 2)
    return x, pos, (torch.arange(T, device=device) >= CLEAN)[None, :, None].expand(B, T, 1), mask, true, masked, (follows | last) & inside, inside, first, P, start


def soft_loss(h, goal, embed, weight, norm):
    goal = F.linear(goal, embed).float().softmax(-1)
    losses = -(goal * F.linear(h, embed).float().log_softmax(-1)).sum(-1)
    return (losses * weight).sum() / norm


@torch.no_grad()
def measure(net, rows, size):
    """All masks: words right in a row behind the block's first (and that one), share right."""
    total = lead = right = count = 0
    for i in range(0, rows.count, 64):
        pick = torch.arange(i, min(i + 64, rows.count), device=rows.ids.device)
        x, pos, gate, mask, true, masked, want, inside, first, P, start = batch(rows, pick, size, 2.0)
        h = net.hidden(x, pos, mask, gate)[:, CLEAN:CLEAN + ANSWER]
        new = net.logits(h).argmax(-1)
        good = (new[:, :-1] == true[:, 1:]) & inside[:, 0, :-1]
        good = F.pad(good, (0, 1))
        for s in range(0, ANSWER, size):
            live = inside[:, 0, s]
            run = good[:, s:s + size - 1].long().cumprod(1).sum(1)
            lead, total = lead + int((run + 1)[live].sum()), total + int(live.sum())
            right, count = right + int(good[:, s:s + size - 1].sum()), count + int(inside[:, 0, s:s + size - 1].sum())
    return round(lead / total, 3), round(right / max(count, 1), 3)


@torch.no_grad()
def read_aloud(net, prompt, size, threshold=0.9, most=64, noiseless=False):
    """Block denoising by a threshold or noiseless refinement, and how many passes it took."""
    device, out, passes = net.embed.device, [], 0
    while len(out) < most:
        n = len(prompt) + len(out)
        back = torch.zeros(1, 1, n, n, device=device, dtype=torch.bfloat16).masked_fill_(~torch.ones(n, n, dtype=torch.bool, device=device).tril(), float("-inf"))
        clean = torch.tensor([prompt + out], device=device)
        word = int(net.logits(net.hidden(clean, torch.arange(n, device=device)[None], back)[0, -1]).argmax())
        passes += 1
        block = torch.tensor([word] + [MASK] * (size - 1), device=device)
        see = torch.ones(n + size, n + size, dtype=torch.bool, device=device)
        see[:n, :n], see[:n, n:] = see[:n, :n].tril(), False
        mask = torch.zeros(1, 1, n + size, n + size, device=device, dtype=torch.bfloat16).masked_fill_(~see, float("-inf"))
        gate = (torch.arange(n + size, device=device) >= n)[None, :, None]
        for _ in range(24):
            h = net.hidden(torch.cat([clean[0], block])[None], torch.arange(n + size, device=device)[None], mask, gate)[0, n:]
            sure, new = net.logits(h).float().softmax(-1).max(-1)
            passes += 1
            if noiseless:
                after = torch.cat([block[:1], new[:-1]])
                if (after == block).all():
                    break
                block = after
                continue
            todo = block[1:] == MASK
            if not todo.any():
                break
            fill = todo & (sure[:-1] > threshold)
            if not fill.any():
                fill = torch.zeros_like(todo)
                fill[(sure[:-1] * todo).argmax()] = True
            block[1:] = torch.where(fill, new[:-1], block[1:])
        out += block.tolist()
        if EOS in out:
            return out[:out.index(EOS)], passes
    return out, passes


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model")
    p.add_argument("prompts")
    p.add_argument("out")
    p.add_argument("--seconds", type=float, default=200)
    p.add_argument("--rank", type=int, default=20)
    p.add_argument("--rate", type=float, default=1e-3)
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--layers", type=int, default=30, help="fewer, to try this file")
    p.add_argument("--most", type=int, default=0)
    p.add_argument("--draft-share", type=float, default=0.35)
    p.add_argument("--drafts-from", type=float, default=0.5)
    p.add_argument("--device", default="cuda")
    p.add_argument("--compile", type=int, default=1)
    a = p.parse_args()
    began = time.time()
    os.makedirs(a.out, exist_ok=True)
    record = open(os.path.join(a.out, "log.jsonl"), "a", encoding="utf-8")

    def log(**what):
        what["seconds"] = round(time.time() - began, 1)
        record.write(json.dumps(what) + "\n")
        record.flush()
        print(json.dumps(what), flush=True)
    torch.manual_seed(1)
    net, words = open_model(a.model, a.device, a.layers)
    log(stage="opened")
    with open(a.prompts, encoding="utf-8") as f:
        asked = json.load(f)
    prompts, follow = asked["prompts"], asked["follow"]
    if a.most:
        prompts, follow = prompts[:a.most], follow[:a.most]
    pairs = own_answers(net, prompts, follow, log)
    random = numpy.random.default_rng(1)
    random.shuffle(pairs)
    held = max(4, min(256, len(pairs) // 10))
    test, rows = Rows(pairs[:held], a.device), Rows(pairs[held:], a.device)
    log(stage="rows", rows=rows.count, held=test.count, answer_ids=int(rows.a.sum()), first=spell(pairs[0][1], words))
    params = net.adapt(a.rank)
    loss_of = soft_loss
    if a.compile:
        torch._dynamo.config.recompile_limit = 64
        for layer in net.layers:
            layer.compile(dynamic=False)
        loss_of = torch.compile(soft_loss, dynamic=False)
    opt = torch.optim.AdamW(params, lr=a.rate, betas=(0.9, 0.98), weight_decay=0.0, fused=a.device == "cuda")
    embed = net.embed.detach().bfloat16()
    start, step, seen, wanted_rows = time.time(), 0, 0, a.batch * 2 * 48
    at = 0.0
    while at < 1:
        at = min(1.0, (time.time() - start) / a.seconds)
        rate = a.rate * min(1, (step + 1) / 40) * (1 - at)
        pick = torch.randint(rows.count, (a.batch,), device=a.device)
        x, pos, gate, mask, true, masked, want, inside, first, P, _ = batch(rows, pick)
        if at > a.drafts_from and torch.rand(()) < a.draft_share:
            with torch.no_grad():
                for _ in range(1 + int(torch.rand(()) < 0.5)):
                    new = net.logits(net.hidden(x, pos, mask, gate)[:, CLEAN:]).argmax(-1).view(a.batch, 2, ANSWER)
                    moved = torch.cat([true[:, None, :1].expand(-1, 2, -1), new[:, :, :-1]], 2)
                    noisy = torch.where(first, true[:, None], moved)
                    x = torch.cat([x[:, :CLEAN], noisy.flatten(1)], 1)
                again = (torch.rand(noisy.shape, device=a.device) < torch.rand(a.batch, 2, 1, device=a.device) * 0.5) & ~first
                x = torch.cat([x[:, :CLEAN], torch.where(again, MASK, noisy).flatten(1)], 1)
            want = inside
        h = net.hidden(x, pos, mask, gate)
        index = want.nonzero()
        index = index[torch.randperm(len(index), device=a.device)[:wanted_rows]]
        count = len(index)
        index = F.pad(index, (0, 0, 0, wanted_rows - count))
        b, c, r = index.unbind(1)
        weight = (torch.arange(wanted_rows, device=a.device) < count).float()
        mine, goal = h[b, CLEAN + c * ANSWER + r], h[b, (P[b] + r).clamp(max=CLEAN - 1)].detach()
        loss = loss_of(mine, goal, embed, weight, float(count))
        near = ((1 - F.cosine_similarity(mine.float(), goal.float(), dim=-1)) * weight).sum() / count
        (loss + near * max(0.0, 1 - 2 * at)).backward()
        torch.nn.utils.clip_grad_norm_(params, 1.0)
        for group in opt.param_groups:
            group["lr"] = rate
        opt.step()
        opt.zero_grad(set_to_none=True)
        step, seen = step + 1, seen + count
        if step % 100 == 0:
            log(step=step, rows=seen, at=round(at, 3), loss=round(loss.item(), 4), near=round(near.item(), 4),
                **({f"b{s}": measure(net, test, s) for s in (8, 16)} if step % 400 == 0 else {}))
    for layer in net.layers:
        layer._compiled_call_impl = None
    log(stage="end", **{f"b{s}": measure(net, test, s) for s in (4, 8, 16, 32)})
    nets.save_adapter(net, os.path.join(a.out, "adapter"), a.rank, "SmolLM2-135M-Instruct")
    for p in asked["shown"]:
        for size, noiseless in ((8, False), (16, False), (16, True), (32, True)):
            ids, passes = read_aloud(net, p, size, noiseless=noiseless)
            log(block=size, noiseless=noiseless, passes=passes, tokens=len(ids), text=spell(ids, words))


if __name__ == "__main__":
    main()
