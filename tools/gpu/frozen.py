# SPDX-License-Identifier: MIT
"""A frozen LLaMA-family model in bf16 whose clean rows keep their keys and values, an adapter merged into its weights once a step, and a sampler head.

Clean rows are the base's, causal, without gradient; noisy rows read their keys and values. All factors of a projection are one stacked tensor, so
that a step merges 30 layers in one product, and a layer is one function of its weights, compiled once for all layers.
"""

import json
import os

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

import net as nets

HEAD_TENSORS = ("fc1.weight", "fc2.weight")


def layer(x, qkv, o, up, down, n1, n2, eps, cos, sin, keys, values, mask, heads, kv_heads):
    """x (B, T, D); keys, values (B, kv_heads, C, d) of the clean rows or None; mask (B, 1, T, C + T) to add or None for causal. Also own keys and values."""
    (B, T, D), d = x.shape, cos.shape[-1] * 2
    h = F.rms_norm(x.float(), (D,), n1, eps).to(x.dtype)
    q, k, v = F.linear(h, qkv).view(B, T, -1, d).transpose(1, 2).split([heads, kv_heads, kv_heads], 1)
    q, k = nets.turn(q, cos, sin), nets.turn(k, cos, sin)
    all_k, all_v = (k, v) if keys is None else (torch.cat([keys, k], 2), torch.cat([values, v], 2))
    all_k, all_v = (t.repeat_interleave(heads // kv_heads, 1) for t in (all_k, all_v))
    a = F.scaled_dot_product_attention(q, all_k, all_v, attn_mask=mask, is_causal=mask is None)
    x = x + F.linear(a.transpose(1, 2).reshape(B, T, D), o)
    gate, value = F.linear(F.rms_norm(x.float(), (D,), n2, eps).to(x.dtype), up).chunk(2, -1)
    return x + F.linear(F.silu(gate) * value, down), k, v


class Weights:
    """What the layers read: lists of tensors, one a layer, and the last norm."""

    def __init__(self, stacks, n1, n2, last):
        q, k, v, o, g, u, down = stacks
        self.layers = list(zip(torch.cat([q, k, v], 1).unbind(0), o.unbind(0), torch.cat([g, u], 1).unbind(0), down.unbind(0), n1.unbind(0), n2.unbind(0)))
        self.last = last


class Frozen:
    def __init__(self, net):
        """net: nets.Net with the base's numbers."""
        s, self.run, self.run_clean = net.s, layer, layer
        self.s, self.embed, self.cos, self.sin = s, net.embed.detach().bfloat16(), net.cos.bfloat16(), net.sin.bfloat16()
        self.stacks = [torch.stack([m.p[j].weight.detach().bfloat16() for m in net.layers]) for j in range(7)]
        self.norms = [torch.stack([n.weight.detach().float() for n in part]) for part in ([m.n1 for m in net.layers], [m.n2 for m in net.layers], [net.norm])]
        self.base = Weights(self.stacks, self.norms[0], self.norms[1], self.norms[2][0])

    def hidden(self, weights, ids, pos, clean=None, mask=None, grad=False):
        """(B, T, D) behind the last norm, and a list of (keys, values) of these rows."""
        x, kept, run = F.embedding(ids, self.embed), [], self.run if grad else self.run_clean if clean is None else layer
        if grad:
            x.requires_grad_()
        cos, sin = self.cos[pos][:, None], self.sin[pos][:, None]
        for l, w in enumerate(weights.layers):
            x, k, v = run(x, *w, self.s.eps, cos, sin, *(clean[l] if clean else (None, None)), mask, self.s.heads, self.s.kv_heads)
            kept.append((k, v))
        return F.rms_norm(x.float(), x.shape[-1:], weights.last, self.s.eps).to(x.dtype), kept

    def logits(self, h):
        return F.linear(h, self.embed)

    @torch.no_grad()
    def greedy(self, prompts, most, end):
        """The base's greedy answers, all side by side: keys and values stay, a slot a token, with the query heads of a group in one product."""
        device, s = self.embed.device, self.s
        B, P, d, group = len(prompts), max(map(len, prompts)), s.width // s.heads, s.heads // s.kv_heads
        ids = torch.zeros(B, P, dtype=torch.long)
        for i, p in enumerate(prompts):
            ids[i, :len(p)] = torch.tensor(p)
        lengths = torch.tensor([len(p) for p in prompts]).to(device)
        ids = ids.to(device)
        h, kept = self.hidden(self.base, ids, torch.arange(P, device=device).expand(B, P))
        keys = torch.zeros(s.layers, B, s.kv_heads, P + most, d, dtype=h.dtype, device=device)
        values = torch.zeros_like(keys)
        for l, (k, v) in enumerate(kept):
            keys[l, :, :, :P], values[l, :, :, :P] = k, v
        del kept
        slots = torch.arange(P + most, device=device)
        hide = torch.where((slots < lengths[:, None]) | (slots >= P), 0.0, float("-inf")).to(h.dtype)[:, None, None]
        new, out, done = self.logits(h[torch.arange(B, device=device), lengths - 1]).argmax(-1), [], torch.zeros(B, dtype=torch.bool, device=device)
        for i in range(most):
            new = torch.where(done, end, new)
            done = done | (new == end)
            out.append(new)
            if i + 1 == most or (i % 8 == 7 and bool(done.all())):
                break
            x, pos, slot = F.embedding(new, self.embed), lengths + i, P + i
            cos, sin = self.cos[pos][:, None], self.sin[pos][:, None]
            for l, (qkv, o, up, down, n1, n2) in enumerate(self.base.layers):
                y = F.linear(F.rms_norm(x.float(), x.shape[-1:], n1, s.eps).to(x.dtype), qkv).view(B, -1, d)
                turned = nets.turn(y[:, :s.heads + s.kv_heads], cos, sin)
                keys[l, :, :, slot], values[l, :, :, slot] = turned[:, s.heads:], y[:, s.heads + s.kv_heads:]
                scores = turned[:, :s.heads].reshape(B, s.kv_heads, group, d) @ keys[l, :, :, :slot + 1].transpose(2, 3) * d ** -0.5 + hide[..., :slot + 1]
                a = scores.float().softmax(-1).to(x.dtype) @ values[l, :, :, :slot + 1]
                x = x + F.linear(a.reshape(B, s.width), o)
                gate, value = F.linear(F.rms_norm(x.float(), x.shape[-1:], n2, s.eps).to(x.dtype), up).chunk(2, -1)
                x = x + F.linear(F.silu(gate) * value, down)
            new = self.logits(F.rms_norm(x.float(), x.shape[-1:], self.base.last, s.eps).to(x.dtype)).argmax(-1)
        return torch.stack(out, 1).tolist()


class Adapter(torch.nn.Module):
    """Factors of all projections, norms of its own, and a sampler head of two layers (hidden, 0 for none)."""

    def __init__(self, frozen, rank, hidden):
        super().__init__()
        self.frozen, self.rank, device, D = [frozen], rank, frozen.embed.device, frozen.s.width
        self.a = torch.nn.ParameterList([torch.randn(len(w), rank, w.shape[2], device=device) * w.shape[2] ** -0.5 for w in frozen.stacks])
        self.b = torch.nn.ParameterList([torch.zeros(len(w), w.shape[1], rank, device=device) for w in frozen.stacks])
        self.norms = torch.nn.ParameterList([n.clone() for n in frozen.norms])
        # Both halves of its input count alike from the start, though words' embeddings are far smaller than hidden states.
        sizes = torch.cat([n[0].square().mean().sqrt().expand(D) for n in (frozen.norms[2], frozen.embed.float().flatten()[None])])
        self.fc1 = torch.nn.Parameter(torch.randn(hidden, 2 * D, device=device) * (2 * D) ** -0.5 / sizes) if hidden else None
        self.fc2 = torch.nn.Parameter(torch.zeros(D, hidden, device=device)) if hidden else None

    def weights(self):
        merged = [torch.baddbmm(w, b.to(w.dtype), a.to(w.dtype)) for w, a, b in zip(self.frozen[0].stacks, self.a, self.b)]
        return Weights(merged, self.norms[0], self.norms[1], self.norms[2][0])

    def choose(self, h, words):
        """Hidden states moved by the words just chosen before them."""
        if self.fc1 is None:
            return h
        e = F.embedding(words, self.frozen[0].embed)
        return h + F.linear(F.silu(F.linear(torch.cat([h, e], -1), self.fc1.to(h.dtype))), self.fc2.to(h.dtype))

    def load(self, path):
        t = load_file(path)
        with torch.no_grad():
            for j, name in enumerate(nets.PROJECTIONS):
                for l in range(len(self.a[j])):
                    stem = f"base_model.model.model.layers.{l}.{name}"
                    a, b = t[stem + ".lora_A.weight"].float(), t[stem + ".lora_B.weight"].float()
                    self.a[j][l, :len(a)], self.b[j][l, :, :len(a)] = a, b
            for n, name in zip(self.norms, ("input_layernorm", "post_attention_layernorm")):
                for l in range(len(n)):
                    n[l] = t[f"base_model.model.model.layers.{l}.{name}.weight"].float()
            self.norms[2][0] = t["base_model.model.model.norm.weight"].float()

    def save(self, folder, net, base):
        """adapter_model.safetensors, adapter_config.json and sampler_head.safetensors; net lends its names."""
        for l, block in enumerate(net.layers):
            for j, m in enumerate(block.p):
                m.a, m.b = torch.nn.Parameter(self.a[j][l].detach()), torch.nn.Parameter(self.b[j][l].detach())
            block.n1.own, block.n2.own = (torch.nn.Parameter(self.norms[i][l].detach()) for i in range(2))
        net.norm.own = torch.nn.Parameter(self.norms[2][0].detach())
        nets.save_adapter(net, folder, self.rank, base)
        if self.fc1 is not None:
            parts = dict(zip(HEAD_TENSORS, (self.fc1, self.fc2)))
            save_file({k: v.detach().bfloat16().cpu().contiguous() for k, v in parts.items()}, os.path.join(folder, "sampler_head.safetensors"), metadata={"format": "pt"})


def write_log(path):
    record = open(path, "a", encoding="utf-8")

    def log(**what):
        record.write(json.dumps(what) + "\n")
        record.flush()
        print(json.dumps(what), flush=True)
    return log
