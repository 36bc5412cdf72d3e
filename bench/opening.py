# SPDX-License-Identifier: MIT
"""How long a model takes to open: seconds of `redraft inspect` and `redraft tokenize`, wall clock and processor time,
the best of several runs (the whole program: start, opening, one line printed).

    python3 bench/opening.py build/redraft [LLAMA3_RANKS]

LLAMA3_RANKS is LLaMA 3's tokenizer.model (default: ../shared/data/tokenizers/llama3/tokenizer.model).  From it a
tokenizer.json of 128,000 pieces with its merges is made; where it is not there its two rows are left out, and that is said. The model of
16 GB is LLaDA-8B's shape in bf16, a sparse file (tools/hollow.py)."""

import base64
import json
import os
import resource
import subprocess
import sys
import tempfile
import time


def letters():
    plain = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    table = {b: chr(b) for b in plain}
    for b in range(256):
        table.setdefault(b, chr(256 + len(table) - len(plain)))
    return table


def parts(ranks, token):
    """The two pieces that become `token` last: byte-pair merging with everything that ranks before it."""
    symbols = [token[i:i + 1] for i in range(len(token))]
    while len(symbols) > 2:
        found = [(ranks.get(a + b, len(ranks)), i) for i, (a, b) in enumerate(zip(symbols, symbols[1:]))]
        rank, i = min(found)
        if rank >= ranks[token]:
            return None
        symbols[i:i + 2] = [symbols[i] + symbols[i + 1]]
    return symbols


def tokenizer_json(path, folder):
    with open(path, "rb") as f:
        ranks = {base64.b64decode(w): int(r) for w, r in (line.split() for line in f)}
    table = letters()
    spell = lambda token: "".join(table[b] for b in token)
    merges = []
    for token in sorted(ranks, key=ranks.get):
        pair = parts(ranks, token) if len(token) > 1 else None
        if pair:
            merges.append(spell(pair[0]) + " " + spell(pair[1]))
    special = [{"id": len(ranks) + i, "content": "<|reserved_special_token_%d|>" % i, "single_word": False, "lstrip": False,
                "rstrip": False, "normalized": False, "special": True} for i in range(256)]
    split = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
             r"\s+(?!\S)|\s+")
    out = {"added_tokens": special, "normalizer": None, "post_processor": None,
           "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
               {"type": "Split", "pattern": {"Regex": split}, "behavior": "Isolated", "invert": False},
               {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]},
           "decoder": {"type": "ByteLevel"},
           "model": {"type": "BPE", "ignore_merges": True, "vocab": {spell(t): r for t, r in ranks.items()},
                     "merges": merges}}
    with open(os.path.join(folder, "tokenizer.json"), "w", encoding="utf-8") as f:
        json.dump(out, f, ensure_ascii=False, indent=2)


def measure(what, command, repeats=7):
    walls, works = [], []
    for _ in range(repeats):
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        walls.append(time.perf_counter() - start)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        works.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    print("%-44s wall %6.0f ms, processor %6.0f ms" % (what, 1e3 * min(walls), 1e3 * min(works)))


program = sys.argv[1]
root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
ranks_path = sys.argv[2] if len(sys.argv) > 2 else os.path.join(root, "../shared/data/tokenizers/llama3/tokenizer.model")
if len(sys.argv) > 2 and not os.path.exists(ranks_path):
    sys.exit("%s is not there" % ranks_path)
measure("the program alone (--version)", [program, "--version"])
measure("tini: model and tokenizer", [program, "inspect", os.path.join(root, "models/tini")])
if os.path.exists(ranks_path):
    with tempfile.TemporaryDirectory() as place:
        tokenizer_json(ranks_path, place)
        size = os.path.getsize(os.path.join(place, "tokenizer.json"))
        measure("tokenizer.json, 128,256 tokens, %.1f MB" % (size / 1e6), [program, "tokenize", "-m", place, "Hello"])
    measure("tokenizer.model, 128,000 ranks", [program, "tokenize", "-m", ranks_path, "Hello"])
else:
    print("(not there: %s)" % ranks_path, file=sys.stderr)
with tempfile.TemporaryDirectory() as place:
    model = os.path.join(place, "model")
    subprocess.run([sys.executable, os.path.join(root, "tools/hollow.py"), "llada-8b", model], check=True)
    size = os.path.getsize(os.path.join(model, "model.safetensors"))
    measure("LLaDA-8B's shape, bf16, %.1f GB" % (size / 1e9), [program, "inspect", model])
