#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""SmolLM2's adapter for drafting in the pass that checks, and for refining: branches.py MODEL.gguf PROMPTS.npz OUT [--seconds S] [--warm ADAPTER].

Needs the package gguf. PROMPTS.npz is what packed.py wrote. The parent writes its own greedy answers to all prompts; each step then takes
some of them with two noisy copies of the answer, cut into blocks that end anywhere:

- branches: blocks of 1 to 8, all masks, the first too. Row r of a block stands at the place of word r, unknown to it, and predicts word r + 1
  from the clean words before the block; the sampler head adds what word r is (the true one: a draft counts only as far as it is right).
- fill: blocks of 8 to 32 whose first word is known. Half of the steps have masks; the others have drafts, which the adapter itself made in one to
  three rounds of noiseless refinement, with some words exchanged. Up to REACH words behind a draft's first wrong one the goal is the true
  text's; beyond it, the parent's own distribution behind the draft as it stands, so that a draft agrees with itself and no word stands twice.

The goal of a row is the parent's distribution (and, for a share, its greatest word alone). The gradient of the scores is written out, a chunk of rows at
a time, so that they are never kept.
"""

import argparse
import os
import time

import numpy
import torch
import torch.nn.functional as F

import frozen as frozens
import smol

MASK, EOS = 16, 2
REACH = 3
CANDIDATES = 64  # the head chooses among so many of a row's likeliest words, as the program does
BRANCHES = {1: 0.05, 2: 0.15, 3: 0.2, 4: 0.2, 5: 0.15, 6: 0.15, 8: 0.1}
FILLS = {8: 0.3, 16: 0.3, 32: 0.4}
ARMS = {  # what a short run leaves out or does otherwise
    "everything": {},
    "without the head": {"head": 0},
    "without own drafts": {"drafts": 0.0},
    "without soft labels": {"hard": 1.0},
    "data sets' answers": {"foreign": 1},
    "with hidden states aligned": {"align": 1.0},
    "only blocks with a known first word": {"branches": 0.0},
}


class Rows:
    """Prompts with answers, padded: ids (N, CLEAN), lengths p and a."""

    def __init__(self, pairs, clean, device):
        pairs = [r for r in pairs if len(r[1]) > 2 and len(r[0]) + len(r[1]) <= clean]
        ids, self.count = torch.full((len(pairs), clean), EOS), len(pairs)
        for i, (p, a) in enumerate(pairs):
            ids[i, :len(p) + len(a)] = torch.tensor(p + a)
        self.p, self.a = (torch.tensor([len(r[j]) for r in pairs]).to(device) for j in range(2))
        self.ids = ids.to(device)


class Copies:
    """Noisy copies side by side, (B, C, R): block starts, the words' places, the mask that lets a block see itself and the clean words before it."""

    def __init__(self, rows, pick, sizes, shifts, most):
        device = pick.device
        self.ids, self.p, self.a = rows.ids[pick], rows.p[pick], rows.a[pick]
        self.r = torch.arange(most, device=device)
        B, C, clean = len(pick), sizes.shape[1], self.ids.shape[1]
        self.true = self.ids.gather(1, (self.p[:, None] + self.r).clamp(max=clean - 1))
        block = (self.r + shifts[..., None]) // sizes[..., None]
        self.start = (block * sizes[..., None] - shifts[..., None]).clamp(min=0)
        self.last = self.r + 1 == (block + 1) * sizes[..., None] - shifts[..., None]
        self.first, self.inside = self.r == self.start, self.r + 1 < self.a[:, None]
        self.pos = (self.p[:, None, None] + self.r).expand(B, C, most).reshape(B, -1)
        key = torch.arange(clean, device=device)
        before = key < (self.p[:, None, None] + self.start).flatten(1)[..., None]
        flat = (block + 1000 * torch.arange(C, device=device)[:, None]).flatten(1)
        self.near = flat[:, :, None] == flat[:, None]
        self.before = before

    def mask(self, back=False):
        near = self.near & torch.ones_like(self.near[0]).tril() if back else self.near
        see = torch.cat([self.before, near], 2)
        return torch.zeros(see.shape, dtype=torch.bfloat16, device=see.device).masked_fill_(~see, float("-inf"))[:, None]

    def only(self, c):
        """A view of one copy."""
        other, R = object.__new__(Copies), len(self.r)
        other.__dict__.update(self.__dict__)
        for name in ("start", "last", "first"):
            setattr(other, name, getattr(self, name)[:, c:c + 1])
        cut = slice(c * R, (c + 1) * R)
        other.pos, other.before, other.near = self.pos[:, cut], self.before[:, cut], self.near[:, cut, cut]
        return other


