#!/usr/bin/env python3
"""Keys of config.json and adapter_config.json that somebody wrote, beside what transformers and peft make of them.

  tools/judges/keys.py check PROGRAM   every row: the same logits, or a refusal; PROGRAM is build/redraft
  tools/judges/keys.py golden          tests/golden/keys.json: the rows marked with a *, for tests/model/test_keys.c

Needs torch, transformers, peft and safetensors (5.24.0 and 0.21.2 wrote the committed file). Models are those of families.py, whose
numbers follow from the names of tensors; so do an adapter's. What transformers refuses is not compared; that PROGRAM breaks down counts."""
import json, os, shutil, subprocess, sys, tempfile
import numpy as np
import families
from crashes import crashed

GOLDEN = os.path.join(families.ROOT, "tests", "golden", "keys.json")
LIMIT, STEP = 1e-4, 5
GONE = "(no such key)"


def scaling(**keys):
    return {"rope_parameters": GONE, "rope_theta": 10000.0, "rope_scaling": keys}


def parameters(**keys):
    return {"rope_parameters": {"rope_theta": 10000.0, **keys}}


DEFAULT = {"rope_type": "default", "rope_theta": 500.0}
SLIDING, FULL = "sliding_attention", "full_attention"
FACTORS = families.FACTORS
# base in families.py, keys; a * before the base: committed
EDITS = [
    *[("llama", {"hidden_act": f}) for f in ("swish", "gelu_python", "gelu_10", "mish", "tanh", "gelu_accurate", "linear", "relu6", "SiLU")],
    ("llama", {"head_dim": None}), ("llama", {"head_dim": GONE}), ("llama", {"num_hidden_layers": 2}), ("llama", {"num_attention_heads": 4.0}),
    ("llama", scaling(type="linear", factor=2)), ("llama", scaling(type="default")), ("llama", scaling()),
    ("llama", scaling(type="dynamic", alpha=2.0, factor=1.0)), ("llama", scaling(type="yarn", factor=4.0)),
    ("llama", scaling(type="yarn", factor=4.0, original_max_position_embeddings=16, finetuned=True)),
    ("llama", scaling(type="mrope", mrope_section=[2, 1, 1])), ("llama", scaling(type="linear", factor="2.0")),
    ("llama", scaling(type="linear", rope_type="dynamic", factor=2.0)), ("llama", scaling(type="linear", factor=2.0, rope_theta=500.0)),
    ("llama", {"rope_parameters": DEFAULT, "rope_theta": 10000.0}), ("llama", {"rope_parameters": GONE}), ("llama", {"rope_parameters": None}),
    ("*llama", {"rope_parameters": DEFAULT, "rope_scaling": {"type": "linear", "factor": 4.0}}),
    ("*mistral", {"rope_parameters": DEFAULT, "rope_scaling": {"type": "linear", "factor": 4.0}, "rope_theta": 700.0}),
    ("llama", {"rope_parameters": DEFAULT, "rope_scaling": None}), ("llama", parameters(rope_type="default", partial_rotary_factor=0.5)),
    ("llama", parameters(rope_type="yarn", factor=4.0, original_max_position_embeddings=16, mscale=0.7)),
    ("llama", parameters(rope_type="yarn", factor=4.0, original_max_position_embeddings=16, attention_factor=None, beta_fast=None)),
    ("llama", parameters(rope_type="yarn", factor=None, original_max_position_embeddings=16)),
    ("llama", parameters(rope_type="longrope", original_max_position_embeddings=16, **FACTORS)),
    ("llama", parameters(rope_type="longrope", factor=4.0, original_max_position_embeddings=16, attention_factor=1.2, **FACTORS)),
    ("llama", {"rms_norm_eps": 1e-2}), ("llama", {"rms_norm_eps": GONE}), ("llama", {"rms_norm_eps": "1e-5"}), ("llama", {"tie_word_embeddings": GONE}),
    ("llama", {"sliding_window": 4}), ("llama", {"sliding_window": 4, "layer_types": [SLIDING] * 3}), ("llama", {"attention_multiplier": 0.5}),
    ("llama", {"logits_scaling": 2.0}), ("llama", {"embedding_multiplier": 2.0}), ("llama", {"attn_logit_softcapping": 5.0}),
    ("llama", {"final_logit_softcapping": 5.0}), ("llama", {"use_qk_norm": True}), ("llama", {"qk_layernorm": True}), ("llama", {"pretraining_tp": 2}),
    ("llama", {"no_rope_layers": [1, 0, 1]}), ("llama", {"alibi": True}), ("llama", {"num_experts": 8}), ("llama", {"query_pre_attn_scalar": 10}),
    ("llama", {"eos_token_id": [2, 5]}), ("llama", {"eos_token_id": "2"}), ("llama", {"pad_token_id": -1}), ("llama", {"use_bidirectional_attention": True}),
    ("llama", {"quantization_config": {"quant_method": "gptq", "bits": 4}}), ("llama", {"quantization_config": None}),
    ("*llama", {"is_causal": False}), ("llama", {"is_causal": True}), ("llama", {"is_causal": None}), ("qwen3-window", {"is_causal": False}),
    ("*mistral", {"is_causal": False}), ("*gemma2", {"is_causal": False}), ("gemma3", {"is_causal": False}), ("phi3", {"is_causal": False}),
    ("granite", {"is_causal": False}), ("olmo2", {"is_causal": False}), ("smollm3", {"is_causal": False}),
    ("qwen2", {"sliding_window": 4}), ("qwen2", {"use_sliding_window": True, "sliding_window": 4, "max_window_layers": GONE, "layer_types": GONE}),
    ("qwen2", {"layer_types": [SLIDING, FULL, SLIDING], "use_sliding_window": True, "sliding_window": 5}), ("qwen2", {"layer_types": None}), ("*qwen2", {"attention_bias": False}),
    ("qwen2", {"layer_types": ["linear_attention"] * 3}), ("qwen2", {"hidden_activation": "gelu"}), ("qwen3-window", {"attention_bias": True}),
    ("*gemma2", {"layer_types": GONE, "sliding_window_pattern": 3}), ("gemma3", {"layer_types": GONE, "sliding_window_pattern": 2}),
    ("gemma2", {"hidden_activation": GONE}), ("gemma2", {"hidden_act": "silu"}), ("gemma2", {"layer_types": GONE}), ("gemma2", {"layer_types": [FULL] * 3}),
    ("gemma2", {"attn_logit_softcapping": None, "final_logit_softcapping": None}), ("gemma2", {"attn_logit_softcapping": GONE}),
    ("gemma2", {"query_pre_attn_scalar": GONE}), ("gemma2", {"sliding_window": GONE}), ("gemma2", {"tie_word_embeddings": GONE}),
    ("gemma3", {"rope_parameters": GONE, "rope_theta": 5000.0, "rope_local_base_freq": 300.0}),
    ("gemma3", {"rope_parameters": GONE, "rope_theta": 5000.0, "rope_local_base_freq": 300.0, "rope_scaling": {"rope_type": "linear", "factor": 8.0}}),
    ("*gemma3", {"rope_parameters": {FULL: DEFAULT, SLIDING: {"rope_theta": 90.0}}, "rope_scaling": {"rope_type": "linear", "factor": 3.0}}),
    ("gemma3", {"rope_parameters": DEFAULT}), ("llama", {"rope_parameters": {FULL: DEFAULT}}), ("*phi3", {"partial_rotary_factor": 0.5}),
    ("gemma3", {"rope_scaling": {FULL: DEFAULT}}), ("mistral", {"sliding_window": 0}),
    ("gemma3", {"rope_parameters": {FULL: DEFAULT}}), ("gemma3", {"attn_logit_softcapping": 5.0}), ("gemma3", {"use_bidirectional_attention": True}),
    ("phi3", {"sliding_window": 5}), ("phi3", {"partial_rotary_factor": GONE}), ("phi3", {"hidden_act": "gelu"}),
    ("granite", {"logits_scaling": 8}), ("granite", {"embedding_multiplier": GONE, "residual_multiplier": GONE, "attention_multiplier": GONE}),
    ("smollm3", {"no_rope_layers": [1, 0, 1]}), ("smollm3", {"no_rope_layers": GONE, "no_rope_layer_interval": 2}), ("smollm3", {"no_rope_layers": None}),
    ("olmo2", {"clip_qkv": 1.0}),
    ("*qwen2", {"model_type": "wedlm"}), ("*qwen3-window", {"model_type": "wedlm", "attention_bias": False, "qk_norm": True, "use_sliding_window": False, "layer_types": GONE}),
    ("qwen2", {"model_type": "wedlm", "attention_bias": False, "qk_norm": True}),
]
# base, adapter_config.json beyond r and alpha, modules of layer 0 with factors
ADAPTERS = [
    ("*phi3", {"target_modules": ["qkv_proj", "gate_up_proj"]}, ["self_attn.qkv_proj", "mlp.gate_up_proj"]),
    ("*phi3", {"target_modules": ["qkv_proj", "gate_up_proj"], "use_dora": True}, ["self_attn.qkv_proj", "mlp.gate_up_proj"]),
    ("*phi3", {"target_modules": ["qkv_proj", "o_proj"], "init_lora_weights": "pissa"}, ["self_attn.qkv_proj", "self_attn.o_proj"]),
    ("*phi3", {"target_modules": ["qkv_proj"], "init_lora_weights": "olora"}, ["self_attn.qkv_proj"]),
    ("llama", {"target_modules": ".*layers\\.0\\.self_attn\\.(q|v)_proj"}, ["self_attn.q_proj", "self_attn.v_proj"]),
    ("llama", {"target_modules": "all-linear"}, ["self_attn.q_proj"]), ("llama", {"target_modules": ["q_proj"], "layers_to_transform": [0]}, ["self_attn.q_proj"]),
    ("llama", {"target_modules": ["q_proj"], "layers_to_transform": 0, "layers_pattern": "layers"}, ["self_attn.q_proj"]),
    ("llama", {"target_modules": ["q_proj"], "layers_to_transform": [1]}, ["self_attn.q_proj"]),
    ("llama", {"target_modules": ["q_proj"]}, ["self_attn.q_proj", "self_attn.v_proj"]),
    ("llama", {"target_modules": ["q_proj", "v_proj"], "exclude_modules": ["v_proj"]}, ["self_attn.q_proj", "self_attn.v_proj"]),
    ("llama-biases", {"target_modules": ["q_proj"], "bias": "lora_only"}, ["self_attn.q_proj", "self_attn.q_proj.bias"]),
    ("*llama-biases", {"target_modules": ["q_proj"], "bias": "all"}, ["self_attn.q_proj", "self_attn.q_proj.bias", "self_attn.o_proj.bias"]),
    ("llama", {"target_modules": ["q_proj"], "modules_to_save": ["lm_head"]}, ["self_attn.q_proj"]),
    ("llama", {"target_modules": ["q_proj"], "layer_replication": [[0, 2], [1, 3]]}, ["self_attn.q_proj"]),
    ("llama", {"target_modules": ["q_proj"], "trainable_token_indices": [1]}, ["self_attn.q_proj"]),
    ("*llama-biases", {"target_modules": ["q_proj", "v_proj"], "lora_bias": True}, ["self_attn.q_proj", "self_attn.v_proj"]),
    ("*llama", {"target_modules": ["q_proj", "down_proj"], "lora_bias": True, "use_rslora": True}, ["self_attn.q_proj", "mlp.down_proj"]),
    ("*llama", {"target_modules": ["embed_tokens"], "use_dora": True}, ["embed_tokens"]),
    ("*llama", {"target_modules": ["lm_head"], "init_lora_weights": "pissa"}, ["lm_head"]),
    ("*phi3", {"target_modules": ["qkv_proj"], "lora_bias": True}, ["self_attn.qkv_proj"]),
]


