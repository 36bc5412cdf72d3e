# SPDX-License-Identifier: MIT
"""Every sampler, written once more and independently: plain functions over the reference model, one
function per sampler, so that each reads like the paper or code it comes from.  Each is a generator of
steps, one per model pass; a step is a dict (see `step` below) and positions are those of the answer.

    run = Run(model, prompt, tokens=16, mask=285, eos=281, seed=1)
    for s in low_confidence(run, iterations=8, block=8): ...

Two rules hold everywhere: ties go to the lowest id or position, and a random number is a pure function
of (seed, stream, iteration, position, index), never of the order in which it was asked for.  Iterations count
from 1, positions are those of the answer from 0, `uniform` takes two 32-bit words (src/base/rng.h):

    the token of a position          SAMPLE, position       one uniform, walked through the candidates, the
                                                            most probable first, ties by id
    Gumbel (LLaDA)                   SAMPLE, position       token v uses words 2v and 2v + 1
    lad, k-th draw with replacement  NOISE, position k      below(number of free positions)
    lad, k-th weighted draw          NOISE, position k      one uniform, walked through what is left by
                                                            position; words first, then EOS positions
    lad-generic, masking or order    NOISE, position        one uniform each
    random, origin                   UNMASK, position       one uniform each

`run.gap` is the smallest distance of any decision from going the other way (logits between two
candidates, a uniform number and the border it fell beside, two confidences at a cut), so that the golden
files can be made of runs that float32 cannot turn."""

import numpy as np

import reference as ref

# --- random numbers: Philox4x32-10 -------------------------------------------------------------

SAMPLE, NOISE, UNMASK = 0, 1, 2


def philox(counter, key):
    """Ten rounds of Philox4x32 (Salmon et al. 2011) on four and two 32-bit words."""
    c, k, word = list(counter), list(key), 0xFFFFFFFF
    for _ in range(10):
        p0, p1 = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & word, (p0 >> 32) ^ c[3] ^ k[1], p0 & word]
        k = [(k[0] + 0x9E3779B9) & word, (k[1] + 0xBB67AE85) & word]
    return c


class Draws:
    """The numbers of one (seed, stream, iteration, position); the n-th word is lane n % 4 of block
    n // 4 of counter (position, iteration, stream, block)."""

    def __init__(self, seed, stream, iteration, position, index=0):
        self.key = [seed & 0xFFFFFFFF, seed >> 32]
        self.counter, self.index = [position, iteration, stream], index

    def word(self):
        block, lane = divmod(self.index, 4)
        self.index += 1
        return philox(self.counter + [block], self.key)[lane]

    def uniform(self):
        a, b = self.word(), self.word()
        return ((a >> 5) * 2.0 ** 26 + (b >> 6)) / 2.0 ** 53

    def below(self, n):
        return int(self.uniform() * n)


# --- one answer being written -------------------------------------------------------------------


