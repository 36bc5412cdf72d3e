# SPDX-License-Identifier: MIT
"""What pack.py wrote, and windows made of it: documents side by side, corrupted as src/learn/corrupt.c does.

A window is T places; a place has its document's number in the window (`seg`, 0: none), its position in the document, and for
denoising the clean id, the noisy id, whether it is of the canvas, and its weight in the loss (1 / places of the canvas).
"""

import json
import lzma

import numpy
from numba import njit, prange

from pack import EOS, MASK


def read(path):
    with lzma.open(path) as f:
        header = json.loads(f.readline())
        return {key: numpy.frombuffer(f.read(numpy.dtype(kind).itemsize * n), kind) for key, kind, n in header["arrays"]}, header["names"]


@njit(cache=True)
def place(lengths, order, T, open_windows):
    """First fit over the windows opened last: window and first place of each document in `order`; the number of windows."""
    window = numpy.empty(len(order), numpy.int32)
    first = numpy.empty(len(order), numpy.int32)
    used = numpy.zeros(len(order), numpy.int32)
    count = 0
    for i in range(len(order)):
        n = lengths[order[i]]
        found = -1
        for w in range(max(0, count - open_windows), count):
            if used[w] + n <= T:
                found = w
                break
        if found < 0:
            found = count
            count += 1
        window[i], first[i] = found, used[found]
        used[found] += n
    return window, first, count


@njit(cache=True)
def lay_documents(ids, spoken, begins, order, lengths, window, first, count, T):
    """Next-token windows: id, target (-1: none), spoken, seg, position."""
    x = numpy.zeros((count, T), numpy.int16)
    y = numpy.full((count, T), -1, numpy.int16)
    s = numpy.zeros((count, T), numpy.uint8)
    seg = numpy.zeros((count, T), numpy.uint8)
    pos = numpy.zeros((count, T), numpy.int16)
    number = numpy.zeros(count, numpy.uint8)
    for i in range(len(order)):
        b, w, at = begins[order[i]], window[i], first[i]
        number[w] += 1
        for j in range(lengths[order[i]]):
            x[w, at + j], y[w, at + j], s[w, at + j] = ids[b + j], ids[b + j + 1], spoken[b + j + 1]
            seg[w, at + j], pos[w, at + j] = number[w], j
    return x, y, s, seg, pos


def documents(d, weights, T, rng):
    """Windows of one epoch over several packed files, {name: weight}."""
    ids, spoken, begins, take = [], [], [], []
    at = rows = 0
    for name, weight in weights.items():
        n = len(d[name + ".answers"])
        ids.append(d[name + ".ids"])
        spoken.append(numpy.unpackbits(d[name + ".spoken"])[:len(ids[-1])])
        begins.append(d[name + ".begins"][:-1].astype(numpy.int64) + at)
        take.append(rows + rng.permutation(n)[:int(n * weight)])
        at += len(ids[-1])
        rows += n
    begins = numpy.append(numpy.concatenate(begins), at)
    order = rng.permutation(numpy.concatenate(take))
    lengths = numpy.minimum(numpy.diff(begins) - 1, T).astype(numpy.int32)
    window, first, count = place(lengths, order, T, 64)
    return lay_documents(numpy.concatenate(ids), numpy.concatenate(spoken), begins, order, lengths, window, first, count, T)


@njit(cache=True)
def structure(a, n, rate, copy):
    """Swaps, duplications and a shifted span."""
    for i in range(n - 1):
        if numpy.random.random() < rate:
            a[i], a[i + 1] = a[i + 1], a[i]
    for side in (-1, 1):
        copy[:n] = a[:n]
        for i in range(n):
            if numpy.random.random() < rate / 2 and 0 <= i + side < n:
                a[i] = copy[i + side]
    if numpy.random.random() < rate:
        length = min(1 + numpy.random.randint(3), n)
        start = numpy.random.randint(n - length + 1)
        to = 1 + numpy.random.randint(4)
        to = start - to if numpy.random.random() < 0.5 else start + to
        to = min(max(to, 0), n - length)
        copy[:length] = a[start:start + length]
        a[to:to + length] = copy[:length]


