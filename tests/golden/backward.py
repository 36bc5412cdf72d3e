# SPDX-License-Identifier: MIT
"""Loss and gradients of the reference model, derived by hand, and AdamW.  Names of parameters are
("embed",), ("norm",), ("head",), (layer, field) for weights and (layer, field, "A" or "B") for LoRA
factors.

    loss, grads = loss_and_gradients(model, batch, attention)
    batch: {"ids", "targets", "weights"}, each (B, T); loss = sum of weight x cross entropy."""

import numpy as np

import reference as ref


def parameters(model):
    """{name: array}, the arrays themselves: changing one in place changes the model."""
    out = {("embed",): model.embed, ("norm",): model.norm}
    if model.head is not model.embed:
        out["head",] = model.head
    for i, w in enumerate(model.layers):
        out.update({(i, f): a for f, a in vars(w).items() if a is not None})
    for (i, f), (a, b, _) in model.lora.items():
        out[i, f, "A"], out[i, f, "B"] = a, b
    return out


class Gradients(dict):
    def add(self, name, g):
        self[name] = self[name] + g if name in self else g


def d_rms_norm(x, weight, eps, dy, grads, name):
    """dx of y = x / r * weight with r = sqrt(mean x^2 + eps); adds dweight."""
    r = np.sqrt((x * x).mean(-1, keepdims=True) + eps)
    grads.add(name, (dy * x / r).reshape(-1, x.shape[-1]).sum(0))
    g = dy * weight
    return g / r - x * (g * x).mean(-1, keepdims=True) / r ** 3


def d_project(model, i, f, x, dy, grads, bias=None):
    """dx of reference.project; adds dW, dbias, dA, dB."""
    w = getattr(model.layers[i], f)
    grads.add((i, f), dy.T @ x)
    if bias is not None:
        grads.add((i, bias), dy.sum(0))
    dx = dy @ w
    if (i, f) in model.lora:
        a, b, scale = model.lora[i, f]
        down = scale * (dy @ b)                      # (T, r)
        grads.add((i, f, "B"), scale * dy.T @ (x @ a.T))
        grads.add((i, f, "A"), down.T @ x)
        dx = dx + down @ a
    return dx


def attention_forward(model, i, x, cos, sin, seen):
    """As reference.attention_block, keeping what the way back needs."""
    c, w = model.config, model.layers[i]
    T, group = len(x), c.H // c.K
    q0 = ref.project(model, i, "wq", x, w.bq).reshape(T, c.H, c.hd)
    k0 = ref.project(model, i, "wk", x, w.bk).reshape(T, c.K, c.hd)
    v = ref.project(model, i, "wv", x, w.bv).reshape(T, c.K, c.hd)
    q = q0 if w.q_norm is None else ref.rms_norm(q0, w.q_norm, c.eps)
    k = k0 if w.k_norm is None else ref.rms_norm(k0, w.k_norm, c.eps)
    q, k = ref.rope(q, cos, sin, c.interleaved), ref.rope(k, cos, sin, c.interleaved)
    qg = q.reshape(T, c.K, group, c.hd)              # query heads of one kv head side by side
    score = np.einsum("ikgd,jkd->kgij", qg, k) / np.sqrt(c.hd)
    p = ref.softmax(np.where(seen, score, -np.inf))
    y = np.einsum("kgij,jkd->ikgd", p, v).reshape(T, c.H * c.hd)
    return ref.project(model, i, "wo", y), (x, q0, k0, qg, k, v, p, y)


def attention_backward(model, i, saved, cos, sin, dout, grads):
    c, w = model.config, model.layers[i]
    x, q0, k0, qg, k, v, p, y = saved
    T = len(x)
    dy = d_project(model, i, "wo", y, dout, grads).reshape(qg.shape)
    dv = np.einsum("kgij,ikgd->jkd", p, dy)
    dp = np.einsum("ikgd,jkd->kgij", dy, v)
    ds = p * (dp - (dp * p).sum(-1, keepdims=True)) / np.sqrt(c.hd)
    dq = np.einsum("kgij,jkd->ikgd", ds, k).reshape(T, c.H, c.hd)
    dk = np.einsum("kgij,ikgd->jkd", ds, qg)
    dq, dk = (ref.rope(a, cos, -sin, c.interleaved) for a in (dq, dk))   # a turn, undone
    if w.q_norm is not None:
        dq = d_rms_norm(q0, w.q_norm, c.eps, dq, grads, (i, "q_norm"))
        dk = d_rms_norm(k0, w.k_norm, c.eps, dk, grads, (i, "k_norm"))
    dx = 0
    for f, bias, d in (("wq", "bq", dq), ("wk", "bk", dk), ("wv", "bv", dv)):
        has = bias if getattr(w, bias) is not None else None
        dx = dx + d_project(model, i, f, x, d.reshape(T, -1), grads, has)
    return dx