def edited(config, keys):
    for key, value in keys.items():
        config[key] = value
        if value == GONE:
            del config[key]
    return config


def tensors_of(model, modules):
    """Names and shapes of an adapter's tensors: factors of rank 2 and, with use_dora, lengths; "X.bias": a bias of X."""
    out = {}
    for module in modules:
        if module == "embed_tokens":
            rows, cols = model.get_input_embeddings().weight.shape
            at = "base_model.model.model.embed_tokens."
            out.update({at + "lora_embedding_A": [2, rows], at + "lora_embedding_B": [cols, 2], at + "lora_magnitude_vector": [cols]})
            continue
        if module == "lm_head":  # peft saves the base of a head's factors too
            rows, cols = model.get_output_embeddings().weight.shape
            at = "base_model.model.lm_head."
            out.update({at + "lora_A.weight": [2, cols], at + "lora_B.weight": [rows, 2], at + "base_layer.weight": [rows, cols]})
            continue
        if module.endswith(".bias"):
            of = module[:-len(".bias")]
            name = of + (".base_layer.bias" if of in modules else ".bias")  # peft wraps what has factors
            out["base_model.model.model.layers.0." + name] = list(model.get_parameter("model.layers.0." + module).shape)
            continue
        rows, cols = model.get_parameter(f"model.layers.0.{module}.weight").shape
        at = f"base_model.model.model.layers.0.{module}."
        out.update({at + "lora_A.weight": [2, cols], at + "lora_B.weight": [rows, 2], at + "lora_magnitude_vector": [rows], at + "lora_B.bias": [rows]})
    return out


