#!/usr/bin/env python3
"""Adapters as peft makes and applies them, over tiny random models of transformers', beside redraft's logits.

  tools/judges/adapters.py golden                 write tests/golden/peft: models, adapters, cases.json for tests/model/test_peft.c
  tools/judges/adapters.py check PROGRAM [SEED]   the same with other random numbers in a temporary folder, by `PROGRAM logits`

Needs torch, transformers and peft (2.15, 5.24 and 0.21 wrote the committed files)."""
import json, os, shutil, subprocess, sys, tempfile
import numpy, torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GOLDEN = os.path.join(ROOT, "tests", "golden", "peft")
SIZES = dict(vocab_size=64, hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
             max_position_embeddings=64, bos_token_id=1, eos_token_id=2, pad_token_id=0)
IDS = [3, 17, 42, 5, 63, 9]
ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def models():
    yield "llama", LlamaForCausalLM(LlamaConfig(**SIZES, tie_word_embeddings=False))
    yield "tied", LlamaForCausalLM(LlamaConfig(**SIZES, tie_word_embeddings=True))
    yield "qwen3", Qwen3ForCausalLM(Qwen3Config(**SIZES, head_dim=8, tie_word_embeddings=False))


# name, model, LoraConfig's arguments, what is done to the folder afterwards
CASES = [
    ("plain", "llama", dict(target_modules=ALL), None),
    ("rslora", "llama", dict(target_modules=["q_proj", "v_proj"], use_rslora=True), None),
    ("gaussian", "llama", dict(target_modules=["q_proj"], init_lora_weights="gaussian"), None),
    ("dora", "llama", dict(target_modules=ALL, use_dora=True), None),
    ("dora-rslora", "qwen3", dict(target_modules=["q_proj", "k_proj", "down_proj"], use_dora=True, use_rslora=True), None),
    ("dora-ranks", "tied", dict(target_modules=["q_proj", "up_proj"], use_dora=True, rank_pattern={"up_proj": 5}, alpha_pattern={"q_proj": 3}), None),
    ("dora-head", "llama", dict(target_modules=["lm_head", "o_proj"], use_dora=True), None),
    ("head", "llama", dict(target_modules=["lm_head", "q_proj"]), None),
    ("embedding", "llama", dict(target_modules=["embed_tokens", "q_proj"]), None),
    ("tied-head", "tied", dict(target_modules=["lm_head", "q_proj"]), None),
    ("tied-embedding", "tied", dict(target_modules=["embed_tokens", "v_proj"]), None),
    ("tied-both", "tied", dict(target_modules=["embed_tokens", "lm_head"]), None),
    ("saved", "llama", dict(target_modules=["q_proj"], modules_to_save=["lm_head", "embed_tokens"]), None),
    ("saved-norms", "qwen3", dict(target_modules=["q_proj"], modules_to_save=["norm", "q_norm", "input_layernorm"]), None),
    ("saved-linear", "llama", dict(target_modules=["q_proj"], modules_to_save=["down_proj"]), None),
    ("saved-tied-head", "tied", dict(target_modules=["q_proj"], modules_to_save=["lm_head"]), None),
    ("saved-tied-embedding", "tied", dict(target_modules=["q_proj"], modules_to_save=["embed_tokens"]), None),
    ("pissa", "llama", dict(target_modules=ALL, init_lora_weights="pissa"), None),
    ("pissa-rslora", "tied", dict(target_modules=["q_proj", "down_proj"], init_lora_weights="pissa", use_rslora=True), None),
    ("olora", "llama", dict(target_modules=ALL, init_lora_weights="olora"), None),
    ("default-names", "llama", dict(target_modules=["q_proj"], modules_to_save=["norm"], use_dora=True), "default"),
    ("no-prefix", "llama", dict(target_modules=["q_proj", "lm_head"]), "bare"),
    ("inner", "llama", dict(target_modules=["q_proj", "v_proj"]), "inner"),
    ("older-file", "llama", dict(target_modules=["q_proj", "v_proj"]), "bin"),
    ("lad", "llama", dict(target_modules=["q_proj", "v_proj"]), "lad"),
    ("grown", "llama", dict(target_modules=["q_proj"], modules_to_save=["lm_head", "embed_tokens"]), "grown"),
    ("grown-tied", "tied", dict(target_modules=["q_proj", "lm_head"]), "grown"),
    ("tokens-tied", "tied", dict(target_modules=["q_proj"], trainable_token_indices=[3, 63]), None),
    ("tokens-apart", "tied", dict(target_modules=["q_proj"], trainable_token_indices={"embed_tokens": [42, 3], "lm_head": [5, 63]}), None),
]
# the same, compared by `check` alone
MORE = [
    ("tokens", "llama", dict(target_modules=ALL, trainable_token_indices=[3, 63]), None),
    ("tokens-head", "tied", dict(target_modules=["q_proj"], trainable_token_indices={"lm_head": [5, 63]}), None),
    ("tokens-same", "tied", dict(target_modules=["q_proj"], trainable_token_indices={"model.embed_tokens": [3], "lm_head": [3]}), None),
    ("tokens-under-head", "tied", dict(target_modules=["q_proj", "lm_head"], trainable_token_indices=[3, 9]), None),
    ("tokens-grown", "tied", dict(target_modules=["q_proj"], trainable_token_indices=[64, 65]), "grown"),
    ("tokens-grown-same", "tied", dict(target_modules=["q_proj"], trainable_token_indices={"embed_tokens": [65], "lm_head": [65]}), "grown"),
    ("tokens-grown-untied", "llama", dict(target_modules=["q_proj"], trainable_token_indices=[64, 65]), "grown"),
    ("tying-embedding", "tied", dict(target_modules=["q_proj", "embed_tokens"], ensure_weight_tying=True), None),
    ("tying-head", "tied", dict(target_modules=["q_proj", "lm_head"], ensure_weight_tying=True), None),
    ("tying-saved", "tied", dict(target_modules=["q_proj"], modules_to_save=["embed_tokens"], ensure_weight_tying=True), None),
    ("tying-tokens", "tied", dict(target_modules=["q_proj"], trainable_token_indices=[3], ensure_weight_tying=True), None),
    ("tying-nothing", "llama", dict(target_modules=["q_proj", "embed_tokens"], ensure_weight_tying=True), None),
    ("pissa-head", "llama", dict(target_modules=["lm_head", "q_proj"], init_lora_weights="pissa"), None),
    ("olora-dora-head", "llama", dict(target_modules=["lm_head"], init_lora_weights="olora", use_dora=True), None),
    ("patterns", "llama", dict(target_modules=ALL, rank_pattern={"^model.layers.0.*q_proj": 5, "down_proj": 2}, alpha_pattern={"layers.1.*": 1}), None),
    ("dora-embedding", "llama", dict(target_modules=["embed_tokens", "q_proj"], use_dora=True), None),
    ("dora-tied-embedding", "tied", dict(target_modules=["embed_tokens"], use_dora=True, use_rslora=True), None),
    ("lora-bias", "llama", dict(target_modules=["q_proj", "lm_head", "down_proj"], lora_bias=True), None),
    ("lora-bias-rslora", "qwen3", dict(target_modules=ALL, lora_bias=True, use_rslora=True), None),
]