@njit(cache=True)
def stutter(a, n, copy):
    """One or two ids doubled or lost, what follows moves by as many places."""
    k = min(1 + numpy.random.randint(2), n - 1)
    at = numpy.random.randint(n - k)
    copy[:n] = a[:n]
    if numpy.random.random() < 0.5:
        a[at + k:n] = copy[at:n - k]
    else:
        a[at:n - k] = copy[at + k:n]


@njit(cache=True)
def mix(a, n, other, m):
    """Runs of 1 to 4 ids from another answer."""
    share = numpy.random.random() * 0.7
    i = 0
    while i < n:
        run = 1 + numpy.random.randint(4)
        if numpy.random.random() < share:
            for j in range(i, min(i + run, n)):
                a[j] = other[j] if j < m else EOS
        i += run


@njit(parallel=True, cache=True)
def lay_canvases(ids, begins, answers, order, lengths, window, first, count, T, shares, seed):
    """Denoising windows. shares: all masks, mixed answers, stutter, first wrong."""
    clean = numpy.zeros((count, T), numpy.int16)
    noisy = numpy.zeros((count, T), numpy.int16)
    seg = numpy.zeros((count, T), numpy.uint8)
    pos = numpy.zeros((count, T), numpy.int16)
    canvas = numpy.zeros((count, T), numpy.uint8)
    weight = numpy.zeros((count, T), numpy.float32)
    number = numpy.zeros(len(order), numpy.uint8)
    so_far = numpy.zeros(count, numpy.uint8)
    for i in range(len(order)):
        so_far[window[i]] += 1
        number[i] = so_far[window[i]]
    for i in prange(len(order)):
        numpy.random.seed((seed * 1000003 + i * 7919) % 4294967291)
        r = order[i]
        b, p, n, w, at = begins[r], answers[r], lengths[i], window[i], first[i]
        size = begins[r + 1] - b
        copy = numpy.empty(T, numpy.int16)
        for j in range(n):
            c = ids[b + j] if j < size else EOS
            clean[w, at + j] = noisy[w, at + j] = c
            seg[w, at + j], pos[w, at + j] = number[i], j
            if j >= p:
                canvas[w, at + j], weight[w, at + j] = 1, 1.0 / (n - p)
        a, m = noisy[w, at + p:at + n], n - p
        kind = numpy.random.random()
        if kind < shares[0]:
            a[:] = MASK
            continue
        t = numpy.random.random()
        kind = numpy.random.random()
        if kind < shares[1] + shares[2] + shares[3]:
            o = order[numpy.random.randint(len(order))]
            other = ids[begins[o] + answers[o]:begins[o + 1]]
            if kind < shares[1]:
                mix(a, m, other, len(other))
            elif kind < shares[1] + shares[2]:
                if m > 2:
                    stutter(a, m, copy)
            else:
                for j in range(min(1 + numpy.random.randint(2), len(other), m)):
                    a[j] = other[j]
            t *= numpy.random.randint(2)
        elif m > 2:
            structure(a, m, numpy.random.random() / 4, copy)
        for j in range(m):
            if numpy.random.random() < t:
                a[j] = MASK
    return clean, noisy, seg, pos, canvas, weight


def canvases(d, name, T, rng, shares, repeat=None, long_every=8):
    """Windows of one epoch; padding as src/learn/batch.c draws it with `pad: short`. repeat: {group number: times}."""
    begins, answers = d[name + ".begins"].astype(numpy.int64), d[name + ".answers"].astype(numpy.int64)
    size = numpy.diff(begins)
    order = numpy.arange(len(answers))
    if repeat:
        order = numpy.repeat(order, [repeat.get(int(g), 1) for g in d[name + ".groups"]])
    order = rng.permutation(order[size[order] < T])
    most = T - size[order] + 1
    most = numpy.where(rng.random(len(order)) * long_every >= 1, numpy.minimum(most, 16), most)
    lengths = (size[order] - 1 + numpy.exp(rng.random(len(order)) * numpy.log(most + 1)).astype(numpy.int64).clip(1, most)).astype(numpy.int32)
    window, first, count = place(lengths, numpy.arange(len(order)), T, 64)
    return lay_canvases(d[name + ".ids"].astype(numpy.int16), begins, answers, order, lengths, window, first, count, T, numpy.array(shares), int(rng.integers(1 << 31)))
