#!/usr/bin/env python3
"""Logits of small models of every dense family and option, made by transformers, beside redraft's.

  tools/judges/families.py check PROGRAM [NAME..]   all cases, or those whose names begin so; PROGRAM is build/redraft
  tools/judges/families.py gguf PROGRAM             the same weights as GGUF, named by the gguf package; beside llama.cpp's
                                                    logits, where llama-cpp-python is installed
  tools/judges/families.py golden                   tests/golden/families.zip: what tests/model/test_families.c expects

Needs torch, transformers (5.24.0 wrote the committed files), safetensors; gguf for the second.

Weights are no secret of a random generator: number i of a tensor follows from the tensor's name and i alone (`numbers`),
so that the golden files hold configurations, names and logits only; the test makes the same weights again."""
import json, os, subprocess, sys, tempfile
import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "golden"))
from formats import pack

GOLDEN = os.path.join(ROOT, "tests", "golden", "families")
LIMIT = 1e-5

SIZES = dict(vocab_size=96, hidden_size=32, intermediate_size=40, num_hidden_layers=3, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=64, bos_token_id=1, eos_token_id=2, pad_token_id=0)
LONG = 28  # ids of a case


def rope(kind, **more):
    return {"rope_parameters": {"rope_type": kind, "rope_theta": 10000.0, **more}}


def case(model_type, size=LONG, attention="causal", **settings):
    return dict(model_type=model_type, size=size, attention=attention, settings=settings)


