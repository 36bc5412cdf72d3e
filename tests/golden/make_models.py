# SPDX-License-Identifier: MIT
"""Writes the tiny random models: Hugging Face folders under models/, PEFT adapters under adapters/,
GGUF files under gguf/.  Run from anywhere: python3 make_models.py [folder]."""

import json
import os
import sys

import numpy as np

import reference as ref
from formats import write_gguf, write_safetensors

HERE = os.path.dirname(os.path.abspath(__file__))

# --- the tokenizer: byte-level BPE, 256 bytes + 24 merges + 8 special tokens = 288 ---------------

MERGES = ["Ġ t", "h e", "i n", "e r", "Ġ a", "o n", "Ġt he", "r e", "a t", "i s", "i t", "a n",
          "Ġ c", "p it", "a l", "M A", "S K", "MA SK", "Ġc a", "Ġca pit", "Ġ is", "o f", "Ġ of",
          "Ġcapit al"]
SPECIALS = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>",
            "<|eot_id|>", "<|mask|>", "<|im_start|>", "<|im_end|>"]
V = 256 + len(MERGES) + len(SPECIALS)
BOS, EOS, EOT, MASK, IM_END = 280, 281, 284, 285, 287
LLAMA3_SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
                r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2_SPLIT = LLAMA3_SPLIT.replace(r"\p{N}{1,3}", r"\p{N}")
LLAMA3_CHAT = (
    "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = "
    "'<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + "
    "'<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}"
    "{{ content }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}")
CHATML_CHAT = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + "
    "'<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|im_start|>assistant\n' }}{% endif %}")


def byte_letters():
    """The 256 printable stand-ins of byte-level BPE (GPT-2), by byte."""
    plain = set(range(33, 127)) | set(range(161, 173)) | set(range(174, 256))
    letters, extra = {}, 0
    for b in range(256):
        if b in plain:
            letters[b] = chr(b)
        else:
            letters[b] = chr(256 + extra)
            extra += 1
    return letters


def vocabulary():
    """Tokens in id order, without the special ones: GPT-2's order of bytes, then the merges."""
    letters = byte_letters()
    tokens = sorted(letters.values(), key=lambda c: (ord(c) >= 256, ord(c)))
    return tokens + [m.replace(" ", "") for m in MERGES]


def chatml(family):
    return family in ("qwen2", "qwen3", "dream")


def tokenizer_json(family):
    qwen = chatml(family)
    tokens = vocabulary()
    split = {"type": "Split", "pattern": {"Regex": QWEN2_SPLIT if qwen else LLAMA3_SPLIT},
             "behavior": "Isolated", "invert": False}
    to_bytes = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False,
                "use_regex": False}
    single = [{"Sequence": {"id": "A", "type_id": 0}}]
    bos = {"SpecialToken": {"id": SPECIALS[0], "type_id": 0}}
    template = {"type": "TemplateProcessing", "single": [bos] + single,
                "pair": [bos] + single + [{"Sequence": {"id": "B", "type_id": 1}}],
                "special_tokens": {SPECIALS[0]: {"id": SPECIALS[0], "ids": [BOS],
                                                 "tokens": [SPECIALS[0]]}}}
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": 256 + len(MERGES) + i, "content": s, "single_word": False,
                          "lstrip": False, "rstrip": False, "normalized": False, "special": True}
                         for i, s in enumerate(SPECIALS)],
        "normalizer": {"type": "NFC"} if qwen else None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, to_bytes]},
        "post_processor": dict(to_bytes) if qwen else template,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True,
                    "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None,
                  "continuing_subword_prefix": None, "end_of_word_suffix": None,
                  "fuse_unk": False, "byte_fallback": False, "ignore_merges": not qwen,
                  "vocab": {t: i for i, t in enumerate(tokens)}, "merges": MERGES},
    }


def tokenizer_config(family):
    qwen = chatml(family)
    out = {
        "added_tokens_decoder": {str(256 + len(MERGES) + i): {
            "content": s, "lstrip": False, "normalized": False, "rstrip": False,
            "single_word": False, "special": True} for i, s in enumerate(SPECIALS)},
        "add_bos_token": not qwen,
        "bos_token": None if qwen else SPECIALS[0],
        "eos_token": SPECIALS[IM_END - 280] if qwen else SPECIALS[EOS - 280],
        "pad_token": SPECIALS[EOS - 280],
        "mask_token": SPECIALS[MASK - 280],
        "chat_template": CHATML_CHAT if qwen else LLAMA3_CHAT,
        "clean_up_tokenization_spaces": False,
        "model_max_length": 256,
        "tokenizer_class": "Qwen2Tokenizer" if qwen else "PreTrainedTokenizerFast",
    }
    return out


