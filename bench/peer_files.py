#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""GGUF files with random weights for bench/peers.py: the shapes of bench/SPEED.md in BF16, Q8_0, Q4_0 and Q4_K (every matrix).
8b is LLaMA 3's shape in Q4_0 alone (4.5 GB), all layers with the same numbers.

    build/peers/bin/python bench/peer_files.py FOLDER [mid|1b|8b ...]

Needs the packages gguf and numpy beside llama-cpp-python, whose quantiser makes the smaller files. What is there stays.
"""
import ctypes
import os
import sys

import gguf
import llama_cpp
import numpy

WORDS = 32000
# width, layers, heads, heads of keys, width of the feed-forward part
SHAPES = {"mid": (1024, 16, 16, 16, 2816), "1b": (2048, 22, 32, 4, 5632), "8b": (4096, 32, 32, 8, 14336)}
TYPES = {"Q8_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0, "Q4_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_0, "Q4_K": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_K_S}


def add_words(writer):
    """A vocabulary that both sides open: bytes, and words that nothing becomes."""
    words = ["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256)] + [f"\u2581w{i}" for i in range(WORDS - 259)]
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL] + [gguf.TokenType.BYTE] * 256
    writer.add_tokenizer_model("llama")
    writer.add_token_list(words)
    writer.add_token_scores([0.0] * 259 + [-float(i) for i in range(WORDS - 259)])
    writer.add_token_types(kinds + [gguf.TokenType.NORMAL] * (WORDS - 259))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)


def write(path, shape, kind=gguf.GGMLQuantizationType.BF16):
    """In BF16 every matrix has numbers of its own; else those of one shape are one."""
    width, layers, heads, kv_heads, ff = shape
    kv = width // heads * kv_heads
    draw = numpy.random.default_rng(1)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(2048)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(ff)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(WORDS)
    add_words(writer)

    made = {}

    def matrix(name, rows, columns):
        packed = made.get((rows, columns))
        if packed is None:
            packed = gguf.quants.quantize(draw.standard_normal((rows, columns), dtype=numpy.float32) * 0.02, kind)
        if kind != gguf.GGMLQuantizationType.BF16:
            made[rows, columns] = packed
        writer.add_tensor(name, packed, raw_dtype=kind)
    matrix("token_embd.weight", WORDS, width)
    matrix("output.weight", WORDS, width)
    writer.add_tensor("output_norm.weight", numpy.ones(width, numpy.float32))
    for i in range(layers):
        b = f"blk.{i}."
        writer.add_tensor(b + "attn_norm.weight", numpy.ones(width, numpy.float32))
        writer.add_tensor(b + "ffn_norm.weight", numpy.ones(width, numpy.float32))
        for name, rows, columns in [("attn_q", width, width), ("attn_k", kv, width), ("attn_v", kv, width), ("attn_output", width, width),
                                    ("ffn_gate", ff, width), ("ffn_up", ff, width), ("ffn_down", width, ff)]:
            matrix(f"{b}{name}.weight", rows, columns)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    folder, names = sys.argv[1], sys.argv[2:] or list(SHAPES)
    os.makedirs(folder, exist_ok=True)
    for name in names:
        if name == "8b":
            path = os.path.join(folder, "8b-Q4_0.gguf")
            if not os.path.exists(path):
                write(path + ".part", SHAPES[name], gguf.GGMLQuantizationType.Q4_0)
                os.rename(path + ".part", path)
            print(path)
            continue
        whole = os.path.join(folder, f"{name}-BF16.gguf")
        if not os.path.exists(whole):
            write(whole + ".part", SHAPES[name])
            os.rename(whole + ".part", whole)
        for kind, number in TYPES.items():
            path = os.path.join(folder, f"{name}-{kind}.gguf")
            params = llama_cpp.llama_model_quantize_default_params()
            params.ftype, params.pure, params.allow_requantize = number, True, True
            if not os.path.exists(path) and llama_cpp.llama_model_quantize(whole.encode(), path.encode(), ctypes.byref(params)):
                raise SystemExit(f"{path}: not made")
            print(path)


if __name__ == "__main__":
    main()
