# SPDX-License-Identifier: MIT
"""Samplers of families that write in blocks, each like the makers' code that it was read from, without their
caches: every pass computes the whole canvas under the attention that their caches amount to. Steps, random numbers and
gaps as in samplers.py. An answer ends with the first end token that nothing open stands before: the makers go on to the
end of its block, which changes nothing of the answer.

The canvas of SDAR, Fast-dLLM v2 and SDLM is filled up to a whole block; what is beyond `tokens` is written, but ends nothing."""

import numpy as np

import reference as ref
import samplers as s


def pass_over(run, answer, attention, prompt=None):
    """(answer, V): row i predicts place i."""
    ids = (run.prompt if prompt is None else prompt) + list(answer)
    return ref.shifted(run.model, ref.forward(run.model, ids, attention))[len(run.prompt):]


def over(run, answer):
    """Is the answer decided? All of it is written, or all up to an end token."""
    for t in answer[:run.n]:
        if t == run.mask:
            return False
        if t in run.ends:
            return True
    return True


def blocks(first, end, size):
    """Stretches of answer places first..end - 1, the first of which may begin before place 0."""
    return [(a, min(a + size, end)) for a in range(first, end, size)]


def whole(run, size):
    """Places of an answer whose last block is whole, blocks lying at multiples of `size` of the canvas."""
    P = len(run.prompt)
    return -(-(P + run.n) // size) * size - P


def fill(run, iteration, answer, found, chosen):
    draft = s.commit(answer, found, chosen)
    return s.step(run, iteration, answer, [(p, *found[p]) for p in sorted(found)], draft), draft


def draw(run, iteration, position, row, temperature, top_k, top_p):
    """samplers.sample; where nothing limits the candidates they are walked through by id."""
    if temperature == 0 or top_k > 0 or top_p < 1:
        return s.sample(run, iteration, position, row, temperature, top_k, top_p)
    p = ref.softmax(row / temperature)
    u, border = run.draws(s.SAMPLE, iteration, position).uniform(), np.cumsum(p)
    run.near(np.abs(border[:-1] - u).min())
    chosen = min(int((border <= u).sum()), len(p) - 1)
    return chosen, p[chosen]


def by_confidence(run, found, count):
    return s.best_first(run, {p: c for p, (_, c) in found.items()}, count, found)


def dynamic(run, threshold=0.85, block_steps=0, temperature=1.0, top_k=0, top_p=1.0, size=4):
    """SDAR, generate.py, low_confidence_dynamic: of a block's masks all above the threshold, where there are as many
    as its even quota; else the best of that number."""
    P, count, iteration = len(run.prompt), whole(run, size), 0
    answer, steps = [run.mask] * count, block_steps or size
    for start, end in blocks(-(P % size), count, size):
        k = 0
        while run.mask in answer[max(start, 0):end]:
            iteration += 1
            logits = pass_over(run, answer, "block:%d" % size)
            found = {p: draw(run, iteration, p, logits[p], temperature, top_k, top_p)
                     for p in range(max(start, 0), end) if answer[p] == run.mask}
            quota = size // steps + (k < size % steps)
            run.near(min(abs(c - threshold) for _, c in found.values()))
            high = [p for p, (_, c) in found.items() if c > threshold]
            chosen = high if len(high) >= quota else by_confidence(run, found, quota)
            one, answer = fill(run, iteration, answer, found, chosen)
            yield one
            if over(run, answer):
                return
            k += 1


def quotas_even(masks, steps):
    return [q for q in s.even(masks, steps) if q > 0]


def quotas_rounded(masks, steps):
    """dLLM, get_num_transfer_tokens with the linear schedule: what is left times 1 - s/t, rounded as torch does."""
    out = []
    for j in range(steps, 0, -1):
        q = int(np.round(masks / j))
        masks -= q
        out.append(q)
    return [q for q in out if q > 0]


def guided(run, answer, attention, guidance):
    c = pass_over(run, answer, attention)
    if guidance == 0:
        return c
    u = pass_over(run, answer, attention, [run.mask] * len(run.prompt))
    return u + (guidance + 1) * (c - u)


def most_confident(run, spans, attention, quotas, temperature, guidance, steps):
    answer, iteration = [run.mask] * run.n, 0
    for start, end in spans:
        start = max(start, 0)
        for quota in quotas(end - start, steps):
            iteration += 1
            logits = guided(run, answer, attention, guidance)
            found = {p: s.gumbel(run, iteration, p, logits[p], temperature)
                     for p in range(start, end) if answer[p] == run.mask}
            one, answer = fill(run, iteration, answer, found, by_confidence(run, found, quota))
            yield one
            if over(run, answer):
                return


def static(run, block_steps=0, temperature=0.0, guidance=0.0, size=4):
    """Stable-DiffCoder, generate_block without a threshold: blocks lie at multiples of 4 of the canvas; a block's masks
    are split evenly over its passes."""
    spans = blocks(-(len(run.prompt) % size), run.n, size)
    return most_confident(run, spans, "block:%d" % size, quotas_even, temperature, guidance, block_steps or size)


def bd3lm(run, block=32, block_steps=0, temperature=0.0, guidance=0.0):
    """dLLM, BD3LMSampler: the prompt is padded on its left, so that the answer begins a block."""
    attention = "block:%d:%d" % (block, len(run.prompt) % block)
    return most_confident(run, blocks(0, run.n, block), attention, quotas_rounded, temperature, guidance,
                          block_steps or block)


def sub_blocks(run, threshold=0.9, sub_block=8, temperature=0.0, top_k=0, top_p=0.95, size=8):
    """Fast-dLLM v2, batch_sample: a block's first token is the next one after the blocks before it; then stretches of
    sub_block from left to right, each until it has no mask: all above the threshold, and the best always. Row i - 1
    predicts place i."""
    P, count, iteration = len(run.prompt), whole(run, size), 0
    answer, attention = [run.mask] * count, "block:%d" % size
    for start, end in blocks(-(P % size), count, size):
        for a, b in [(start, start + 1)] + blocks(start, end, sub_block):
            a = max(a, 0)
            while b > a and run.mask in answer[a:b]:
                iteration += 1
                logits = pass_over(run, answer, attention)
                found = {p: draw(run, iteration, p, logits[p], temperature, top_k, top_p)
                         for p in range(a, b) if answer[p] == run.mask}
                best = by_confidence(run, found, 1)
                if len(found) > 1:
                    run.near(min(abs(c - threshold) for _, c in found.values()))
                chosen = best + [p for p, (_, c) in found.items() if c > threshold and p not in best]
                one, answer = fill(run, iteration, answer, found, chosen)
                yield one
                if over(run, answer):
                    return


def longest_prefix(run, block=4, threshold=0.9, temperature=0.0, top_k=0, top_p=1.0):
    """SDLM, conf_generate: the last word and block - 1 masks behind it see one another, everything before looks back
    only; row i - 1 predicts place i; of the block's words those before the first that is not above the threshold stay,
    or that one alone. A step shows the places that were seen or asked."""
    P, answer, iteration = len(run.prompt), [], 0
    while True:
        iteration += 1
        asked = block
        ids = run.prompt + answer + [run.mask] * (asked - 1)
        rows = ref.forward(run.model, ids, "ahead:%d:%d" % (block, P + len(answer) - 1))[-asked:]
        found = {len(answer) + i: draw(run, iteration, len(answer) + i, rows[i], temperature, top_k, top_p)
                 for i in range(asked)}
        seen = answer + [run.mask] * (asked - 1)
        chosen = []
        for p in range(len(answer), len(answer) + asked):
            run.near(abs(found[p][1] - threshold))
            if not found[p][1] > threshold:
                break
            chosen.append(p)
        chosen = chosen or [len(answer)]
        draft = s.commit(seen + [run.mask], found, chosen)
        yield s.step(run, iteration, seen, [(p, *found[p]) for p in found], draft)
        answer = draft[:chosen[-1] + 1]
        if over(run, answer + [run.mask] * (run.n - len(answer))):
            return


def sliding(run, block=16, entropy_bound=0.6, distance=0.02, temperature=0.0):
    """WeDLM, wedlm_decoder.py and sampler.py: from the first mask on `block` places are looked at. What is written
    stands before the masks, each turned by its own position, and attention looks back only. Of the masks all are
    written whose entropy with `distance` for each place from the first is below the bound, else the least. The makers
    go on behind `tokens` in the same way, and end with the first end token or the last token that no mask stands
    before. A step's third number is the entropy, less than 0."""
    P, answer, count, iteration = len(run.prompt), [], run.n + block - 1, 0
    while True:
        iteration += 1
        first = answer.index(run.mask) if run.mask in answer else len(answer)
        answer = answer + [run.mask] * (min(first + block, count) - len(answer))
        masks = [p for p, t in enumerate(answer) if t == run.mask]
        order = [p for p, t in enumerate(answer) if t != run.mask] + masks
        rows = ref.forward(run.model, run.prompt + [answer[p] for p in order], "causal",
                           list(range(P)) + [P + p for p in order])[-len(masks):]
        found, far = {}, {}
        for p, row in zip(masks, rows):
            q = ref.softmax(row)
            token, _ = s.gumbel(run, iteration, p, row, temperature)
            run.near(np.inf if token != run.mask else 0)
            found[p] = token, float((q * np.log(q)).sum())
            far[p] = distance * (p - masks[0]) - found[p][1]
        run.near(min(abs(h - entropy_bound) for h in far.values()))
        chosen = [p for p in masks if far[p] < entropy_bound]
        if not chosen:
            ranked = sorted(masks, key=far.get)
            run.near(far[ranked[1]] - far[ranked[0]] if len(ranked) > 1 else np.inf)
            chosen = ranked[:1]
        one, answer = fill(run, iteration, answer, found, chosen)
        yield one
        if over(run, answer + [run.mask] * (run.n - len(answer))):
            return


SAMPLERS = {"sliding": sliding, "dynamic": dynamic, "static": static, "bd3lm": bd3lm, "sub-blocks": sub_blocks,
            "longest-prefix": longest_prefix, "low-confidence": s.low_confidence}
