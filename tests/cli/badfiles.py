# SPDX-License-Identifier: MIT
"""Damages copies of the golden models in every way that a file can lie, and runs the program on them.

A row is (what, how the copy is damaged, a text that the message must hold).  Each is opened by `logits` and by
`convert`: status 1, one line on standard error, nothing on standard output, no file made."""

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

PROGRAM, GOLDEN = os.path.abspath(sys.argv[1]), "tests/golden/"
failed = 0


def read(path):
    with open(path, "rb") as f:
        return f.read()


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)


def header(folder, change=None, raw=None):
    """Change the header of model.safetensors; `raw` replaces the length that the file claims."""
    path = os.path.join(folder, "model.safetensors")
    data = read(path)
    size = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8:8 + size])
    if change:
        change(head)
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    write(path, struct.pack("<Q", raw if raw is not None else len(text)) + text + data[8 + size:])


def names(head):
    return sorted((n for n in head if n != "__metadata__"), key=lambda n: head[n]["data_offsets"])


def overlap(head):
    first, second = names(head)[:2]
    size = head[second]["data_offsets"][1] - head[second]["data_offsets"][0]
    start = head[first]["data_offsets"][0]
    head[second]["data_offsets"] = [start, start + size]


def beyond(head):
    last = names(head)[-1]
    begin, end = head[last]["data_offsets"]
    head[last]["shape"], head[last]["data_offsets"] = [1 << 40], [begin, begin + (1 << 42)]


def misalign(head):
    name = names(head)[0]
    begin, end = head[name]["data_offsets"]
    head[name]["data_offsets"] = [begin + 1, end + 1]


def reshape(head):
    head["model.layers.0.mlp.up_proj.weight"]["shape"] = [32, 64]


def huge(head):
    head["model.norm.weight"]["shape"] = [1 << 60, 1 << 60]


def integers(head):
    head["model.norm.weight"]["dtype"] = "I32"


def unheard(head):
    head["lm_head.weight"]["dtype"] = "F7"


def rename(head):
    head["elsewhere"] = head.pop("model.layers.1.mlp.down_proj.weight")


def number(tensor, element, bits):
    """Overwrite one f32 element."""
    def change(folder):
        path = os.path.join(folder, "model.safetensors")
        data = bytearray(read(path))
        size = struct.unpack("<Q", data[:8])[0]
        at = 8 + size + json.loads(data[8:8 + size])[tensor]["data_offsets"][0] + 4 * element
        data[at:at + 4] = struct.pack("<I", bits)
        write(path, data)
    return change


def cut(name, keep):
    def change(folder):
        path = os.path.join(folder, name)
        write(path, read(path)[:keep])
    return change


def remove(name):
    return lambda folder: os.remove(os.path.join(folder, name))


def config(**keys):
    def change(folder):
        path = os.path.join(folder, "config.json")
        facts = json.loads(read(path))
        facts.update(keys)
        write(path, json.dumps({k: v for k, v in facts.items() if v is not None}).encode())
    return change


def put(name, data):
    return lambda folder: write(os.path.join(folder, name), data)