def write_adapter(folder, config, tensors):
    import torch
    from safetensors.torch import save_file
    os.makedirs(folder)
    config = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 2, "lora_alpha": 3, **config}
    with open(os.path.join(folder, "adapter_config.json"), "w") as f:
        json.dump(config, f)
    made = {}
    for name, shape in tensors.items():
        if "magnitude" in name and not config.get("use_dora") or "lora_B.bias" in name and not config.get("lora_bias"):
            continue
        made[name] = torch.from_numpy(families.numbers(name, tuple(shape)) + (1 if "magnitude" in name else 0)).contiguous()
    save_file(made, os.path.join(folder, "adapter_model.safetensors"))
    return config, {n: list(t.shape) for n, t in made.items()}


def known(folder):
    """The folder, or one that transformers knows: WeDLM's class is Qwen2's, or Qwen3's where qk_norm says so."""
    with open(os.path.join(folder, "config.json")) as f:
        config = json.load(f)
    if config.get("model_type") != "wedlm":
        return folder
    config["model_type"] = "qwen3" if config.get("qk_norm") else "qwen2"
    shutil.copytree(folder, folder + "-known")
    with open(os.path.join(folder + "-known", "config.json"), "w") as f:
        json.dump(config, f)
    return folder + "-known"


def judge(folder, adapter, ids):
    """transformers' logits, or None where it refuses."""
    import peft, torch, transformers  # that one of them is missing is no refusal
    try:
        model = transformers.AutoModelForCausalLM.from_pretrained(known(folder), dtype=torch.float32, attn_implementation="eager")
        if adapter:
            model = peft.PeftModel.from_pretrained(model, adapter)
        with torch.no_grad():
            return model.eval()(torch.tensor([ids]), use_cache=False).logits[0].numpy()
    except Exception:
        return None


