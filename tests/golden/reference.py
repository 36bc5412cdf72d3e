# SPDX-License-Identifier: MIT
"""The model, as plainly as it can be said: one forward pass over one sequence in numpy, for the
families llama, qwen2, qwen3, llada and dream.  It is the executable version of the documentation and
the independent implementation against which the program is checked; it is slow on purpose and
knows nothing of the C sources.

    model = load("models/llama-mha", adapter="adapters/llama-mha-seven")
    logits = forward(model, [1, 2, 3], "bidirectional")          # (T, V), float64

Letters: T tokens, D width, H heads, K kv heads, hd head_dim, F feed-forward, V vocabulary, L layers.
Matrices are stored (outputs, inputs) as in the files, so a product is x @ w.T.
"""

import json
import os
from dataclasses import dataclass, field

import numpy as np

from formats import read_safetensors


@dataclass
class Config:
    family: str
    D: int
    L: int
    H: int
    K: int
    hd: int
    F: int
    V: int
    eps: float
    theta: float
    tied: bool
    scaling: dict = None          # config.json's rope_scaling
    shift: bool = False           # row i - 1 predicts position i (Dream)
    interleaved: bool = False     # RoPE on pairs (2i, 2i + 1) instead of (i, i + hd/2)
    mask_id: int = None
    eos_id: int = None


@dataclass
class Layer:
    attn_norm: np.ndarray         # (D)
    wq: np.ndarray                # (H*hd, D)
    wk: np.ndarray                # (K*hd, D)
    wv: np.ndarray                # (K*hd, D)
    wo: np.ndarray                # (D, H*hd)
    ffn_norm: np.ndarray          # (D)
    gate: np.ndarray              # (F, D)
    up: np.ndarray                # (F, D)
    down: np.ndarray              # (D, F)
    bq: np.ndarray = None         # (H*hd)    qwen2, dream
    bk: np.ndarray = None         # (K*hd)
    bv: np.ndarray = None         # (K*hd)
    q_norm: np.ndarray = None     # (hd)      qwen3
    k_norm: np.ndarray = None     # (hd)


@dataclass
class Model:
    config: Config
    embed: np.ndarray             # (V, D)
    layers: list
    norm: np.ndarray              # (D)
    head: np.ndarray              # (V, D); the embedding itself when tied
    lora: dict = field(default_factory=dict)   # (layer, field) -> (A (r, in), B (out, r), scale)


# --- names -------------------------------------------------------------------------------------

# field of Layer -> name below a layer's prefix; a row per naming scheme
HF_NAMES = {
    "attn_norm": "input_layernorm.weight", "ffn_norm": "post_attention_layernorm.weight",
    "wq": "self_attn.q_proj.weight", "wk": "self_attn.k_proj.weight",
    "wv": "self_attn.v_proj.weight", "wo": "self_attn.o_proj.weight",
    "bq": "self_attn.q_proj.bias", "bk": "self_attn.k_proj.bias", "bv": "self_attn.v_proj.bias",
    "q_norm": "self_attn.q_norm.weight", "k_norm": "self_attn.k_norm.weight",
    "gate": "mlp.gate_proj.weight", "up": "mlp.up_proj.weight", "down": "mlp.down_proj.weight",
}
LLADA_NAMES = {
    "attn_norm": "attn_norm.weight", "ffn_norm": "ff_norm.weight",
    "wq": "q_proj.weight", "wk": "k_proj.weight", "wv": "v_proj.weight", "wo": "attn_out.weight",
    "gate": "ff_proj.weight", "up": "up_proj.weight", "down": "ff_out.weight",
}
TOP_NAMES = {
    "hf": {"embed": "model.embed_tokens.weight", "norm": "model.norm.weight",
           "head": "lm_head.weight", "layer": "model.layers.%d."},
    "llada": {"embed": "model.transformer.wte.weight", "norm": "model.transformer.ln_f.weight",
              "head": "model.transformer.ff_out.weight", "layer": "model.transformer.blocks.%d."},
}
PROJECTIONS = ["wq", "wk", "wv", "wo", "gate", "up", "down"]


def naming(family):
    """(top names, layer names) of a family."""
    if family == "llada":
        return TOP_NAMES["llada"], LLADA_NAMES
    return TOP_NAMES["hf"], HF_NAMES


# --- loading -----------------------------------------------------------------------------------


def parse_config(c):
    """config.json of Hugging Face -> Config."""
    kind = c["model_type"].lower()
    if kind == "llada":
        return Config(family="llada", D=c["d_model"], L=c["n_layers"], H=c["n_heads"],
                      K=c["n_kv_heads"], hd=c["d_model"] // c["n_heads"], F=c["mlp_hidden_size"],
                      V=c["embedding_size"], eps=c["rms_norm_eps"], theta=c["rope_theta"],
                      tied=c["weight_tying"], mask_id=c["mask_token_id"], eos_id=c["eos_token_id"])
    return Config(family=kind, D=c["hidden_size"], L=c["num_hidden_layers"],
                  H=c["num_attention_heads"], K=c["num_key_value_heads"],
                  hd=c.get("head_dim") or c["hidden_size"] // c["num_attention_heads"],
                  F=c["intermediate_size"], V=c["vocab_size"], eps=c["rms_norm_eps"],
                  theta=c["rope_theta"], tied=c["tie_word_embeddings"],
                  scaling=c.get("rope_scaling"), shift=kind == "dream",
                  mask_id=c.get("mask_token_id"), eos_id=c.get("eos_token_id"))


