#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""hollow.py SHAPE FOLDER: a model of a real shape whose weights are a hole in a sparse file: its size is that of the model, and it
takes no disk. `redraft train --dry-run` and `inspect` say of it what they would say of the model; its words are a test
tokenizer's, and what it writes is nothing. doc/SCALE.md was made with it."""
import json
import os
import shutil
import struct
import sys

# layers, width, heads, keys' heads, feed-forward, words
SHAPES = {"llama3-8b": (32, 4096, 32, 8, 14336, 128256), "llada-8b": (32, 4096, 32, 32, 12288, 126464),
          "llama-1b": (16, 2048, 32, 8, 8192, 128256)}
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/golden/models/llama-mha")

shape, folder = sys.argv[1:]
layers, width, heads, kv, ff, words = SHAPES[shape]
head = width // heads
os.makedirs(folder)
for name in ("tokenizer.json", "tokenizer_config.json"):
    shutil.copy(f"{SOURCE}/{name}", folder)
with open(f"{SOURCE}/config.json") as f:
    config = json.load(f)
config.update(hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads, num_key_value_heads=kv, intermediate_size=ff,
              vocab_size=words, max_position_embeddings=8192, torch_dtype="bfloat16")
with open(f"{folder}/config.json", "w") as f:
    json.dump(config, f)

tensors = [("model.embed_tokens.weight", (words, width)), ("model.norm.weight", (width,)), ("lm_head.weight", (words, width))]
for i in range(layers):
    parts = {"self_attn.q_proj": (heads * head, width), "self_attn.k_proj": (kv * head, width), "self_attn.v_proj": (kv * head, width),
             "self_attn.o_proj": (width, heads * head), "mlp.gate_proj": (ff, width), "mlp.up_proj": (ff, width),
             "mlp.down_proj": (width, ff), "input_layernorm": (width,), "post_attention_layernorm": (width,)}
    tensors += [(f"model.layers.{i}.{name}.weight", size) for name, size in parts.items()]
header, at = {}, 0
for name, size in tensors:
    end = at + 2 * (size[0] if len(size) == 1 else size[0] * size[1])
    header[name] = {"dtype": "BF16", "shape": size, "data_offsets": [at, end]}
    at = end
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open(f"{folder}/model.safetensors", "wb") as f:
    f.write(struct.pack("<Q", len(text)) + text)
    f.truncate(8 + len(text) + at)