MHA = "models/llama-mha"
ROWS = [
    ("half a file", MHA, cut("model.safetensors", 20000), "ends at"),
    ("no header", MHA, cut("model.safetensors", 5), "model.safetensors"),
    ("an empty file", MHA, cut("model.safetensors", 0), "model.safetensors"),
    ("a header of 2^60 bytes", MHA, lambda f: header(f, raw=1 << 60), "1152921504606846976"),
    ("overlapping tensors", MHA, lambda f: header(f, overlap), "overlap"),
    ("a tensor beyond the end", MHA, lambda f: header(f, beyond), "ends at"),
    ("a tensor out of step", MHA, lambda f: header(f, misalign), "model.embed_tokens.weight overlap"),
    ("2^120 elements", MHA, lambda f: header(f, huge), "model.norm.weight"),
    ("another shape", MHA, lambda f: header(f, reshape), "expected shape (64, 32), found (32, 64)"),
    ("a missing tensor", MHA, lambda f: header(f, rename), "model.layers.1.mlp.down_proj.weight is missing"),
    ("a norm of integers", MHA, lambda f: header(f, integers), "tensor model.norm.weight: type I32 is not read as weights; read are F32"),
    ("a type of no file", MHA, lambda f: header(f, unheard), "tensor lm_head.weight: type F7 is not read as weights"),
    ("a missing shard", "models/llama-sharded", remove("model-00002-of-00002.safetensors"),
     "model-00002-of-00002.safetensors: the shard is missing"),
    ("no weights", MHA, remove("model.safetensors"), "model.safetensors"),
    ("NaN in a norm", MHA, number("model.norm.weight", 5, 0x7FC00000), "tensor model.norm.weight: element 5 is NaN"),
    ("no config.json", MHA, remove("config.json"), "config.json: no such file"),
    ("config.json cut off", MHA, cut("config.json", 100), "not valid JSON"),
    ("an unknown family", MHA, config(model_type="mamba"),
     'type "mamba"; the known families are llama, '),
    ("no heads", MHA, config(num_attention_heads=0), "num_attention_heads"),
    ("more layers than there are", MHA, config(num_hidden_layers=3), "model.layers.2."),
    ("2^60 layers", MHA, config(num_hidden_layers=1 << 60), "num_hidden_layers"),
    ("an embedding of another vocabulary", MHA, config(vocab_size=289), "expected shape (289, 32), found (288, 32)"),
    ("EOS outside the vocabulary", MHA, config(eos_token_id=288), "eos_token_id"),
    ("tokenizer.json cut off", MHA, cut("tokenizer.json", 300), "tokenizer"),
    ("a tokenizer of a kind unknown", MHA, put("tokenizer.json", b'{"model":{"type":"Unigram"}}'), "Unigram"),
]
GGUF = [
    ("half a GGUF", lambda d: d[:len(d) // 2], "the data has"),
    ("a GGUF of no version", lambda d: d[:4] + b"\x09\0\0\0" + d[8:], "version"),
    ("2^60 tensors in a GGUF", lambda d: d[:8] + struct.pack("<Q", 1 << 60) + d[16:], ""),
    ("2^60 keys in a GGUF", lambda d: d[:16] + struct.pack("<Q", 1 << 60) + d[24:], ""),
    ("no GGUF", lambda d: b"GGML" + d[4:], ""),
]
ADAPTERS = [
    ("an adapter of another family", "models/qwen3", "adapters/llada-seven", None, "made for another model"),
    ("an adapter of another width", "models/llama-gqa-tied", "adapters/llama-mha-qv", None, "expected shape"),
    ("an adapter without its settings", MHA, "adapters/llama-mha-qv", remove("adapter_config.json"), "adapter_config.json"),
    ("an adapter cut off", MHA, "adapters/llama-mha-qv", cut("adapter_model.safetensors", 900), "adapter_model.safetensors"),
    ("an adapter of another rank", MHA, "adapters/llama-mha-qv", put("adapter_config.json", b'{"r":8,"target_modules":["q_proj"]}'),
     "expected shape (8, 32), found (4, 32)"),
]


def refuses(what, text, command, made):
    global failed
    run = subprocess.run([PROGRAM] + command, capture_output=True, text=True, errors="replace")
    lines = run.stderr.splitlines()
    problem = None
    if run.returncode != 1:
        problem = "status %d" % run.returncode
    elif len(lines) != 1 or text not in lines[0] or not lines[0].startswith("redraft "):
        problem = 'expected one line with "%s"' % text
    elif run.stdout or os.path.exists(made):
        problem = "something was written"
    if problem:
        failed += 1
        print("FAILED %s (%s): %s; it says: %s" % (what, command[0], problem, run.stderr))


with tempfile.TemporaryDirectory() as place:
    out, npy = os.path.join(place, "out"), os.path.join(place, "x.npy")

    def both(what, text, model, adapter=None):
        extra = ["--adapter", adapter] if adapter else []
        refuses(what, text, ["logits", "-m", model, "--ids", "1,2", "-o", npy, "--threads", "1"] + extra, npy)
        refuses(what, text, ["convert", "-m", model, "-o", out] + extra + (["--merge"] if adapter else []), out)

    for i, (what, model, damage, text) in enumerate(ROWS):
        copy = os.path.join(place, "model%d" % i)
        shutil.copytree(GOLDEN + model, copy)
        damage(copy)
        both(what, text, copy)
    for i, (what, damage, text) in enumerate(GGUF):
        copy = os.path.join(place, "model%d.gguf" % i)
        write(copy, damage(read(GOLDEN + "gguf/llama-gqa-tied.gguf")))
        both(what, text, copy)
    for i, (what, model, adapter, damage, text) in enumerate(ADAPTERS):
        copy = os.path.join(place, "adapter%d" % i)
        shutil.copytree(GOLDEN + adapter, copy)
        if damage:
            damage(copy)
        both(what, text, GOLDEN + model, copy)
    # infinity in a matrix that is used in place: opening does not read it, but what it leads to is traced to it
    copy = os.path.join(place, "infinite")
    shutil.copytree(GOLDEN + MHA, copy)
    number("model.layers.0.mlp.up_proj.weight", 9, 0x7F800000)(copy)
    for command in (["inspect", copy, "--check"], ["logits", "-m", copy, "--ids", "1,2", "-o", npy],
                    ["generate", "-m", copy, "--sampler", "lad", "--seed", "1", "--window", "32", "--iterations", "2", "ab"],
                    ["generate", "-m", copy, "--sampler", "ar", "--seed", "1", "--tokens", "2", "ab"]):
        refuses("infinity in a matrix", "tensor model.layers.0.mlp.up_proj.weight: element 9 is NaN or infinite",
                command, npy)

sys.exit(failed > 0)