def clean_pass(frozen, ids):
    with torch.no_grad():
        B, T = ids.shape
        return frozen.hidden(frozen.base, ids, torch.arange(T, device=ids.device).expand(B, T))


def draw(table, shape, device):
    sizes, weights = torch.tensor(list(table), device=device), torch.tensor(list(table.values()), device=device)
    return sizes[torch.multinomial(weights, shape[0] * shape[1], replacement=True)].view(shape)


def masked_words(c, full):
    """(B, R): a known first word, masks for a share of the others (for all with the chance `full`), and which are masks."""
    B, R = c.true.shape
    share = torch.where(torch.rand(B, 1, device=c.true.device) < full, 1.0, torch.rand(B, 1, device=c.true.device))
    masked = (torch.rand(B, R, device=c.true.device) < share) & ~c.first[:, 0]
    return torch.where(masked, MASK, c.true), masked


def next_words(frozen, h, c):
    """A round of refinement: every word from the row before it, first words as they are."""
    new = frozen.logits(h).argmax(-1)
    return torch.where(c.first[:, 0], c.true, F.pad(new[:, :-1], (1, 0)))


def drafts(frozen, weights, c, clean):
    """Own drafts of one to three rounds with noise, and for every row the parent's hidden state behind the draft as it stands, and whether it is the goal."""
    device, (B, R) = c.true.device, c.true.shape
    words, _ = masked_words(c, 0.6)
    mask = c.mask()
    for _ in range(1 + int(torch.multinomial(torch.tensor([0.5, 0.3, 0.2]), 1))):
        words = next_words(frozen, frozen.hidden(weights, words, c.pos, clean, mask)[0], c)
    amount = torch.rand(B, 1, device=device) * 0.3 * (torch.rand(B, 1, device=device) < 0.5)
    kind, hit = torch.randint(4, (B, R), device=device), torch.rand(B, R, device=device) < amount
    elsewhere = c.true.gather(1, (torch.rand(B, R, device=device) * c.a[:, None]).long())
    others = torch.stack([F.pad(words[:, :-1], (1, 0)), F.pad(words[:, 1:], (0, 1)), elsewhere, torch.randint(frozen.s.vocabulary, (B, R), device=device)])
    words = torch.where(hit & ~c.first[:, 0], others.gather(0, kind[None])[0], words)
    back = torch.rand(B, 1, device=device) * 0.5 * (torch.rand(B, 1, device=device) < 0.25)
    words = torch.where((torch.rand(B, R, device=device) < back) & ~c.first[:, 0], MASK, words)
    behind, _ = frozen.hidden(frozen.base, words, c.pos, clean, c.mask(back=True))
    wrong = words != c.true
    r, start = c.r.expand(B, R), c.start[:, 0]
    count = wrong.long().cumsum(1)
    before_block = F.pad(count, (1, 0)).gather(1, start)
    spoilt = count > before_block
    first = torch.where(spoilt, r, R)
    first = torch.full((B, R + 1), R, device=device).scatter_reduce(1, start, first, "amin").gather(1, start)
    masks = (words == MASK).long().cumsum(1)
    hidden_mask = masks > F.pad(masks, (1, 0)).gather(1, start)
    own = spoilt & (r - first > REACH) & ~hidden_mask
    return words, behind, own


def pull(frozen, mine, goal, weight, hard, chunk=4096):
    """The cross-entropy to the goal's distribution as a number whose gradient is right, and its value."""
    total, value = 0.0, 0.0
    for i in range(0, len(mine), chunk):
        m, w = mine[i:i + chunk], weight[i:i + chunk]
        with torch.no_grad():
            lg = frozen.logits(goal[i:i + chunk])
            top = lg.argmax(-1, keepdim=True)
            p = frozen.logits(m).float().log_softmax(-1)
            q = lg.float().softmax(-1).mul_(1 - hard)
            q.scatter_add_(1, top, torch.full_like(top, hard, dtype=q.dtype))
            value += float(-((q * p).sum(-1) * w).sum()) if i == 0 else 0.0
            away = p.exp_().sub_(q).mul_(w[:, None]).to(m.dtype) @ frozen.embed
            if i == 0:
                value /= max(float(w.sum()), 1e-9)
        total = total + (m.float() * away.float()).sum()
    return total / weight.sum(), value