def read_tensors(folder):
    index = os.path.join(folder, "model.safetensors.index.json")
    if not os.path.exists(index):
        return read_safetensors(os.path.join(folder, "model.safetensors"))
    with open(index) as f:
        shards = sorted(set(json.load(f)["weight_map"].values()))
    tensors = {}
    for shard in shards:
        tensors.update(read_safetensors(os.path.join(folder, shard)))
    return tensors


def model_of_tensors(config, tensors, dtype=np.float64):
    """Model of a config and the tensors under the names of its family."""
    top, names = naming(config.family)

    def get(name):
        return tensors[name].astype(dtype) if name in tensors else None

    layers = []
    for i in range(config.L):
        found = {f: get(top["layer"] % i + n) for f, n in names.items()}
        layers.append(Layer(**found))
    embed = get(top["embed"])
    return Model(config, embed, layers, get(top["norm"]), embed if config.tied else get(top["head"]))


def read_adapter(folder, config, dtype=np.float64):
    """(lora dict for Model.lora, {tensor name of the model: full replacement}) of a PEFT folder."""
    with open(os.path.join(folder, "adapter_config.json")) as f:
        c = json.load(f)
    root = c["r"] ** 0.5 if c.get("use_rslora") else c["r"]
    scale = c["lora_alpha"] / root
    tensors = {n[len("base_model.model."):]: t.astype(dtype)
               for n, t in read_safetensors(os.path.join(folder, "adapter_model.safetensors")).items()}
    top, names = naming(config.family)
    lora = {}
    for i in range(config.L):
        for f in PROJECTIONS:
            stem = top["layer"] % i + names[f][:-len(".weight")]
            if stem + ".lora_A.weight" in tensors:
                lora[i, f] = (tensors.pop(stem + ".lora_A.weight"),
                              tensors.pop(stem + ".lora_B.weight"), scale)
    return lora, tensors


def load(folder, adapter=None, dtype=np.float64):
    with open(os.path.join(folder, "config.json")) as f:
        config = parse_config(json.load(f))
    tensors = read_tensors(folder)
    lora = {}
    if adapter:
        lora, replaced = read_adapter(adapter, config, dtype)
        unknown = set(replaced) - set(tensors)
        assert not unknown, "adapter tensors without a place: %s" % sorted(unknown)
        tensors.update(replaced)
    model = model_of_tensors(config, tensors, dtype)
    model.lora = lora
    return model


# --- the pass ----------------------------------------------------------------------------------


def rope_frequencies(config):
    """(hd/2) angles per position: theta^(-2i/hd), changed by config.json's rope_scaling."""
    f = config.theta ** (-np.arange(0, config.hd, 2, dtype=np.float64) / config.hd)
    s = config.scaling
    if not s:
        return f
    kind = s.get("rope_type", s.get("type"))
    if kind == "linear":
        return f / s["factor"]
    assert kind == "llama3", kind
    # Long waves are slowed by factor, short ones kept, those between are blended.
    wave = 2 * np.pi / f
    span = s["original_max_position_embeddings"]
    low, high = s["low_freq_factor"], s["high_freq_factor"]
    blend = (span / wave - low) / (high - low)
    mixed = (1 - blend) * f / s["factor"] + blend * f
    return np.where(wave > span / low, f / s["factor"], np.where(wave < span / high, f, mixed))


def rope_tables(config, positions, dtype=np.float64):
    """cos, sin: (T, hd/2)."""
    angle = np.outer(np.asarray(positions, np.float64), rope_frequencies(config))
    return np.cos(angle).astype(dtype), np.sin(angle).astype(dtype)


def rope(x, cos, sin, interleaved):
    """x (T, heads, hd) turned by its position; cos, sin (T, hd/2)."""
    c, s = cos[:, None], sin[:, None]
    y = np.empty_like(x)
    if interleaved:
        a, b = x[..., 0::2], x[..., 1::2]
        y[..., 0::2], y[..., 1::2] = a * c - b * s, b * c + a * s
    else:
        half = x.shape[-1] // 2
        a, b = x[..., :half], x[..., half:]
        y[..., :half], y[..., half:] = a * c - b * s, b * c + a * s
    return y


def rms_norm(x, weight, eps):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + x.dtype.type(eps)) * weight


def silu(x):
    return x / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def visible(T, attention):
    """(T, T) booleans: may row i look at column j?"""
    i, j = np.arange(T)[:, None], np.arange(T)[None, :]
    if attention == "causal":
        return j <= i
    if attention == "bidirectional":
        return np.ones((T, T), bool)
    kind, size, *origin = attention.split(":")
    size, origin = int(size), int(origin[0]) if origin else 0
    own = (j - origin) // size <= (i - origin) // size   # own block whole, and every earlier one
    assert kind in ("block", "ahead")
    return own if kind == "block" else np.where(i < origin, j <= i, own)   # ahead: what leads to it is causal


