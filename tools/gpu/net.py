# SPDX-License-Identifier: MIT
"""A LLaMA-family model with LoRA factors and norms beside it that count on gated rows alone (gate: one number a row)."""

import json
import math
import os

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

import q8

PROJECTIONS = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")


class Shape:
    def __init__(self, width=384, layers=8, heads=6, ff=1024, vocabulary=8192, positions=256, theta=10000.0, kv_heads=None, eps=1e-5):
        self.width, self.layers, self.heads, self.ff, self.vocabulary, self.positions, self.theta = width, layers, heads, ff, vocabulary, positions, theta
        self.kv_heads, self.eps = kv_heads or heads, eps


class Linear(nn.Module):
    def __init__(self, i, o, scale):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(o, i) * scale)
        self.a = self.b = None

    def add_factors(self, rank, base_needs_none=True):
        o, i = self.weight.shape
        self.weight.requires_grad_(not base_needs_none)
        self.a = nn.Parameter(torch.randn(rank, i, device=self.weight.device) / math.sqrt(i))
        self.b = nn.Parameter(torch.zeros(o, rank, device=self.weight.device))

    def forward(self, x, gate):
        y = F.linear(x, self.weight.to(x.dtype))
        if self.a is not None and gate is not None:
            y = y + F.linear(F.linear(x, self.a.to(x.dtype)) * gate, self.b.to(x.dtype))
        return y


class Norm(nn.Module):
    def __init__(self, width, eps):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(width)), eps
        self.own = None

    def add_own(self):
        self.weight.requires_grad_(False)
        self.own = nn.Parameter(self.weight.detach().clone())

    def forward(self, x, gate):
        f = x.float()
        f = f * torch.rsqrt(f.pow(2).mean(-1, keepdim=True) + self.eps)
        w = self.weight if self.own is None or gate is None else self.weight + (self.own - self.weight) * gate
        return (f * w).to(x.dtype)