# --- the models ----------------------------------------------------------------------------------

LLAMA3_SCALING = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                  "high_freq_factor": 4.0, "original_max_position_embeddings": 128}
LINEAR_SCALING = {"type": "linear", "factor": 4.0}


def row(seed, family="llama", D=32, L=2, H=4, K=4, hd=8, F=64, V=V, tied=False, eps=1e-5,
        theta=10000.0, scaling=None, stored="F32", shards=1):
    return dict(locals())


# A model is a row: the same seed and shape with another `stored` is the same model, rounded.
MODELS = {
    "llama-mha": row(1),
    "llama-gqa-tied": row(2, K=2, F=48, tied=True, eps=1e-6),
    "llama3-rope-scaled": row(3, K=2, theta=500000.0, scaling=LLAMA3_SCALING, stored="BF16"),
    "llama-linear-scaled": row(4, K=1, scaling=LINEAR_SCALING, tied=True),
    "llama-sharded": row(5, D=24, H=3, K=3, F=40, shards=2),
    "llama-bf16": row(1, stored="BF16"),
    "llama-f16": row(1, stored="F16"),
    "qwen2": row(6, "qwen2", D=48, H=4, K=2, hd=12, F=72, V=V + 16, eps=1e-6, theta=1e6,
                 stored="BF16"),
    "qwen3": row(7, "qwen3", H=4, K=2, hd=16, tied=True, eps=1e-6, theta=1e6),
    "llada": row(8, "llada", theta=500000.0),
    "dream": row(9, "dream", K=2, eps=1e-6, theta=1e6, stored="BF16"),
    "train-tiny": row(10, D=16, H=2, K=1, F=24),
    "train-qwen2": row(13, "qwen2", D=8, L=1, H=2, K=1, hd=4, F=12),
    "train-qwen3": row(14, "qwen3", D=8, L=1, H=2, K=1, hd=8, F=12, tied=True),
}
ARCHITECTURE = {"llama": "LlamaForCausalLM", "qwen2": "Qwen2ForCausalLM",
                "qwen3": "Qwen3ForCausalLM", "dream": "DreamModel", "llada": "LLaDAModelLM"}


def config_json(m):
    qwen = chatml(m["family"])
    dtype = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}[m["stored"]]
    if m["family"] == "llada":
        return {
            "activation_type": "silu", "alibi": False, "alibi_bias_max": 8.0,
            "architectures": ["LLaDAModelLM"], "attention_dropout": 0.0,
            "attention_layer_norm": False, "attention_layer_norm_with_affine": True,
            "bias_for_layer_norm": False, "block_group_size": 1, "block_type": "llama",
            "d_model": m["D"], "embedding_dropout": 0.0, "embedding_size": m["V"],
            "eos_token_id": EOS, "flash_attention": False, "include_bias": False,
            "include_qkv_bias": False, "input_emb_norm": False, "layer_norm_type": "rms",
            "layer_norm_with_affine": True, "mask_token_id": MASK, "max_sequence_length": 256,
            "mlp_hidden_size": m["F"], "mlp_ratio": 4, "model_type": "llada",
            "multi_query_attention": None, "n_heads": m["H"], "n_kv_heads": m["K"],
            "n_layers": m["L"], "pad_token_id": EOS, "precision": "amp_bf16",
            "residual_dropout": 0.0, "rms_norm_eps": m["eps"], "rope": True,
            "rope_full_precision": True, "rope_theta": m["theta"], "scale_logits": False,
            "torch_dtype": dtype, "use_cache": False, "vocab_size": m["V"],
            "weight_tying": m["tied"],
        }
    c = {
        "architectures": [ARCHITECTURE[m["family"]]], "attention_dropout": 0.0,
        "eos_token_id": IM_END if qwen else EOS, "hidden_act": "silu", "hidden_size": m["D"],
        "initializer_range": 0.02, "intermediate_size": m["F"], "max_position_embeddings": 256,
        "model_type": "Dream" if m["family"] == "dream" else m["family"],
        "num_attention_heads": m["H"], "num_hidden_layers": m["L"], "num_key_value_heads": m["K"],
        "rms_norm_eps": m["eps"], "rope_scaling": m["scaling"], "rope_theta": m["theta"],
        "tie_word_embeddings": m["tied"], "torch_dtype": dtype, "use_cache": True,
        "vocab_size": m["V"],
    }
    if m["family"] == "llama":
        c.update(attention_bias=False, mlp_bias=False, bos_token_id=BOS)
    if m["family"] == "qwen3":
        c.update(attention_bias=False, head_dim=m["hd"])
    if qwen:
        c.update(use_sliding_window=False, sliding_window=None)
    if m["family"] == "dream":
        c.update(mask_token_id=MASK, pad_token_id=EOS)
    return c