def project(model, i, name, x, bias=None):
    """x @ w.T (+ bias) (+ scale x A.T B.T)."""
    y = x @ getattr(model.layers[i], name).T
    if bias is not None:
        y = y + bias
    if (i, name) in model.lora:
        a, b, scale = model.lora[i, name]
        y = y + (x @ a.T) @ b.T * x.dtype.type(scale)
    return y


def attention_block(model, i, x, cos, sin, seen):
    c, w = model.config, model.layers[i]
    T = len(x)
    q = project(model, i, "wq", x, w.bq).reshape(T, c.H, c.hd)
    k = project(model, i, "wk", x, w.bk).reshape(T, c.K, c.hd)
    v = project(model, i, "wv", x, w.bv).reshape(T, c.K, c.hd)
    if w.q_norm is not None:                  # Qwen3: per head, before RoPE
        q, k = rms_norm(q, w.q_norm, c.eps), rms_norm(k, w.k_norm, c.eps)
    q, k = rope(q, cos, sin, c.interleaved), rope(k, cos, sin, c.interleaved)
    k, v = (np.repeat(a, c.H // c.K, axis=1) for a in (k, v))   # query head h reads kv head h*K/H
    score = np.einsum("ihd,jhd->hij", q, k) / x.dtype.type(np.sqrt(c.hd))
    score = np.where(seen, score, x.dtype.type(-np.inf))
    y = np.einsum("hij,jhd->ihd", softmax(score), v).reshape(T, c.H * c.hd)
    return project(model, i, "wo", y)


def hidden(model, ids, attention, positions=None):
    """(T, D) after the last norm."""
    c = model.config
    x = model.embed[np.asarray(ids)]
    cos, sin = rope_tables(c, positions or range(len(ids)), x.dtype)
    seen = visible(len(ids), attention)
    for i, w in enumerate(model.layers):
        x = x + attention_block(model, i, rms_norm(x, w.attn_norm, c.eps), cos, sin, seen)
        h = rms_norm(x, w.ffn_norm, c.eps)
        h = silu(project(model, i, "gate", h)) * project(model, i, "up", h)
        x = x + project(model, i, "down", h)
    return rms_norm(x, model.norm, c.eps)


def forward(model, ids, attention, positions=None):
    """(T, V) logits as the output matrix gives them: a shift (Dream) is left to the caller. `positions`: what the ids
    are turned by, where that is not their places."""
    return hidden(model, ids, attention, positions) @ model.head.T


# --- a pass over a part of a canvas -------------------------------------------------------------


class Cache:
    """Rotated keys and values of every layer, (T, K, hd), by position, as the passes so far left them,
    and the ids that they were computed from."""

    def __init__(self, model, T):
        c = model.config
        self.k = np.full((c.L, T, c.K, c.hd), np.nan)
        self.v = np.full((c.L, T, c.K, c.hd), np.nan)
        self.ids = [None] * T


def forward_part(model, ids, attention, cache, first, end):
    """(end - first, V) logits of positions first..end - 1 alone: their keys and values go into the cache,
    those of every other position are read there."""
    c, T, group = model.config, len(ids), model.config.H // model.config.K
    cos, sin = rope_tables(c, range(first, end))
    seen = visible(T, attention)[first:end]
    x = model.embed[np.asarray(ids[first:end])]
    for i, w in enumerate(model.layers):
        n = rms_norm(x, w.attn_norm, c.eps)
        q, k, v = (project(model, i, name, n, bias).reshape(end - first, heads, c.hd)
                   for name, bias, heads in (("wq", w.bq, c.H), ("wk", w.bk, c.K), ("wv", w.bv, c.K)))
        if w.q_norm is not None:
            q, k = rms_norm(q, w.q_norm, c.eps), rms_norm(k, w.k_norm, c.eps)
        cache.k[i, first:end] = rope(k, cos, sin, c.interleaved)
        cache.v[i, first:end] = v
        q = rope(q, cos, sin, c.interleaved)
        y = np.empty_like(q)
        for t in range(end - first):
            looked = np.flatnonzero(seen[t])
            assert not np.isnan(cache.k[i, looked]).any(), "a position is seen that was never computed"
            for h in range(c.H):
                score = cache.k[i, looked, h // group] @ q[t, h] / np.sqrt(c.hd)
                y[t, h] = softmax(score) @ cache.v[i, looked, h // group]
        x = x + project(model, i, "wo", y.reshape(end - first, c.H * c.hd))
        n = rms_norm(x, w.ffn_norm, c.eps)
        x = x + project(model, i, "down", silu(project(model, i, "gate", n)) * project(model, i, "up", n))
    cache.ids[first:end] = ids[first:end]
    return rms_norm(x, model.norm, c.eps) @ model.head.T


def shifted(model, logits):
    """Row i predicts position i, whatever the family: Dream's row i is its raw row i - 1 (row 0 stays)."""
    if not model.config.shift:
        return logits
    return np.concatenate([logits[:1], logits[:-1]])