def some(flags, count):
    """count places (B, R) where flags hold, and 1 for those, 0 for what fills up."""
    index = flags.nonzero()
    index = index[torch.randperm(len(index), device=flags.device)[:count]]
    weight = (torch.arange(count, device=flags.device) < len(index)).float()
    return (*F.pad(index, (0, 0, 0, count - len(index))).unbind(1), weight)


def train(frozen, adapter, rows, a, seconds, log, steps=None, watch=None):
    """Until the clock or the number of steps ends; the rate falls with it."""
    device = frozen.embed.device
    opt = torch.optim.AdamW(adapter.parameters(), lr=a.rate, betas=(0.9, 0.98), weight_decay=0.0, fused=device.type == "cuda")
    began, step, at, seen = time.time(), 0, 0.0, [0, 0]
    while at < 1:
        at = min(1.0, (time.time() - began) / seconds if steps is None else (step + 1) / steps)
        pick = torch.randint(rows.count, (a.batch,), device=device)
        sizes = torch.cat([draw(BRANCHES, (a.batch, 1), device), draw(FILLS, (a.batch, 1), device)], 1)
        shifts = (torch.rand(a.batch, 2, device=device) * sizes).long()
        c = Copies(rows, pick, sizes, shifts, a.answer)
        h_clean, clean = clean_pass(frozen, c.ids)
        true_goal = h_clean.gather(1, (c.p[:, None] + c.r).clamp(max=c.ids.shape[1] - 1)[..., None].expand(-1, -1, h_clean.shape[-1]))
        fill = c.only(1)
        with_drafts = float(torch.rand(())) < a.drafts * min(1.0, 0.5 + at)
        with torch.no_grad():
            weights = adapter.weights()
            if with_drafts:
                words, behind, beside = drafts(frozen, weights, fill, clean)
                fill_goal, wanted = torch.where(beside[..., None], behind, true_goal), c.inside
            else:
                words, masked = masked_words(fill, 0.5)
                fill_goal, wanted = true_goal, (F.pad(masked[:, 1:], (0, 1)) | fill.last[:, 0]) & c.inside
        weights = adapter.weights()
        h, _ = frozen.hidden(weights, torch.cat([torch.full_like(words, MASK), words], 1), c.pos, clean, c.mask(), grad=True)
        count = a.batch * a.answer * 3 // 4
        b, r, full = some(c.inside, count)
        nearer = full * a.fade ** (r - c.start[b, 0, r]).float() * a.branches
        b2, r2, full2 = some(wanted, count)
        first = adapter.choose(h[b, r], c.true[b, r])
        second = h[b2, a.answer + r2]
        # A third of the branches' rows count without the head too: what it corrects are the words that a row alone finds likely.
        n = count // 3
        mine, goal = torch.cat([first, second, h[b[:n], r[:n]]]), torch.cat([true_goal[b, r], fill_goal[b2, r2], true_goal[b[:n], r[:n]]])
        weight = torch.cat([nearer, full2, nearer[:n] * (3 * a.alone)])
        loss, value = pull(frozen, mine, goal, weight, a.hard)
        near = 0.0
        if a.align and at < 0.5:
            near = a.align * (1 - 2 * at) * ((1 - F.cosine_similarity(second.float(), fill_goal[b2, r2].float(), dim=-1)) * full2).sum() / full2.sum()
        (loss + near).backward()
        norm = torch.nn.utils.clip_grad_norm_(adapter.parameters(), 1.0)
        for group in opt.param_groups:
            group["lr"] = a.rate * min(1, (step + 1) / 40) * (1 - at)
        opt.step()
        opt.zero_grad(set_to_none=True)
        step += 1
        if step % 50 == 0 or at >= 1:
            seen = [step * count, step * count]
            log(step=step, rows=sum(seen), at=round(at, 3), loss=round(value, 4), drafts=with_drafts, norm=round(float(norm), 3), trained=round(time.time() - began, 1))
        if watch and step % a.every == 0:
            watch(step)
    return step