def ours(program, folder, adapter, ids):
    """redraft's logits, or its refusal; that it broke down is said so."""
    out = folder + ".npy"
    more = ["--adapter", adapter] if adapter else []
    run = subprocess.run([program, "logits", "-q", "-m", folder, *more, "--precision", "f32", "--ids", ",".join(map(str, ids)), "-o", out],
                         capture_output=True)
    said = run.stderr.decode(errors="replace").strip()
    if crashed(run.returncode, said):
        return f"CRASHED with {run.returncode}: {said}"
    return f"refused: {said}" if run.returncode else np.load(out).reshape(len(ids), -1)


def rows(folder):
    """Each row with its model's folder and adapter's folder, made below `folder`."""
    bases = {}
    for number, (base, keys, *modules) in enumerate(EDITS + ADAPTERS):
        name = base.strip("*")
        if name not in bases:
            model, case = families.make(name)
            model.save_pretrained(os.path.join(folder, "base-" + name))
            bases[name] = model, families.ids_of(case["size"])
        model, ids = bases[name]
        path = os.path.join(folder, str(number))
        shutil.copytree(os.path.join(folder, "base-" + name), path)
        row, adapter = {"base": name, "keys": keys if not modules else {}}, None
        if modules:
            adapter = path + "-adapter"
            row["adapter"], row["tensors"] = write_adapter(adapter, keys, tensors_of(model, modules[0]))
        config = os.path.join(path, "config.json")
        with open(config) as f:
            read = json.load(f)
        with open(config, "w") as f:
            json.dump(edited(read, row["keys"]), f)
        yield base.startswith("*"), row, path, adapter, ids


def check(program):
    same = different = broken = 0
    with tempfile.TemporaryDirectory() as folder:
        for _, row, path, adapter, ids in rows(folder):
            expected, found = judge(path, adapter, ids), ours(program, path, adapter, ids)
            if isinstance(found, str):
                word, said = found.replace(path, "").split(": ", 1)
                verdict = f"{word}: {said[-150:]}"
                broken += word != "refused"
            elif expected is None:
                verdict = "opens, transformers does not"
            else:
                error = families.apart(found, expected) if found.shape == expected.shape else float("inf")
                verdict = "same" if error <= LIMIT else f"DIFFERENT by {error:.2g}"
                same, different = same + (error <= LIMIT), different + (not error <= LIMIT)
            print(f"{row['base']:14} {json.dumps(row.get('adapter', row['keys']))[:90]:90} {verdict}", flush=True)
    print(f"{same} the same, {different} different, {broken} crashed")
    return bool(different or broken or not same)


def golden():
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for kept, row, path, adapter, ids in rows(folder):
            if kept:
                last = judge(path, adapter, ids)[-1]
                lines.append(json.dumps({**row, "logits": [float("%.6g" % x) for x in last[::STEP]]}))
    with open(GOLDEN, "w") as f:
        f.write("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    import warnings
    warnings.filterwarnings("ignore")
    if len(sys.argv) == 3 and sys.argv[1] == "check":
        sys.exit(check(sys.argv[2]))
    if len(sys.argv) == 2 and sys.argv[1] == "golden":
        sys.exit(golden())
    sys.exit(__doc__)