def randomise(model, generator):
    """Numbers as after training: nothing is zero, one or as it began."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.empty_like(p).normal_(generator=generator)
            if "magnitude" in name:
                p.mul_(1 + 0.2 * noise)
            elif "lora_" in name:
                p.add_(0.15 * noise)
            elif "modules_to_save" in name:
                p.add_(0.1 * noise)
            elif "lora" not in name and p.requires_grad:
                p.add_(0.1 * noise)


def rename(folder, how, model):
    path = os.path.join(folder, "adapter_model.safetensors")
    tensors = load_file(path)
    if how == "default":
        new = {k.replace("lora_A.weight", "lora_A.default.weight").replace("lora_B.weight", "lora_B.default.weight")
                .replace("lora_magnitude_vector", "lora_magnitude_vector.default").replace("norm.weight", "norm.modules_to_save.default.weight"): v
               for k, v in tensors.items()}
    elif how == "bare":
        new = {k.removeprefix("base_model.model."): v for k, v in tensors.items()}
    elif how == "inner":
        new = {k.replace("base_model.model.model.", "base_model.model."): v for k, v in tensors.items()}
    else:
        new = tensors
    if how == "bin":
        os.remove(path)
        torch.save(new, os.path.join(folder, "adapter_model.bin"))
        return
    if how == "lad":  # generic's trainer: every parameter with "norm" in its name, in a file of its own
        torch.save({k: v.detach().clone() for k, v in model.named_parameters() if "norm" in k.lower()}, os.path.join(folder, "normalization_state.pt"))
    save_file(new, path)


def base_model(path, how):
    """As it is stored, or with rows for words that were added: a mask, say."""
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
    if how == "grown":
        model.resize_token_embeddings(SIZES["vocab_size"] + 3)
    return model


def make(folder, seed, cases):
    """Yield (name, model, logits), with models and adapters written into the folder."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    for name, model in models():
        with torch.no_grad():
            for p in model.parameters():
                p.copy_(torch.empty_like(p).normal_(generator=generator) * (0.15 if p.dim() == 2 else 0.1) + (p.dim() == 1))
        model.save_pretrained(os.path.join(folder, name))
        os.remove(os.path.join(folder, name, "generation_config.json"))
    for name, base, arguments, how in cases:
        path, adapter = os.path.join(folder, base), os.path.join(folder, name + "-adapter")
        config = LoraConfig(**{"r": 3, "lora_alpha": 7, **arguments})
        model = get_peft_model(base_model(path, how), config)
        if how == "lad":
            for key, p in model.named_parameters():
                p.requires_grad = p.requires_grad or "norm" in key
        randomise(model, generator)
        model.save_pretrained(adapter)
        again = PeftModel.from_pretrained(base_model(path, how), adapter)
        if how == "lad":
            again.load_state_dict({k: v for k, v in model.state_dict().items() if "norm" in k}, strict=False)
        again.eval()
        with torch.no_grad():
            logits = again(torch.tensor([IDS])).logits[0].double().numpy()
        if how:
            rename(adapter, how, model)
        readme = os.path.join(adapter, "README.md")
        if os.path.exists(readme):
            os.remove(readme)
        trim(os.path.join(adapter, "adapter_config.json"), base)
        yield name, base, logits