class Run:
    def __init__(self, model, prompt, tokens, mask, eos, end_of_turn=None, seed=0,
                 attention="bidirectional", reuse="none"):
        self.reuse, self.computed, self.caches = reuse, None, {}
        self.revises = self.guiding = False
        self.begin_block(0, tokens)
        self.model, self.prompt, self.n = model, list(prompt), tokens
        self.mask, self.eos, self.seed, self.attention = mask, eos, seed, attention
        self.ends = {eos, end_of_turn}
        self.gap = np.inf

    def near(self, distance):
        """Notes how close a decision was."""
        self.gap = min(self.gap, float(distance))

    def logits(self, answer, prompt=None):
        """(len(answer), V): row i predicts answer position i."""
        prompt = self.prompt if prompt is None else prompt
        if self.reuse != "none":
            full = self.reused(prompt, list(answer))
        else:
            full = ref.forward(self.model, prompt + list(answer), self.attention)
        return ref.shifted(self.model, full)[len(prompt):]

    def begin_block(self, start, end):
        """The answer positions start..end - 1 are written next."""
        self.block, self.fresh = (start, end), True

    def reused(self, prompt, answer):
        """(T, V) with NaN where nothing is computed.  Fast-dLLM (generate_with_prefix_cache and
        generate_with_dual_cache): a block's first pass computes everything; later ones, `prefix`: from the block
        on, `dual`: the block.  Where attention is in blocks that only look back, every reuse is exact: whole
        attention blocks, from the first that is not as it was (or is asked) to the last that is asked."""
        ids, P, (start, end) = prompt + answer, len(prompt), self.block
        guided, T = prompt != self.prompt, len(ids)
        if guided not in self.caches:
            self.caches[guided] = ref.Cache(self.model, P + self.n)
        cache = self.caches[guided]
        asked = [P + p for p in range(min(end, len(answer))) if answer[p] == self.mask or self.revises]
        rows = [max(p - self.model.config.shift, 0) for p in asked]
        if self.attention.startswith("block:"):
            size = int(self.attention[6:])
            if guided:                                    # the same positions as with the prompt
                first, last = self.computed
            else:
                changed = next((i for i, t in enumerate(ids) if cache.ids[i] != t), T)
                first = min([changed] + rows) // size * size
                last = min((max(rows) // size + 1) * size, T)
        elif self.fresh:
            first, last = 0, T
        else:
            first = min([P + start] + rows)
            last = T if self.reuse == "prefix" else min(P + end, T)
        self.fresh = self.fresh and self.guiding and not guided
        self.computed = [first, last]
        full = np.full((T, self.model.config.V), np.nan)
        full[first:last] = ref.forward_part(self.model, ids, self.attention, cache, first, last)
        return full

    def draws(self, stream, iteration, position):
        return Draws(self.seed, stream, iteration, position)


def step(run, iteration, before, proposed, draft, noised=()):
    """One pass: `input` is what the model saw, `proposed` lists [position, token, confidence] of
    every position that might have changed, `computed` the range of the canvas (prompt and answer) that the
    pass computed, in runs that reuse something, `draft` is the answer after it, `noised` the positions masked
    again, `output` the answer that the next pass sees."""
    after = list(draft)
    for i in noised:
        after[i] = run.mask
    reused = {} if run.computed is None else {"computed": run.computed}
    return {"iteration": iteration, **reused, "input": list(map(int, before)),
            "proposed": [[int(p), int(t), float(c)] for p, t, c in proposed],
            "draft": list(map(int, draft)), "noised": sorted(map(int, noised)),
            "output": list(map(int, after))}


def best_first(run, score, count, what):
    """The `count` of `what` with the highest score, ties to the first; notes the gap at the cut."""
    order = sorted(what, key=lambda i: (-score[i], i))
    if 0 < count < len(order):
        run.near(score[order[count - 1]] - score[order[count]])
    return order[:count]


def greedy(run, row):
    """(token, its softmax probability)"""
    first, second = np.sort(row)[::-1][:2]
    run.near(first - second)
    return int(row.argmax()), ref.softmax(row)[row.argmax()]


# --- proposals -----------------------------------------------------------------------------------


def most_probable(run, order, p, top_k):
    if 0 < top_k < len(p):
        run.near(np.log(p[top_k - 1] / p[top_k]))
        order, p = order[:top_k], p[:top_k] / p[:top_k].sum()
    return order, p


def nucleus(run, order, p, top_p):
    if top_p < 1:
        before = np.cumsum(p) - p
        run.near(np.abs(before[1:] - top_p).min() if len(p) > 1 else np.inf)
        keep = before < top_p
        keep[0] = True
        order, p = order[keep], p[keep] / p[keep].sum()
    return order, p


def candidates(run, row, temperature=1.0, top_k=0, top_p=1.0, nucleus_first=False):
    """(ids, probabilities) after temperature, top-k, then top-p, or the other way round (Dream); most probable
    first.  Top-p keeps the shortest run of the most probable tokens whose sum reaches top_p."""
    order = np.lexsort((np.arange(len(row)), -row))      # by logit, ties by id
    p = ref.softmax(row[order] / temperature)
    if nucleus_first:
        return most_probable(run, *nucleus(run, order, p, top_p), top_k)
    return nucleus(run, *most_probable(run, order, p, top_k), top_p)


def sample(run, iteration, position, row, temperature, top_k, top_p, nucleus_first=False):
    """(token, its probability among the candidates); the best one at temperature 0."""
    if temperature == 0 or top_k == 1:
        token, confidence = greedy(run, row)
        return (token, 1.0) if top_k == 1 else (token, confidence)
    ids, p = candidates(run, row, temperature, top_k, top_p, nucleus_first)
    u = run.draws(SAMPLE, iteration, position).uniform()
    border = np.cumsum(p)
    chosen = min(int((border <= u).sum()), len(ids) - 1)
    if len(ids) > 1:
        run.near(np.abs(border[:-1] - u).min())
    return int(ids[chosen]), p[chosen]


def gumbel(run, iteration, position, row, temperature):
    """LLaDA: argmax of exp(logit) / (-ln u)^T; confidence = softmax of the plain logits."""
    if temperature == 0:
        return greedy(run, row)
    u = np.array([Draws(run.seed, SAMPLE, iteration, position, 2 * v).uniform()
                  for v in range(len(row))])
    score = row - temperature * np.log(-np.log(u))
    token, _ = greedy(run, score)
    return token, ref.softmax(row)[token]


# --- LAD -----------------------------------------------------------------------------------------


def converged(drafts, patience):
    return patience > 0 and len(drafts) >= patience and all(d == drafts[-1] for d in drafts[-patience:])


def lad_share(i, iterations, sharpness):
    end = np.exp(-sharpness)
    return (np.exp(-sharpness * i / iterations) - end) / (1 - end)


def weighted(run, iteration, weights, count, first=0):
    """`count` distinct keys of {position: weight}, drawn one after the other in proportion."""
    left, chosen = dict(sorted(weights.items())), []
    for k in range(min(count, len(left))):
        u = run.draws(NOISE, iteration, first + k).uniform() * sum(left.values())
        total = 0.0
        for position, w in left.items():
            total += w
            run.near(abs(u - total))
            if u < total:
                break
        chosen.append(position)
        del left[position]
    return chosen


def lad(run, iterations=64, noise_start=0.5, sharpness=1.0, no_noise=False, confidence_noise=False,
        noise_clip=0.01, keep=False, top_k=3, top_p=1.0, temperature=1.0, eos_bias=0.0, grow=256,
        patience=3):
    """Every position predicted again at every pass; a decaying share masked again, or none."""
    answer, drafts, settled, run.revises = [], [], set(), True
    for i in range(iterations):
        answer = (answer + [run.mask] * grow)[:run.n]
        logits = run.logits(answer)
        logits[:, run.eos] += eos_bias
        found = [sample(run, i + 1, p, row, temperature, top_k, top_p)
                 for p, row in enumerate(logits)]
        proposed = [(p, t, c) for p, (t, c) in enumerate(found)]
        draft = [t for t, _ in found]
        drafts.append(draft)
        last = i == iterations - 1 or converged(drafts, patience)
        noised = set()
        if not last and not no_noise:
            n = len(draft)
            exact = lad_share(i, iterations, sharpness) * n * noise_start
            run.near(abs(exact - round(exact)) or 1)
            count = int(exact)
            free = [p for p in range(n) if not (keep and p in settled)]
            if confidence_noise:
                weight = {p: max(1 - found[p][1], noise_clip) for p in free}
                ends = [p for p in free if draft[p] == run.eos]
                words = [p for p in free if draft[p] != run.eos]
                of_words = count * len(words) // max(len(free), 1)
                noised.update(weighted(run, i + 1, {p: weight[p] for p in words}, of_words))
                noised.update(weighted(run, i + 1, {p: weight[p] for p in ends}, count - of_words,
                                       first=of_words))
            elif keep:
                for k in range(min(count, len(free))):   # without replacement
                    j = k + run.draws(NOISE, i + 1, k).below(len(free) - k)
                    noised.add(free[j])
                    free[j] = free[k]
            elif free:
                for k in range(count):                   # with replacement
                    noised.add(free[run.draws(NOISE, i + 1, k).below(len(free))])
            settled.update(p for p in range(n) if p not in noised)
        yield step(run, i + 1, answer, proposed, draft, noised)
        if last:
            return
        answer = [run.mask if p in noised else t for p, t in enumerate(draft)]


# --- LAD generic ------------------------------------------------------------------------------------


def nearest(run, x):
    """x rounded to the nearest integer."""
    run.near(abs(x % 1 - 0.5))
    return int(np.floor(x + 0.5))


def by_chance(run, iteration, positions):
    """The positions in random order: by falling uniform number."""
    u = {p: run.draws(NOISE, iteration, p).uniform() for p in positions}
    return sorted(positions, key=lambda p: (-u[p], p))


def lad_generic(run, iterations=32, noise_level=0.5, retention="none", confidence_noise=False,
                proportional=True, ends_last=False, temperature=0.7, top_k=20, top_p=1.0, patience=0):
    """`ends_last`: the length is decided last, and confidence guides.  `retention`: none (a falling share is masked again), retained (chosen positions are never masked
    again, their tokens may change), locked (nor may their tokens)."""
    n, answer, drafts, retained, locked = run.n, [run.mask] * run.n, [], set(), {}
    run.revises = True
    for i in range(iterations):
        logits = run.logits(answer)
        found = [sample(run, i + 1, p, row, temperature, top_k, top_p)
                 for p, row in enumerate(logits)]
        draft = [locked.get(p, found[p][0]) for p in range(n)]
        proposed = [(p, *found[p]) for p in range(n) if p not in locked]
        drafts.append(draft)
        last = i == iterations - 1 or converged(drafts, patience)
        noised = set()
        if not last:
            ends = [p for p in range(n) if ends_last and found[p][0] in run.ends]
            sure = {p: (-1.0 if p in ends else found[p][1]) for p in range(n)}
            share = noise_level * (1 - (i + 1) / iterations)
            guided = confidence_noise or ends_last

            def cut(best, count):
                """The first `count` of what is sorted by how sure it is; notes the gap, which between two ends is none."""
                if guided and 0 < count < len(best) and not {best[count - 1], best[count]} <= set(ends):
                    run.near(abs(sure[best[count - 1]] - sure[best[count]]))
                return best[:max(count, 0)]

            def take(pool, count):
                """Who of the pool is kept."""
                return cut(sorted(pool, key=lambda p: (-sure[p], p)) if guided
                           else by_chance(run, i + 1, pool), count)

            if retention == "none" and guided:           # the least sure, of equals the first
                noised = set(cut(sorted(range(n), key=lambda p: (sure[p], p)),
                                 n - nearest(run, n - share * n)))
            elif retention == "none":
                u = [run.draws(NOISE, i + 1, p).uniform() for p in range(n)]
                run.near(min(abs(x - share) for x in u))
                noised = {p for p in range(n) if u[p] < share}
            else:
                target = nearest(run, (1 - share) * n)
                free = [p for p in range(n) if p not in retained]
                needed = target - len(retained)
                if needed > 0 and proportional:
                    border = draft.index(run.eos) if run.eos in draft else n
                    before = nearest(run, target * border / n)
                    chosen = take([p for p in free if p < border],
                                  before - sum(p < border for p in retained))
                    chosen += take([p for p in free if p >= border],
                                   target - before - sum(p >= border for p in retained))
                    rest = [p for p in free if p not in chosen]
                    chosen += rest[:max(needed - len(chosen), 0)]
                else:
                    chosen = take(free, needed)
                retained.update(chosen)
                if retention == "locked":
                    locked.update({p: draft[p] for p in chosen})
                noised = set(range(n)) - retained
        yield step(run, i + 1, answer, proposed, draft, noised)
        if last:
            return
        answer = [run.mask if p in noised else t for p, t in enumerate(draft)]


# --- LLaDA and Fast-dLLM --------------------------------------------------------------------------


def even(total, parts):
    """total split evenly, the first parts taking the remainder."""
    return [total // parts + (i < total % parts) for i in range(parts)]


def guided(run, answer, guidance):
    """Classifier-free guidance: u + (w + 1)(c - u), u with the prompt masked."""
    run.guiding = guidance != 0
    c = run.logits(answer)
    if guidance == 0:
        return c
    u = run.logits(answer, [run.mask] * len(run.prompt))
    return u + (guidance + 1) * (c - u)


def blocks_of(run, block):
    size = block or run.n
    return [(a, min(a + size, run.n)) for a in range(0, run.n, size)]


def masked_pass(run, iteration, answer, end, temperature, guidance, no_eos=False):
    """{position: (token, confidence)} of every masked position before `end`."""
    logits = guided(run, answer, guidance)
    if no_eos:
        logits[:, run.eos] = -np.inf
    return {p: gumbel(run, iteration, p, logits[p], temperature)
            for p in range(end) if answer[p] == run.mask}


def commit(answer, found, chosen):
    return [found[p][0] if p in chosen else t for p, t in enumerate(answer)]


def transfer(run, iterations, block, temperature, guidance, no_eos, at_random):
    answer, iteration = [run.mask] * run.n, 0
    spans = blocks_of(run, block)
    for start, end in spans:
        run.begin_block(start, end)
        masked = sum(t == run.mask for t in answer[start:end])
        for count in even(masked, iterations // len(spans)):
            iteration += 1
            found = masked_pass(run, iteration, answer, end, temperature, guidance, no_eos)
            score = {p: c for p, (_, c) in found.items()}
            if at_random:
                score = {p: run.draws(UNMASK, iteration, p).uniform() for p in found}
            chosen = best_first(run, score, count, found)
            draft = commit(answer, found, chosen)
            yield step(run, iteration, answer, [(p, *found[p]) for p in found], draft)
            answer = draft


def low_confidence(run, iterations=128, block=0, temperature=0.0, guidance=0.0, no_eos=False):
    """LLaDA: each pass fixes the most confident; the block's masks are split evenly over its passes."""
    return transfer(run, iterations, block, temperature, guidance, no_eos, False)


def random_order(run, iterations=128, block=0, temperature=0.0, guidance=0.0, no_eos=False):
    """LLaDA's other remasking: the same quotas, random positions."""
    return transfer(run, iterations, block, temperature, guidance, no_eos, True)


def by_rank(run, block, temperature, passes):
    """Fast-dLLM: of the masked positions by falling confidence, those that `passes` accepts."""
    answer, iteration = [run.mask] * run.n, 0
    for start, end in blocks_of(run, block):
        run.begin_block(start, end)
        while run.mask in answer[:end]:
            iteration += 1
            found = masked_pass(run, iteration, answer, end, temperature, 0.0)
            score = {p: c for p, (_, c) in found.items()}
            order = best_first(run, score, len(found), found)
            chosen = passes([score[p] for p in order])
            for cut in {1, len(chosen)} - {len(order)}:      # the order matters only there
                run.near(score[order[cut - 1]] - score[order[cut]])
            draft = commit(answer, found, [order[r] for r in chosen])
            yield step(run, iteration, answer, [(p, *found[p]) for p in found], draft)
            answer = draft


def threshold(run, threshold=0.9, block=0, temperature=0.0):
    """Every position at or above the threshold, and always the first in rank."""
    def passes(confidence):
        run.near(min((abs(c - threshold) for c in confidence[1:]), default=1))
        return [r for r, c in enumerate(confidence) if r == 0 or c >= threshold]
    return by_rank(run, block, temperature, passes)


def factor(run, factor=1.0, block=0, temperature=0.0):
    """The leading run of ranks r = 1, 2, ... whose confidence reaches 1 - factor / (r + 1); rank 1 always."""
    def passes(confidence):
        chosen = [0]
        for r in range(2, len(confidence) + 1):
            limit = 1 - factor / (r + 1)
            run.near(abs(confidence[r - 1] - limit))
            if confidence[r - 1] < limit:
                break
            chosen.append(r - 1)
        return chosen
    return by_rank(run, block, temperature, passes)


# --- Dream -----------------------------------------------------------------------------------------


def dream_scores(name, row, temperature, run, top_k, top_p):
    """Confidence of a masked position from its (filtered) distribution."""
    ids, p = candidates(run, row, temperature or 1.0, top_k, top_p, True)
    if name == "margin":
        return p[0] - (p[1] if len(p) > 1 else 0)
    return float((p * np.log(p + 1e-10)).sum())          # entropy with its sign turned: higher = surer


def dream(run, name, iterations, temperature, top_k, top_p, eps):
    answer = [run.mask] * run.n
    t = np.linspace(1, eps, iterations + 1)
    for i in range(iterations):
        logits = run.logits(answer)
        masked = [p for p in range(run.n) if answer[p] == run.mask]
        share = 1.0 if i == iterations - 1 else 1 - t[i + 1] / t[i]
        found = {p: sample(run, i + 1, p, logits[p], temperature, top_k, top_p, True) for p in masked}
        if temperature == 0:                             # the filtered distribution's largest
            found = {p: (t, candidates(run, logits[p], 1.0, top_k, top_p, True)[1][0]) for p, (t, _) in found.items()}
        if name == "origin":
            u = {p: run.draws(UNMASK, i + 1, p).uniform() for p in masked}
            run.near(min((abs(x - share) for x in u.values()), default=1))
            chosen = [p for p in masked if u[p] < share]
        else:
            score = {p: c for p, (_, c) in found.items()}
            if name != "maskgit":
                score = {p: dream_scores(name, logits[p], temperature, run, top_k, top_p)
                         for p in masked}
                found = {p: (found[p][0], score[p]) for p in masked}
            exact = len(masked) * share
            run.near(abs(exact - round(exact)) if share < 1 else 1)
            chosen = best_first(run, score, int(exact), masked)
        draft = commit(answer, found, chosen)
        yield step(run, i + 1, answer, [(p, *found[p]) for p in masked], draft)
        answer = draft


def dream_row(name):
    def run_it(run, iterations=512, temperature=0.0, top_k=0, top_p=1.0, eps=1e-3):
        return dream(run, name, iterations, temperature, top_k, top_p, eps)
    return run_it


# --- left to right -----------------------------------------------------------------------------------


def ar(run, temperature=0.0, top_k=0, top_p=1.0):
    """The baseline: causal attention, the next token from the last row, up to EOS."""
    answer = []
    for i in range(run.n):
        ids = run.prompt + answer
        row = ref.forward(run.model, ids, "causal")[-1]
        token, confidence = sample(run, i + 1, i, row, temperature, top_k, top_p)
        yield step(run, i + 1, answer, [(i, token, confidence)], answer + [token])
        answer = answer + [token]
        if token == run.eos:
            return


SAMPLERS = {"lad": lad, "lad-generic": lad_generic, "low-confidence": low_confidence, "random": random_order,
            "threshold": threshold, "factor": factor, "origin": dream_row("origin"),
            "maskgit": dream_row("maskgit"), "margin": dream_row("margin"),
            "entropy": dream_row("entropy"), "ar": ar}