@torch.no_grad()
def chain(frozen, adapter, rows, a, longest, count=128):
    """Words a pass (accepted and one) of drafting in the pass that checks, greedy, for drafts of 1 to longest words: {k: mean}, and the share right of each place."""
    device, out, weights = frozen.embed.device, {}, adapter.weights()
    pick = torch.arange(min(count, rows.count), device=device)
    h_clean, clean = clean_pass(frozen, rows.ids[pick])
    for k in range(1, longest + 1):
        good = torch.zeros(len(pick), a.answer, dtype=torch.long, device=device)
        for shift in range(k):
            sizes = torch.full((len(pick), 1), k, device=device)
            c = Copies(rows, pick, sizes, torch.full_like(sizes, shift), a.answer)
            h, _ = frozen.hidden(weights, torch.full_like(c.true, MASK), c.pos, clean, c.mask())
            lead = torch.zeros_like(good)
            # A row's word before it is the true one as long as the draft is right, and behind a wrong one nothing counts.
            likely = frozen.logits(h).topk(CANDIDATES, -1).indices
            said = likely.gather(-1, frozen.logits(adapter.choose(h, c.true)).gather(-1, likely).argmax(-1, keepdim=True))[..., 0]
            right = (said == F.pad(c.true[:, 1:], (0, 1))) & c.inside
            run = torch.ones_like(c.true)
            for m in range(k):
                at = c.start[:, 0] + m
                run = run * (right.gather(1, at.clamp(max=a.answer - 1)) & (at < a.answer))
                lead += run
            good = torch.where(c.first[:, 0] & ((c.start[:, 0] > 0) | (shift == 0)), lead, good)
        lengths, gains, tries = rows.a[pick].tolist(), 0, 0
        for row, length in zip(good.tolist(), lengths):
            at = 0
            while at < length:
                step = 1 + row[at]
                gains, tries, at = gains + min(step, length - at), tries + 1, at + step
        out[k] = round(gains / tries, 3)
    return out