FACTORS = dict(short_factor=[1.0, 1.1, 1.3, 1.5], long_factor=[1.0, 2.0, 3.5, 5.0])
GEMMA = dict(head_dim=16, query_pre_attn_scalar=24, sliding_window=6)
CASES = {
    "llama": case("llama"),
    "llama-bidirectional": case("llama", attention="bidirectional"),
    **{"llama-" + f: case("llama", hidden_act=f)
       for f in ("gelu", "gelu_pytorch_tanh", "gelu_new", "gelu_fast", "quick_gelu", "relu", "relu2")},
    "llama-biases": case("llama", attention_bias=True, mlp_bias=True),
    "llama-linear": case("llama", **rope("linear", factor=4.0)),
    "llama-llama3": case("llama", **rope("llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                                         original_max_position_embeddings=16)),
    "llama-yarn": case("llama", **rope("yarn", factor=4.0, original_max_position_embeddings=16)),
    "llama-yarn-mscale": case("llama", **rope("yarn", factor=8.0, original_max_position_embeddings=8, beta_fast=16.0,
                                              beta_slow=2.0, mscale=1.0, mscale_all_dim=0.5, truncate=False)),
    "llama-yarn-attention": case("llama", **rope("yarn", factor=4.0, original_max_position_embeddings=16,
                                                 attention_factor=1.3)),
    "llama-dynamic": case("llama", max_position_embeddings=20, **rope("dynamic", factor=2.0)),
    "llama-dynamic-short": case("llama", size=12, max_position_embeddings=20, **rope("dynamic", factor=2.0)),
    "llama-longrope": case("llama", **rope("longrope", factor=4.0, original_max_position_embeddings=16, **FACTORS)),
    "llama-longrope-short": case("llama", size=16, **rope("longrope", factor=4.0, original_max_position_embeddings=16,
                                                          **FACTORS)),
    "mistral": case("mistral", sliding_window=7),
    "mistral-whole": case("mistral", sliding_window=None, head_dim=16),
    "qwen2": case("qwen2"),
    "qwen2-window": case("qwen2", use_sliding_window=True, sliding_window=5, max_window_layers=1),
    "qwen2-types": case("qwen2", use_sliding_window=True, sliding_window=5,
                        layer_types=["sliding_attention", "full_attention", "sliding_attention"]),
    "qwen3-window": case("qwen3", head_dim=16, use_sliding_window=True, sliding_window=9, max_window_layers=2),
    "gemma2": case("gemma2", head_dim=16, query_pre_attn_scalar=24, sliding_window=6, attn_logit_softcapping=4.0,
                   final_logit_softcapping=3.0),
    "gemma3": case("gemma3_text", **GEMMA, num_hidden_layers=7),
    "gemma3-scaled": case("gemma3_text", **GEMMA, num_hidden_layers=2, final_logit_softcapping=3.0,
                          layer_types=["full_attention", "sliding_attention"],
                          rope_parameters={"full_attention": {"rope_type": "linear", "rope_theta": 1e6, "factor": 8.0},
                                           "sliding_attention": {"rope_type": "default", "rope_theta": 5000.0}}),
    "smollm3": case("smollm3", num_hidden_layers=5, tie_word_embeddings=True),
    "smollm3-window": case("smollm3", num_hidden_layers=3, no_rope_layers=[1, 0, 1], use_sliding_window=True,
                           sliding_window=6, attention_bias=True, mlp_bias=True),
    "granite": case("granite", embedding_multiplier=6.0, residual_multiplier=0.4, attention_multiplier=0.3,
                    logits_scaling=3.0),
    "olmo2": case("olmo2", attention_bias=True),
    "olmo2-bidirectional": case("olmo2", attention="bidirectional"),
    "phi3": case("phi3", sliding_window=9),
    "phi3-longrope": case("phi3", original_max_position_embeddings=16, partial_rotary_factor=0.5, head_dim_of=16,
                          rope_scaling={"type": "longrope", **FACTORS}),
}


def numbers(name, shape):
    """Multiples of 1/512 below 1/4: exact in bfloat16. A norm's lie around 1, or around 0 where they are stored so."""
    count = int(np.prod(shape))
    seed = 2166136261  # FNV-1a of the name
    for byte in name.encode():
        seed = (seed ^ byte) * 16777619 & 0xffffffff
    x = (np.arange(count, dtype=np.uint64) + np.uint64(seed)) * np.uint64(2654435761) & np.uint64(0xffffffff)
    x ^= x >> np.uint64(16)
    x = (x * np.uint64(2246822519)) & np.uint64(0xffffffff)
    x ^= x >> np.uint64(13)
    return (((x >> np.uint64(8)) % np.uint64(255)).astype(np.float32) - 127.0).reshape(shape) / 512.0


def make(name):
    import torch, transformers
    transformers.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()
    c = CASES[name]
    settings = {**SIZES, **c["settings"]}
    if "head_dim_of" in settings:  # of a family that divides the width
        settings["hidden_size"] = settings.pop("head_dim_of") * settings["num_attention_heads"]
    config = transformers.AutoConfig.for_model(c["model_type"], **settings)
    config._attn_implementation = "eager"
    model = transformers.AutoModelForCausalLM.from_config(config).eval().float()
    one = 0.0 if c["model_type"].startswith("gemma") else 1.0
    with torch.no_grad():
        for key, value in model.named_parameters():
            made = torch.from_numpy(numbers(key, tuple(value.shape)))
            value.copy_(made + one if "norm" in key else made)
    model.tie_weights()
    return model, c


def ids_of(size):
    return [(7 * i * i + 3 * i + 5) % SIZES["vocab_size"] for i in range(size)]


def judge(model, c):
    import torch
    ids = torch.tensor([ids_of(c["size"])])
    more = {}
    if c["attention"] == "bidirectional":
        more["attention_mask"] = torch.zeros(1, 1, c["size"], c["size"])
    with torch.no_grad():
        return model(ids, use_cache=False, **more).logits[0].numpy()


def ours(program, path, c, precision="f32"):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "logits.npy")
        subprocess.run([program, "logits", "-q", "-m", path, "--precision", precision, "--attention", c["attention"],
                        "--ids", ",".join(map(str, ids_of(c["size"]))), "-o", out], check=True)
        return np.load(out)


def apart(a, b):
    return float(np.linalg.norm(a.astype(np.float64) - b) / np.linalg.norm(b.astype(np.float64)))


def check(program, begins):
    worst, failed = 0.0, []
    for b in begins:
        if not any(name.startswith(b) for name in CASES):
            sys.exit(f"there is no case {b!r}; there are {', '.join(CASES)}")
    for name in CASES:
        if begins and not any(name.startswith(b) for b in begins):
            continue
        model, c = make(name)
        with tempfile.TemporaryDirectory() as folder:
            model.save_pretrained(folder)
            try:
                error = apart(ours(program, folder, c), judge(model, c))
            except subprocess.CalledProcessError:
                error = float("inf")
        worst = max(worst, error)
        failed += [name] if not error <= LIMIT else []
        print(f"{name:24} {error:.2g}{'' if error <= LIMIT else '   FAILED'}", flush=True)
    print(f"worst {worst:.2g} of {LIMIT:g}; {len(failed)} failed")
    return bool(failed)


def permuted(x, heads):
    """Rows of heads as GGUF has them for rotation of neighbours."""
    return x.reshape(heads, 2, -1, *x.shape[1:]).swapaxes(1, 2).reshape(x.shape)


# name: architecture, and what convert_hf_to_gguf.py writes beside the sizes
GGUF = {
    "llama": ("llama", {}), "llama-biases": ("llama", {}),
    "llama-yarn": ("llama", {"rope.scaling.type": "yarn", "rope.scaling.factor": 4.0, "rope.scaling.original_context_length": 16}),
    "mistral": ("llama", {"attention.sliding_window": 7}),
    "qwen2": ("qwen2", {}),
    "gemma2": ("gemma2", {"attention.sliding_window": 6, "attn_logit_softcapping": 4.0, "final_logit_softcapping": 3.0}),
    "gemma3": ("gemma3", {"attention.sliding_window": 6}),
    "smollm3": ("smollm3", {}),
    "granite": ("granite", {"embedding_scale": 6.0, "residual_scale": 0.4, "attention.scale": 0.3, "logit_scale": 3.0}),
    "olmo2": ("olmo2", {}),
    "phi3": ("phi3", {"attention.sliding_window": 9}),
    "phi3-longrope": ("phi3", {"rope.scaling.original_context_length": 16,
                               "rope.scaling.attn_factor": (1 + np.log(4) / np.log(16)) ** 0.5}),
}
PERMUTED = {"llama", "smollm3", "granite"}


def write_gguf(path, model, arch, more):
    import gguf
    c = model.config
    w = gguf.GGUFWriter(path, arch)
    hd = getattr(c, "head_dim", None) or c.hidden_size // c.num_attention_heads
    rope = c.rope_parameters.get("full_attention", c.rope_parameters)
    w.add_block_count(c.num_hidden_layers)
    w.add_context_length(c.max_position_embeddings)
    w.add_embedding_length(c.hidden_size)
    w.add_feed_forward_length(c.intermediate_size)
    w.add_head_count(c.num_attention_heads)
    w.add_head_count_kv(c.num_key_value_heads)
    w.add_key_length(hd)
    w.add_value_length(hd)
    w.add_layer_norm_rms_eps(c.rms_norm_eps)
    w.add_rope_freq_base(rope["rope_theta"])
    w.add_rope_dimension_count(int(hd * rope.get("partial_rotary_factor", 1.0)))
    w.add_vocab_size(c.vocab_size)
    w.add_tokenizer_model("no_vocab")
    w.add_bos_token_id(c.bos_token_id)
    w.add_eos_token_id(c.eos_token_id)
    w.add_pad_token_id(c.pad_token_id)
    for key, value in more.items():
        add = w.add_string if isinstance(value, str) else w.add_float32 if isinstance(value, float) else w.add_uint32
        add(f"{arch}.{key}", value)
    if "long_factor" in rope:
        w.add_tensor("rope_factors_long.weight", np.array(rope["long_factor"], np.float32))
        w.add_tensor("rope_factors_short.weight", np.array(rope["short_factor"], np.float32))
    stored = []
    names = gguf.get_tensor_name_map({v: k for k, v in gguf.MODEL_ARCH_NAMES.items()}[arch], c.num_hidden_layers)
    for key, value in model.named_parameters():
        x, heads = value.detach().numpy(), 0
        if arch in PERMUTED and (".q_proj." in key or ".k_proj." in key):
            heads = c.num_attention_heads if ".q_proj." in key else c.num_key_value_heads
            x = permuted(x, heads)
        if arch.startswith("gemma") and "norm" in key:
            x = x + 1
        stored.append([key, list(x.shape), heads])
        w.add_tensor(names.get_name(key, try_suffixes=(".weight", ".bias")), np.ascontiguousarray(x))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    return stored


def llama_cpp_logits(path, c):
    """llama.cpp's, where llama-cpp-python is installed; else None."""
    try:
        import llama_cpp
    except ImportError:
        return None
    try:
        model = llama_cpp.Llama(path, n_ctx=64, logits_all=True, verbose=False)
    except ValueError:  # it does not open the file
        return None
    model.eval(ids_of(c["size"]))
    return np.array(model.scores[:c["size"]])


def check_gguf(program):
    """A file's logits, and those of the folder that convert makes of it, which transformers opens."""
    import transformers
    failed = []
    for name, (arch, more) in GGUF.items():
        if arch.startswith("gemma"):  # GGUF has no key for it: the head's size
            CASES[name]["settings"]["query_pre_attn_scalar"] = 16
        model, c = make(name)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.gguf")
            write_gguf(path, model, arch, more)
            expected, theirs = judge(model, c), llama_cpp_logits(path, c)
            try:
                found = ours(program, path, c)
                out = os.path.join(folder, "written")
                subprocess.run([program, "convert", "-q", "-m", path, "--to", "f32", "-o", out], check=True)
                back = judge(transformers.AutoModelForCausalLM.from_pretrained(out, attn_implementation="eager"), c)
            except subprocess.CalledProcessError:
                found = back = expected * np.inf
        error = max(apart(found, expected), apart(back, expected))
        failed += [name] if not error <= LIMIT else []
        beside = "" if theirs is None else f"   llama.cpp's {apart(theirs, expected):.2g}"
        print(f"{name:24} {error:.2g}{'' if error <= LIMIT else '   FAILED'}{beside}", flush=True)
    print(f"{len(failed)} failed")
    return bool(failed)


def golden_gguf():
    """What comes before the numbers, as the gguf package writes it, and which numbers follow."""
    import gguf
    for name, (arch, more) in GGUF.items():
        if arch.startswith("gemma"):
            CASES[name]["settings"]["query_pre_attn_scalar"] = 16
        model, c = make(name)
        rows = list(range(0, c["size"], 5)) + [c["size"] - 1]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.gguf")
            stored = write_gguf(path, model, arch, more)
            start = gguf.GGUFReader(path).data_offset
            head = open(path, "rb").read()[:start]
            first = [t.name for t in gguf.GGUFReader(path).tensors][:2]
        rope = model.config.rope_parameters
        numbers = [rope["long_factor"], rope["short_factor"]] if first[0].startswith("rope_factors") else []
        record = {"attention": c["attention"], "ids": ids_of(c["size"]), "rows": rows, "norms_around": 1,
                  "first": numbers, "stored": stored}
        with open(os.path.join(GOLDEN, f"gguf-{name}.json"), "w") as f:
            json.dump(record, f, separators=(",", ":"))
            f.write("\n")
        open(os.path.join(GOLDEN, f"gguf-{name}.head"), "wb").write(head)
        np.save(os.path.join(GOLDEN, f"gguf-{name}.npy"), judge(model, c)[rows].astype(np.float32))


def golden():
    os.makedirs(GOLDEN)
    for name in CASES:
        model, c = make(name)
        logits = judge(model, c)
        rows = list(range(0, c["size"], 5)) + [c["size"] - 1]
        with tempfile.TemporaryDirectory() as folder:
            model.save_pretrained(folder)
            config = json.load(open(os.path.join(folder, "config.json")))
            from safetensors import safe_open
            with safe_open(os.path.join(folder, "model.safetensors"), "np") as f:
                tensors = {key: list(f.get_slice(key).get_shape()) for key in f.keys()}
        record = {"attention": c["attention"], "ids": ids_of(c["size"]), "rows": rows,
                  "norms_around": 0 if c["model_type"].startswith("gemma") else 1, "tensors": tensors, "config": config}
        with open(os.path.join(GOLDEN, name + ".json"), "w") as f:
            json.dump(record, f, separators=(",", ":"))
            f.write("\n")
        np.save(os.path.join(GOLDEN, name + ".npy"), logits[rows].astype(np.float32))
    golden_gguf()
    pack(GOLDEN)


if __name__ == "__main__":
    if len(sys.argv) >= 3 and sys.argv[1] == "check":
        sys.exit(check(sys.argv[2], sys.argv[3:]))
    if len(sys.argv) == 3 and sys.argv[1] == "gguf":
        sys.exit(check_gguf(sys.argv[2]))
    if len(sys.argv) == 2 and sys.argv[1] == "golden":
        sys.exit(golden())
    sys.exit(__doc__)