def trim(path, base):
    """What says where it was made, and what is null, stays out of the committed files."""
    config = json.load(open(path))
    config["base_model_name_or_path"] = base
    for key in [k for k, v in config.items() if v is None or v == {} or k in ("peft_version", "auto_mapping")]:
        del config[key]
    if isinstance(config.get("target_modules"), list):
        config["target_modules"].sort()
    json.dump(config, open(path, "w"), indent=1, sort_keys=True)


def golden():
    shutil.rmtree(GOLDEN, ignore_errors=True)
    os.makedirs(GOLDEN)
    rows = []
    for name, base, logits in make(GOLDEN, 14, CASES):
        rows.append({"model": base, "adapter": name + "-adapter", "ids": IDS, "logits": [[round(float(x), 5) for x in row] for row in logits[-2:]]})
    with open(os.path.join(GOLDEN, "cases.json"), "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(r, separators=(",", ":")) for r in rows) + "\n]\n")


def check(program, seed):
    worst, failed = 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        for name, base, logits in make(folder, seed, CASES + MORE):
            out = os.path.join(folder, "out.npy")
            run = subprocess.run([program, "logits", "-m", os.path.join(folder, base), "--adapter", os.path.join(folder, name + "-adapter"), "--precision", "f32",
                                  "--attention", "causal", "--ids", ",".join(map(str, IDS)), "-o", out], capture_output=True, text=True)
            if run.returncode:
                failed += 1
                print(f"{name}: {run.stderr.strip()}")
                continue
            d = float(numpy.linalg.norm(numpy.load(out) - logits) / numpy.linalg.norm(logits))
            worst = max(worst, d)
            if not d < 1e-4:
                failed += 1
                print(f"{name}: relative difference {d:.2g}")
    print(f"{len(CASES + MORE)} adapters, {failed} wrong; largest relative difference {worst:.2g}")
    return failed > 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["golden"]:
        golden()
    elif sys.argv[1:2] == ["check"]:
        sys.exit(check(sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 1))
    else:
        sys.exit(__doc__)