@torch.no_grad()
def refine(frozen, adapter, prompts, size, most, limit=48):
    """Noiseless refinement of a whole batch, block after block, as `lad` without noise: answers, iterations of each, and whether all of its blocks came to rest."""
    device, B, weights = frozen.embed.device, len(prompts), adapter.weights()
    words, steps, rest, done = [list(p) for p in prompts], [0] * B, [True] * B, [False] * B
    for _ in range(most // size):
        longest = max(map(len, words))
        ids = torch.tensor([w + [EOS] * (longest - len(w)) for w in words], device=device)
        lengths = torch.tensor([len(w) for w in words], device=device)
        h, clean = clean_pass(frozen, ids)
        canvas = torch.full((B, size), MASK, device=device)
        canvas[:, 0] = frozen.logits(h[torch.arange(B, device=device), lengths - 1]).argmax(-1)
        pos = lengths[:, None] + torch.arange(size, device=device)
        see = torch.cat([(torch.arange(longest, device=device) < lengths[:, None])[:, None].expand(-1, size, -1), torch.ones(B, size, size, dtype=torch.bool, device=device)], 2)
        mask = torch.zeros(see.shape, dtype=torch.bfloat16, device=device).masked_fill_(~see, float("-inf"))[:, None]
        moving = torch.ones(B, dtype=torch.bool, device=device)
        took = torch.zeros(B, dtype=torch.long, device=device)
        for _ in range(limit):
            h, _ = frozen.hidden(weights, canvas, pos, clean, mask)
            after = torch.cat([canvas[:, :1], frozen.logits(h).argmax(-1)[:, :-1]], 1)
            took += moving
            moving = moving & (after != canvas).any(1)
            canvas = torch.where(moving[:, None], after, canvas)
            if not moving.any():
                break
        for i, (row, n, still) in enumerate(zip(canvas.tolist(), took.tolist(), moving.tolist())):
            if not done[i]:
                steps[i], rest[i] = steps[i] + n, rest[i] and not still
                done[i] = EOS in row
                words[i] += row[:row.index(EOS) + 1] if done[i] else row
    return [w[len(p):] for w, p in zip(words, prompts)], steps, rest


@torch.no_grad()
def likelihood(frozen, prompts, answers):
    """Mean negative log-likelihood a word of the answers under the parent."""
    device, longest, total, count = frozen.embed.device, max(len(p) + len(a) for p, a in zip(prompts, answers)), 0.0, 0
    for i in range(0, len(prompts), 50):
        part = list(zip(prompts[i:i + 50], answers[i:i + 50]))
        ids = torch.tensor([p + a + [EOS] * (longest - len(p) - len(a)) for p, a in part], device=device)
        h, _ = clean_pass(frozen, ids)
        for (p, a), row, own in zip(part, h, ids):
            scores = frozen.logits(row[len(p) - 1:len(p) + len(a) - 1]).float().log_softmax(-1)
            total -= float(scores.gather(1, own[len(p):len(p) + len(a), None]).sum())
            count += len(a)
    return total / max(count, 1)


def flaws(answers, words):
    """Answers with a word twice in a row, and those that ended without the end of a sentence."""
    twice = unfinished = 0
    for a in answers:
        text = smol.spell([i for i in a if i != EOS], words)
        said = text.split()
        twice += any(x == y for x, y in zip(said, said[1:]))
        unfinished += EOS in a and not text.rstrip().endswith((".", "!", "?", ":", "\"", ")", "`", "*"))
    return twice, unfinished


def check_refining(frozen, adapter, prompts, own, words, log, most, show=0):
    for size in (16, 32):
        answers, steps, rest = refine(frozen, adapter, prompts, size, most)
        twice, unfinished = flaws(answers, words)
        base = likelihood(frozen, prompts, own)
        log(refined=size, prompts=len(prompts), twice=twice, unfinished=unfinished, restless=len(rest) - sum(rest), iterations_a_token=round(sum(steps) / sum(map(len, answers)), 3),
            likelihood=round(likelihood(frozen, prompts, answers) / base, 3), equal=sum(a == b for a, b in zip(answers, own)),
            shown=[smol.spell(a, words) for a in answers[:show]])


def read_prompts(path, most):
    """prompts, follow (or None), data sets' answers (or none), open prompts: lists of ids."""
    t = numpy.load(path)

    def lists(name):
        ends = numpy.cumsum(t[name + "_lengths"])
        return [part.tolist() for part in numpy.split(t[name].astype(numpy.int64), ends[:-1])]
    head, prompts, follow, foreign, asked = (lists(n) for n in ("head", "prompts", "follow", "answers", "open"))
    if most:
        prompts, follow, foreign, asked = prompts[:most], follow[:most], foreign[:most], asked[:4]
    return [head[0] + p for p in prompts], follow, foreign, [head[0] + p for p in asked]


def cut(a):
    return a[:a.index(EOS) + 1] if EOS in a else a


def answers_of(frozen, prompts, follow, a, log):
    """[(prompt, answer)] of first and second turns, the parent's own; it stops when the time for it is over."""
    pairs, began, again = [], time.time(), []
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    parts = [order[i:i + a.side] for i in range(0, len(order), a.side)]
    numpy.random.default_rng(2).shuffle(parts) if len(parts) > 2 else None
    for part in parts:
        if time.time() - began > a.answer_seconds:
            break
        for j, said in zip(part, frozen.greedy([prompts[j] for j in part], a.answer, EOS)):
            said = cut(said)
            pairs.append((prompts[j], said))
            if said[-1] == EOS and follow[j] and len(prompts[j]) + len(said) + len(follow[j]) <= a.clean - a.answer:
                again.append(prompts[j] + said + follow[j])
        log(stage="answers", rows=len(pairs), words=sum(len(s) for _, s in pairs), took=round(time.time() - began, 1))
    again.sort(key=len)
    for i in range(0, len(again), a.side):
        if time.time() - began > 1.2 * a.answer_seconds:
            break
        part = again[i:i + a.side]
        pairs += [(p, cut(said)) for p, said in zip(part, frozen.greedy(part, a.answer, EOS))]
    log(stage="second turns", rows=len(pairs), words=sum(len(s) for _, s in pairs), took=round(time.time() - began, 1))
    return pairs


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model")
    p.add_argument("prompts")
    p.add_argument("out")
    p.add_argument("--seconds", type=float, default=220)
    p.add_argument("--answer-seconds", type=float, default=50)
    p.add_argument("--until", type=float, default=380, help="all in all, for the short runs at the end")
    p.add_argument("--arm-steps", type=int, default=100)
    p.add_argument("--warm", help="adapter_model.safetensors to go on from")
    p.add_argument("--rank", type=int, default=14)
    p.add_argument("--head", type=int, default=576)
    p.add_argument("--rate", type=float, default=1e-3)
    p.add_argument("--batch", type=int, default=128)
    p.add_argument("--clean", type=int, default=256)
    p.add_argument("--answer", type=int, default=96)
    p.add_argument("--side", type=int, default=2048, help="answers written side by side")
    p.add_argument("--hard", type=float, default=0.5, help="share of the goal that is its greatest word alone")
    p.add_argument("--align", type=float, default=0.0)
    p.add_argument("--drafts", type=float, default=0.6)
    p.add_argument("--branches", type=float, default=1.5, help="weight of the branches' rows")
    p.add_argument("--alone", type=float, default=0.3, help="weight of the branches' rows without the head")
    p.add_argument("--fade", type=float, default=0.8, help="weight of a branch's row beside the one before it")
    p.add_argument("--every", type=int, default=400)
    p.add_argument("--layers", type=int, default=30, help="fewer, to try this file")
    p.add_argument("--most", type=int, default=0, help="prompts; 0: all")
    p.add_argument("--device", default="cuda")
    p.add_argument("--compile", type=int, default=1)
    return p.parse_args()


def main():
    a, began = options(), time.time()
    os.makedirs(a.out, exist_ok=True)
    write = frozens.write_log(os.path.join(a.out, "log.jsonl"))

    def log(**what):
        write(**what, clock=round(time.time() - began, 1))
    torch.manual_seed(1)
    net, words = smol.open_model(a.model, a.device, a.layers)
    frozen = frozens.Frozen(net)
    net.to("cpu")
    log(stage="opened", **vars(a))
    prompts, follow, foreign, asked = read_prompts(a.prompts, a.most)
    pairs = answers_of(frozen, prompts, follow, a, log)
    own = [cut(said) for said in frozen.greedy(asked, 4 * 32, EOS)]
    numpy.random.default_rng(1).shuffle(pairs) if a.most else None
    order = numpy.random.default_rng(1).permutation(len(pairs))
    held = max(4, min(256, len(pairs) // 10))
    test, rows = (Rows([pairs[i] for i in part], a.clean, a.device) for part in (order[:held], order[held:]))
    log(stage="rows", rows=rows.count, held=test.count, words=int(rows.a.sum()), flaws=flaws(own, words), first=smol.spell(pairs[order[0]][1], words))
    if a.device == "cuda":
        torch.cuda.empty_cache()
    if a.compile:
        torch._dynamo.config.recompile_limit = 16
        frozen.run = torch.compile(frozens.layer, dynamic=False)

    adapter = frozens.Adapter(frozen, a.rank, a.head).to(a.device)
    if a.warm:
        adapter.load(a.warm)
    log(stage="before", chain=chain(frozen, adapter, test, a, 2))

    def watch(step):
        log(step=step, chain=chain(frozen, adapter, test, a, 3))
        adapter.save(os.path.join(a.out, "adapter"), net, "SmolLM2-135M-Instruct")
        if step % (2 * a.every) == 0:
            check_refining(frozen, adapter, asked, own, words, log, 96, 2)
    steps = train(frozen, adapter, rows, a, a.seconds, log, watch=watch)
    adapter.save(os.path.join(a.out, "adapter"), net, "SmolLM2-135M-Instruct")
    log(stage="trained", steps=steps, chain=chain(frozen, adapter, test, a, 6, 256))
    check_refining(frozen, adapter, asked, own, words, log, 128, 8)
    curve = {}
    for limit in (1, 2, 4, 8, 16, 32):
        curve[limit] = round(likelihood(frozen, asked, refine(frozen, adapter, asked, 32, 128, limit)[0]), 3)
    log(stage="likelihood by iterations a block of 32", curve=curve, parent=round(likelihood(frozen, asked, own), 3))
    taken = adapter.fc1
    adapter.fc1 = None
    log(stage="the same without its head", chain=chain(frozen, adapter, test, a, 4))
    adapter.fc1 = taken
    pairs = [(p, said + [EOS]) for p, said in zip(prompts, foreign) if said]
    others = Rows([(p, said[:a.answer]) for p, said in pairs], a.clean, a.device)
    for name, changes in ARMS.items():
        start = time.time()
        if start - began > a.until - 5:
            break
        arm = argparse.Namespace(**{**vars(a), "align": 0.0, **changes})
        torch.manual_seed(1)
        adapter = frozens.Adapter(frozen, a.rank, arm.head).to(a.device)
        train(frozen, adapter, others if "foreign" in changes else rows, arm, 0, lambda **_: None, steps=a.arm_steps)
        log(arm=name, steps=a.arm_steps, took=round(time.time() - start, 1), chain=chain(frozen, adapter, test, a, 4))
        check_refining(frozen, adapter, asked, own, words, log, 64)
    log(stage="end")


if __name__ == "__main__":
    main()