def sequence(model, ids, targets, weights, attention, grads):
    """Loss of one sequence; adds its gradients."""
    c = model.config
    ids, targets = np.asarray(ids), np.asarray(targets)
    cos, sin = ref.rope_tables(c, range(len(ids)))
    seen = ref.visible(len(ids), attention)
    x, saved = model.embed[ids], []
    for i, w in enumerate(model.layers):
        n1 = ref.rms_norm(x, w.attn_norm, c.eps)
        out, kept = attention_forward(model, i, n1, cos, sin, seen)
        mid = x + out
        n2 = ref.rms_norm(mid, w.ffn_norm, c.eps)
        gate, up = ref.project(model, i, "gate", n2), ref.project(model, i, "up", n2)
        act = ref.silu(gate) * up
        saved.append((x, kept, mid, n2, gate, up, act))
        x = mid + ref.project(model, i, "down", act)
    final = ref.rms_norm(x, model.norm, c.eps)
    logits = final @ model.head.T
    shift = logits - logits.max(1, keepdims=True)
    log_p = shift - np.log(np.exp(shift).sum(1, keepdims=True))
    rows = np.arange(len(ids))
    loss = -(weights * log_p[rows, targets]).sum()

    dlogits = np.exp(log_p)
    dlogits[rows, targets] -= 1
    dlogits *= np.asarray(weights)[:, None]
    head = ("embed",) if model.head is model.embed else ("head",)
    grads.add(head, dlogits.T @ final)
    dx = d_rms_norm(x, model.norm, c.eps, dlogits @ model.head, grads, ("norm",))
    for i in reversed(range(c.L)):
        w = model.layers[i]
        x0, kept, mid, n2, gate, up, act = saved[i]
        dact = d_project(model, i, "down", act, dx, grads)
        sig = 1 / (1 + np.exp(-gate))
        dgate = dact * up * sig * (1 + gate * (1 - sig))
        dn2 = d_project(model, i, "gate", n2, dgate, grads)
        dn2 = dn2 + d_project(model, i, "up", n2, dact * gate * sig, grads)
        dx = dx + d_rms_norm(mid, w.ffn_norm, c.eps, dn2, grads, (i, "ffn_norm"))
        dn1 = attention_backward(model, i, kept, cos, sin, dx, grads)
        dx = dx + d_rms_norm(x0, w.attn_norm, c.eps, dn1, grads, (i, "attn_norm"))
    dembed = np.zeros_like(model.embed)
    np.add.at(dembed, ids, dx)
    grads.add(("embed",), dembed)
    return loss


def loss_and_gradients(model, batch, attention):
    grads, loss = Gradients(), 0.0
    for ids, targets, weights in zip(batch["ids"], batch["targets"], batch["weights"]):
        loss += sequence(model, ids, targets, np.asarray(weights, np.float64), attention, grads)
    return loss, grads


def check_gradients(model, batch, attention, names, rng, tolerance=1e-6):
    """Every gradient against central differences along random directions; returns the worst error."""
    _, grads = loss_and_gradients(model, batch, attention)
    params, worst = parameters(model), 0.0
    for name in names:
        direction = rng.standard_normal(params[name].shape)
        h = 1e-5 / np.abs(direction).max()
        before, ends = params[name].copy(), []
        for side in (+1, -1):
            params[name][...] = before + side * h * direction
            ends.append(loss_and_gradients(model, batch, attention)[0])
        params[name][...] = before
        numeric = (ends[0] - ends[1]) / (2 * h)
        exact = (grads[name] * direction).sum()
        scale = np.linalg.norm(grads[name]) * np.linalg.norm(direction) / np.sqrt(direction.size)
        worst = max(worst, abs(numeric - exact) / max(scale, 1e-12))
    assert worst < tolerance, worst
    return worst


class AdamW:
    """Decoupled weight decay on matrices only (vectors, that is norms and biases, are not decayed);
    before the step the gradients are scaled so that their joint norm is at most `clip`."""

    def __init__(self, params, rate, beta1=0.9, beta2=0.999, eps=1e-8, decay=0.01, clip=0.5):
        self.params, self.rate, self.beta1, self.beta2 = params, rate, beta1, beta2
        self.eps, self.decay, self.clip, self.t = eps, decay, clip, 0
        self.m = {n: np.zeros_like(p) for n, p in params.items()}
        self.v = {n: np.zeros_like(p) for n, p in params.items()}

    def step(self, grads):
        """Returns the gradient norm before clipping."""
        norm = np.sqrt(sum((grads[n] ** 2).sum() for n in self.params))
        factor = min(1.0, self.clip / norm)
        self.t += 1
        for n, p in self.params.items():
            g = grads[n] * factor
            self.m[n] += (1 - self.beta1) * (g - self.m[n])
            self.v[n] += (1 - self.beta2) * (g * g - self.v[n])
            m = self.m[n] / (1 - self.beta1 ** self.t)
            v = self.v[n] / (1 - self.beta2 ** self.t)
            if p.ndim > 1:
                p *= 1 - self.rate * self.decay
            p -= self.rate * m / (np.sqrt(v) + self.eps)
        return norm