class Layer(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.s, d = s, s.width // s.heads
        scale, out = 1 / math.sqrt(s.width), 1 / math.sqrt(2 * s.layers)
        sizes = ((s.width, s.heads * d, scale), (s.width, s.kv_heads * d, scale), (s.width, s.kv_heads * d, scale), (s.heads * d, s.width, scale * out),
                 (s.width, s.ff, scale), (s.width, s.ff, scale), (s.ff, s.width, out / math.sqrt(s.ff)))
        self.p = nn.ModuleList([Linear(*size) for size in sizes])
        self.n1, self.n2 = Norm(s.width, s.eps), Norm(s.width, s.eps)

    def forward(self, x, gate, cos, sin, mask):
        s, (B, T, _) = self.s, x.shape
        h = self.n1(x, gate)
        q, k, v = (self.p[i](h, gate).view(B, T, -1, s.width // s.heads).transpose(1, 2) for i in range(3))
        q, k = turn(q, cos, sin), turn(k, cos, sin)
        if s.kv_heads != s.heads:  # the kernel that takes a mask wants as many heads of both
            k, v = (t.repeat_interleave(s.heads // s.kv_heads, 1) for t in (k, v))
        o = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = x + self.p[3](o.transpose(1, 2).reshape(B, T, -1), gate)
        h = self.n2(x, gate)
        return x + self.p[6](F.silu(self.p[4](h, gate)) * self.p[5](h, gate), gate)


def turn(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1).to(x.dtype)


class Net(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.s = s
        self.embed = nn.Parameter(torch.randn(s.vocabulary, s.width) * 0.05)
        self.layers = nn.ModuleList([Layer(s) for _ in range(s.layers)])
        self.norm = Norm(s.width, s.eps)
        d = s.width // s.heads
        angles = torch.arange(s.positions)[:, None] / s.theta ** (torch.arange(0, d, 2) / d)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def hidden(self, ids, pos, mask, gate=None, dtype=torch.bfloat16):
        """ids, pos (B, T); mask (B, 1, T, T) to add; gate (B, T, 1) or None: (B, T, width) behind the last norm."""
        x = F.embedding(ids, self.embed).to(dtype)
        cos, sin = self.cos[pos][:, None].to(dtype), self.sin[pos][:, None].to(dtype)
        gate = None if gate is None else gate.to(dtype)
        for layer in self.layers:
            x = layer(x, gate, cos, sin, mask)
        return self.norm(x, gate)

    def logits(self, h):
        return F.linear(h, self.embed.to(h.dtype))

    def adapt(self, rank):
        """Freeze the base; factors on all projections and norms of its own. Returns what is trained."""
        self.embed.requires_grad_(False)
        for m in self.modules():
            if isinstance(m, Linear):
                m.add_factors(rank)
            elif isinstance(m, Norm):
                m.add_own()
        return [p for p in self.parameters() if p.requires_grad]

    def norms(self):
        for l, layer in enumerate(self.layers):
            yield f"model.layers.{l}.input_layernorm", layer.n1
            yield f"model.layers.{l}.post_attention_layernorm", layer.n2
        yield "model.norm", self.norm

    def linears(self):
        for l, layer in enumerate(self.layers):
            for name, m in zip(PROJECTIONS, layer.p):
                yield f"model.layers.{l}.{name}", m


def pair_mask(seg, canvas, kind, dtype=torch.bfloat16):
    """(B, 1, T, T) to add: causal | both (bidirectional) | gated (prompt causal, canvas sees all)."""
    T = seg.shape[1]
    same = seg[:, :, None] == seg[:, None, :]
    back = torch.ones(T, T, dtype=torch.bool, device=seg.device).tril()
    if kind == "causal":
        same = same & back
    elif kind == "gated":
        c = canvas.bool()
        same = same & (c[:, :, None] | (back & ~c[:, None, :]))
    return torch.zeros(same.shape, dtype=dtype, device=seg.device).masked_fill_(~same, float("-inf"))[:, None]


def save_base(net, folder, extra, dtype=torch.bfloat16):
    os.makedirs(folder, exist_ok=True)
    t = {"model.embed_tokens.weight": net.embed}
    t.update({name + ".weight": m.weight for name, m in net.norms()})
    t.update({name + ".weight": m.weight for name, m in net.linears()})
    save_file({k: v.detach().to(dtype).cpu().contiguous() for k, v in t.items()}, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
    s = net.s
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "num_hidden_layers": s.layers, "hidden_size": s.width, "num_attention_heads": s.heads,
              "num_key_value_heads": s.kv_heads, "intermediate_size": s.ff, "vocab_size": s.vocabulary, "max_position_embeddings": s.positions,
              "head_dim": s.width // s.heads, "rms_norm_eps": s.eps, "rope_theta": s.theta, "tie_word_embeddings": True, "attention_bias": False,
              "hidden_act": "silu", "torch_dtype": "bfloat16", **extra}
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as f:
        json.dump(config, f, indent=2)


def load_base(net, path, as_q8=False):
    """Weights of a folder or of a GGUF file; as_q8: the numbers that they have once written in Q8_0."""
    t = q8.read(path, net.s.heads) if path.endswith(".gguf") else load_file(os.path.join(path, "model.safetensors"))
    if as_q8:
        t = {name: q8.rounded(m) if m.dim() > 1 else m for name, m in t.items()}
    with torch.no_grad():
        net.embed.copy_(t["model.embed_tokens.weight"])
        for name, m in [*net.norms(), *net.linears()]:
            m.weight.copy_(t[name + ".weight"])


def save_adapter(net, folder, rank, base, dtype=torch.bfloat16):
    """A folder as PEFT writes it."""
    os.makedirs(folder, exist_ok=True)
    t = {}
    for name, m in net.linears():
        t[f"base_model.model.{name}.lora_A.weight"], t[f"base_model.model.{name}.lora_B.weight"] = m.a, m.b
    for name, m in net.norms():
        t[f"base_model.model.{name}.weight"] = m.own
    save_file({k: v.detach().to(dtype).cpu().contiguous() for k, v in t.items()}, os.path.join(folder, "adapter_model.safetensors"), metadata={"format": "pt"})
    config = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": base, "bias": "none", "r": rank, "lora_alpha": float(rank),
              "lora_dropout": 0.0, "use_rslora": False, "use_dora": False, "init_lora_weights": True, "fan_in_fan_out": False, "inference_mode": True,
              "rank_pattern": {}, "alpha_pattern": {}, "target_modules": [name.rsplit(".", 1)[1] for name in PROJECTIONS],
              "modules_to_save": ["input_layernorm", "post_attention_layernorm", "q_norm", "k_norm", "norm"]}
    with open(os.path.join(folder, "adapter_config.json"), "w", encoding="utf-8") as f:
        json.dump(config, f, indent=1)


def load_adapter(net, path):
    t = load_file(path)
    with torch.no_grad():
        for name, m in net.linears():
            m.a.copy_(t[f"base_model.model.{name}.lora_A.weight"])
            m.b.copy_(t[f"base_model.model.{name}.lora_B.weight"])
        for name, m in net.norms():
            m.own.copy_(t[f"base_model.model.{name}.weight"])