def generation_config(m):
    qwen = chatml(m["family"])
    c = {"eos_token_id": [IM_END, EOS] if qwen else [EOS, EOT], "pad_token_id": EOS}
    if not qwen:
        c["bos_token_id"] = BOS
    return c


def random_tensors(m):
    """{tensor name of the family: float64}.  Scales are chosen so that attention is not flat, no layer
    is negligible, and the distributions over tokens have a clear first and a tail."""
    g = np.random.Generator(np.random.PCG64(m["seed"]))
    D, H, K, hd, F = (m[k] for k in ("D", "H", "K", "hd", "F"))

    def matrix(rows, cols, gain=1.0):
        return g.standard_normal((rows, cols)) * gain / np.sqrt(cols)

    top, names = ref.naming(m["family"])
    shapes = {
        "attn_norm": lambda: 1 + 0.2 * g.standard_normal(D),
        "wq": lambda: matrix(H * hd, D, 1.4), "wk": lambda: matrix(K * hd, D, 1.4),
        "wv": lambda: matrix(K * hd, D, 1.2), "wo": lambda: matrix(D, H * hd, 1.2),
        "ffn_norm": lambda: 1 + 0.2 * g.standard_normal(D),
        "gate": lambda: matrix(F, D, 1.3), "up": lambda: matrix(F, D, 1.3),
        "down": lambda: matrix(D, F, 1.3),
    }
    if m["family"] in ("qwen2", "dream"):
        shapes.update({b: (lambda n=n: 0.3 * g.standard_normal(n * hd))
                       for b, n in (("bq", H), ("bk", K), ("bv", K))})
    if m["family"] == "qwen3":
        shapes.update({n: (lambda: 1.2 + 0.2 * g.standard_normal(hd))
                       for n in ("q_norm", "k_norm")})
    t = {top["embed"]: matrix(m["V"], D, 4.5)}
    for i in range(m["L"]):
        for f, make in shapes.items():
            t[top["layer"] % i + names[f]] = make()
    t[top["norm"]] = 1 + 0.2 * g.standard_normal(D)
    if not m["tied"]:
        head = matrix(m["V"], D, 4.5)
        head[MASK] = 0                     # like a trained denoiser, it never writes the mask
        head[[EOS, IM_END]] *= 1.5         # and it does end its answers now and then
        t[top["head"]] = head
    return t


def dump(path, value, indent=1):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f, indent=indent, ensure_ascii=False)
        f.write("\n")


def write_model(folder, m):
    os.makedirs(folder, exist_ok=True)
    dump(os.path.join(folder, "config.json"), config_json(m))
    dump(os.path.join(folder, "generation_config.json"), generation_config(m))
    dump(os.path.join(folder, "tokenizer_config.json"), tokenizer_config(m["family"]))
    dump(os.path.join(folder, "tokenizer.json"), tokenizer_json(m["family"]), None)
    tensors = random_tensors(m)
    meta = {"format": "pt"}
    if m["shards"] == 1:
        write_safetensors(os.path.join(folder, "model.safetensors"), tensors, m["stored"], meta)
        return
    names, where = list(tensors), {}
    per = -(-len(names) // m["shards"])
    for s in range(m["shards"]):
        file = "model-%05d-of-%05d.safetensors" % (s + 1, m["shards"])
        part = {n: tensors[n] for n in names[s * per:(s + 1) * per]}
        write_safetensors(os.path.join(folder, file), part, m["stored"], meta)
        where.update({n: file for n in part})
    total = sum(t.size * 4 for t in tensors.values())
    dump(os.path.join(folder, "model.safetensors.index.json"),
         {"metadata": {"total_size": total}, "weight_map": where})


# --- adapters ------------------------------------------------------------------------------------

SEVEN = ref.PROJECTIONS
# name -> (model, projections, r, alpha, use_rslora, norms replaced as well, seed)
ADAPTERS = {
    "llama-mha-seven": ("llama-mha", SEVEN, 4, 8, False, False, 101),
    "llama-mha-qv": ("llama-mha", ["wq", "wv"], 4, 8, False, False, 102),
    "llama-mha-rslora": ("llama-mha", SEVEN, 4, 8, True, False, 103),
    "llama-mha-norms": ("llama-mha", SEVEN, 4, 8, False, True, 104),
    "qwen3-seven": ("qwen3", SEVEN, 4, 8, False, False, 105),
    "qwen3-qv": ("qwen3", ["wq", "wv"], 4, 8, False, False, 106),
    "qwen3-rslora": ("qwen3", SEVEN, 4, 8, True, False, 107),
    "llada-seven": ("llada", SEVEN, 4, 8, False, False, 108),
    "train-tiny-seven": ("train-tiny", SEVEN, 3, 6, False, True, 109),
}


def random_adapter(m, projections, r, norms, seed):
    """{PEFT tensor name: float64}; both factors non-zero, so that an ignored one is seen."""
    g = np.random.Generator(np.random.PCG64(seed))
    top, names = ref.naming(m["family"])
    base = random_tensors(m)
    out = {}
    for i in range(m["L"]):
        for f in projections:
            stem = top["layer"] % i + names[f]
            rows, cols = base[stem].shape
            stem = "base_model.model." + stem[:-len(".weight")]
            out[stem + ".lora_A.weight"] = g.standard_normal((r, cols)) / np.sqrt(cols)
            out[stem + ".lora_B.weight"] = g.standard_normal((rows, r)) * 0.35 / np.sqrt(r)
        if norms:
            for f in ("attn_norm", "ffn_norm"):
                name = top["layer"] % i + names[f]
                out["base_model.model." + name] = base[name] + 0.1 * g.standard_normal(m["D"])
    if norms:
        name = top["norm"]
        out["base_model.model." + name] = base[name] + 0.1 * g.standard_normal(m["D"])
    return out


def write_adapter(folder, model, projections, r, alpha, rslora, norms, seed):
    m = MODELS[model]
    os.makedirs(folder, exist_ok=True)
    names = ref.naming(m["family"])[1]

    def module(f):
        return names[f][:-len(".weight")].split(".")[-1]

    saved = [module("attn_norm"), module("ffn_norm"), "norm"] if norms else None
    dump(os.path.join(folder, "adapter_config.json"), {
        "alpha_pattern": {}, "base_model_name_or_path": model, "bias": "none",
        "fan_in_fan_out": False, "inference_mode": True, "init_lora_weights": True,
        "lora_alpha": alpha, "lora_dropout": 0.0, "modules_to_save": saved, "peft_type": "LORA",
        "r": r, "rank_pattern": {}, "target_modules": [module(f) for f in projections],
        "task_type": "CAUSAL_LM", "use_dora": False, "use_rslora": rslora})
    write_safetensors(os.path.join(folder, "adapter_model.safetensors"),
                      random_adapter(m, projections, r, norms, seed), "F32", {"format": "pt"})


# --- GGUF ----------------------------------------------------------------------------------------


def permute(w, heads):
    """Rows of wq / wk from half-split to interleaved RoPE, as llama.cpp's converter stores them."""
    rows = w.shape[0]
    return w.reshape(heads, 2, rows // heads // 2, -1).swapaxes(1, 2).reshape(w.shape)


GGUF_LAYER = {"attn_norm": "attn_norm.weight", "wq": "attn_q.weight", "wk": "attn_k.weight",
              "wv": "attn_v.weight", "wo": "attn_output.weight", "ffn_norm": "ffn_norm.weight",
              "gate": "ffn_gate.weight", "up": "ffn_up.weight", "down": "ffn_down.weight"}


def gguf_keys(m, name):
    tokens = vocabulary() + SPECIALS
    return [
        ("general.architecture", "str", "llama"), ("general.name", "str", name),
        ("general.alignment", "u32", 32),
        ("llama.context_length", "u32", 256), ("llama.embedding_length", "u32", m["D"]),
        ("llama.block_count", "u32", m["L"]), ("llama.feed_forward_length", "u32", m["F"]),
        ("llama.attention.head_count", "u32", m["H"]),
        ("llama.attention.head_count_kv", "u32", m["K"]),
        ("llama.attention.layer_norm_rms_epsilon", "f32", m["eps"]),
        ("llama.rope.freq_base", "f32", m["theta"]),
        ("llama.rope.dimension_count", "u32", m["hd"]), ("llama.vocab_size", "u32", m["V"]),
        ("tokenizer.ggml.model", "str", "gpt2"), ("tokenizer.ggml.pre", "str", "llama-bpe"),
        ("tokenizer.ggml.tokens", "array:str", tokens),
        ("tokenizer.ggml.token_type", "array:i32",
         [1] * (256 + len(MERGES)) + [3] * len(SPECIALS)),
        ("tokenizer.ggml.merges", "array:str", MERGES),
        ("tokenizer.ggml.bos_token_id", "u32", BOS), ("tokenizer.ggml.eos_token_id", "u32", EOS),
        ("tokenizer.ggml.mask_token_id", "u32", MASK),
        ("tokenizer.ggml.add_bos_token", "bool", True),
        ("tokenizer.chat_template", "str", LLAMA3_CHAT),
    ]


# The quantised model: one row per tensor kind.  256 wide because of the 256-weight blocks.
QUANT_MODEL = row(11, D=256, L=1, H=8, K=2, hd=32, F=256, stored="mixed")
QUANT_KINDS = {"embed": "Q6_K", "wq": "Q4_K", "wk": "Q5_0", "wv": "Q6_K", "wo": "Q4_0",
               "gate": "Q4_1", "up": "Q5_1", "down": "Q8_0", "head": "Q5_0"}


def gguf_tensors(m, kind_of):
    top, names = ref.naming("llama")
    t = random_tensors(m)
    out = [("token_embd.weight", t[top["embed"]], kind_of("embed")),
           ("output_norm.weight", t[top["norm"]], "F32")]
    if not m["tied"]:
        out.append(("output.weight", t[top["head"]], kind_of("head")))
    for i in range(m["L"]):
        for f, name in GGUF_LAYER.items():
            w = t[top["layer"] % i + names[f]]
            if f in ("wq", "wk"):
                w = permute(w, m["H"] if f == "wq" else m["K"])
            out.append(("blk.%d.%s" % (i, name), w, "F32" if f.endswith("norm") else kind_of(f)))
    return out


def write_ggufs(folder):
    os.makedirs(folder, exist_ok=True)
    m = MODELS["llama-gqa-tied"]
    write_gguf(os.path.join(folder, "llama-gqa-tied.gguf"), gguf_keys(m, "llama-gqa-tied"),
               gguf_tensors(m, lambda f: "F32"))
    meaning = write_gguf(os.path.join(folder, "llama-quant.gguf"), gguf_keys(QUANT_MODEL, "llama-quant"),
                         gguf_tensors(QUANT_MODEL, QUANT_KINDS.get))
    # One tensor per storage format, 3 rows of 256, with values of several magnitudes and a zero block.
    g = np.random.Generator(np.random.PCG64(12))
    x = g.standard_normal((3, 256)) * np.exp(g.standard_normal((3, 8)).repeat(32, 1))
    x[1, 64:96] = 0
    x[2] *= 100
    kinds = ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q6_K"]
    values = write_gguf(os.path.join(folder, "formats.gguf"),
                        [("general.architecture", "str", "llama"), ("general.name", "str", "formats")],
                        [(k.lower(), x, k) for k in kinds])
    write_safetensors(os.path.join(folder, "formats.expected.safetensors"), values)
    return meaning


def quant_reference(meaning):
    """The quantised model as the reference runs it: interleaved RoPE, weights as the bytes mean."""
    m = QUANT_MODEL
    config = ref.parse_config(config_json(dict(m, stored="F32")))
    config.interleaved = True
    top, names = ref.naming("llama")
    back = {"token_embd.weight": top["embed"], "output_norm.weight": top["norm"],
            "output.weight": top["head"]}
    for i in range(m["L"]):
        for f, name in GGUF_LAYER.items():
            back["blk.%d.%s" % (i, name)] = top["layer"] % i + names[f]
    return ref.model_of_tensors(config, {back[n]: w for n, w in meaning.items()})


def main(out):
    for name, m in MODELS.items():
        write_model(os.path.join(out, "models", name), m)
    for name, a in ADAPTERS.items():
        write_adapter(os.path.join(out, "adapters", name), *a)
    write_ggufs(os.path.join(out, "gguf"))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else HERE)
