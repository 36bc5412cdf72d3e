#!/usr/bin/env python3
"""Rows of src/text/tok_patterns.c beside the pre-tokenizers of the families' own tokenizer.json.

  tools/judges/pre_tokenizers.py PROGRAM COUNT FOLDER   for each name a GGUF with the vocabulary of FOLDER (vocab.json, merges.txt), its texts
                                                       encoded by Hugging Face's tokenizers with that family's parts; PROGRAM is build/test_tokenizer_judge

Needs tokenizers and gguf. Where the parts were read: (a) the family's tokenizer.json, in published packages (DeepSeek V3, gpt-4o, gpt-oss,
Llama 3, Qwen 3) or as a public census of the Hub's tokenizers quotes it; (b) the class that transformers 5.24 builds for it;
(c) transformers' table of GGUF names, whose text is that of (a) for the families that it was compared with."""
import os, subprocess, sys, tempfile
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers as pre
import hf_tokenizers as judge

LEVEL = {"add_prefix_space": False, "use_regex": False}
CL100K = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+"
         r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
TEKKEN = O200K.replace("(?i:'s|'t|'re|'ve|'m|'ll|'d)?", "").replace("{1,3}", "")
QWEN35 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
KIMI = (r"[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?"
        r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
BAILING = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
SEED = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\r\n]+|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"
MINICPM = CL100K.replace(r"\p{N}{1,3}", r"\p{N}+")
SIGNS = "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+"
DEEPSEEK3 = SIGNS + "[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"
SPARK = SIGNS + "|[\r\n]|\\s+(?!\\S)|\\s+"
CASED = ("A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293\u0295-\u02af\u0370-\u0373\u0376\u0377\u037b-\u037d\u037f\u0386"
         "\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03f5\u03f7-\u0481\u048a-\u052f\u0531-\u0556\u10a0-\u10c5\u13a0-\u13f5\u13f8-\u13fd\u1c90-\u1cba"
         "\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77\u1d79-\u1d9a\u1e00-\u1f15\u1f18-\u1f1d\u1f20-\u1f45\u1f48-\u1f4d\u1f50-\u1f57\u1f59\u1f5b\u1f5d"
         "\u1f5f-\u1f7d\u1f80-\u1fb4\u1fb6-\u1fbc\u1fbe\u1fc2-\u1fc4\u1fc6-\u1fcc\u1fd0-\u1fd3\u1fd6-\u1fdb\u1fe0-\u1fec\u1ff2-\u1ff4\u1ff6-\u1ffc"
         "\u2102\u2107\u210a-\u2113\u2115\u2119-\u211d\u2124\u2126\u2128\u212a-\u212d\u212f-\u2134\u2139\u213c-\u213f\u2145-\u2149\u214e\u2183\u2184"
         "\u2c00-\u2c7b\u2c7e-\u2ce4\u2ceb-\u2cee\u2cf2\u2cf3\ua640-\ua66d\ua680-\ua69b\ua722-\ua76f\ua771-\ua787\ua78b-\ua78e\uab70-\uabbf\ufb00-"
         "\ufb06\ufb13-\ufb17\uff21-\uff3a\uff41-\uff5a\U00010400-\U0001044f\U000104b0-\U000104d3\U000104d8-\U000104fb\U00010c80-\U00010cb2\U00010cc0-"
         "\U00010cf2\U000118a0-\U000118df\U0001e900-\U0001e943")


def split(*patterns):
    return [pre.Split(Regex(p), "isolated") for p in patterns]


digits = lambda: pre.Digits(individual_digits=True)
gpt2 = lambda: pre.ByteLevel(add_prefix_space=False, use_regex=True)
CJK, CJK_OLD = "[一-龥\u3040-\u309f\u30a0-\u30ff]+", "[一-龥ࠀ-一가-\ud7ff]+"
# name: (normaliser, parts before ByteLevel without its pattern, or all of them where ByteLevel is among them, whole words, where from)
NAMES = {
    "gpt-2": (None, [gpt2()], False, "a: gpt2"),
    "phi-2": (None, [gpt2()], False, "b: CodeGenTokenizer"),
    "roberta-bpe": (None, [gpt2()], False, "b: RobertaTokenizer"),
    "mpt": (normalizers.NFC(), [gpt2()], False, "b: GPTNeoXTokenizer"),
    "olmo": (normalizers.NFC(), [gpt2()], False, "b: GPTNeoXTokenizer"),
    "llama-bpe": (None, split(CL100K), True, "a: Llama 3"),
    "dbrx": (None, split(CL100K), False, "c"),
    "glm4": (None, split(CL100K), True, "a: GLM 5"),
    "qwen2": (normalizers.NFC(), split(CL100K.replace("{1,3}", "")), False, "a: Qwen 2.5, Qwen 3"),
    "qwen35": (normalizers.NFC(), split(QWEN35), False, "a: Qwen 3.5"),
    "smollm": (None, [digits(), gpt2()], False, "a: SmolLM2"),
    "command-r": (normalizers.NFC(), [digits(), gpt2()], False, "b: CohereTokenizer"),
    "deepseek-llm": (None, split("[\r\n]", f"\\s?[{CASED}]+", "\\s?[!-/:-~！-／：-～‘-‟\u3000-。]+", "\\s+$", CJK_OLD) + [digits()], False, "a: DeepSeek-Coder-V2-Lite"),
    "deepseek-coder": (None, split("[\r\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", CJK_OLD) + [digits()], False, "a: deepseek-coder-6.7b"),
    "deepseek-v3": (None, split("\\p{N}{1,3}", CJK, DEEPSEEK3), False, "a: DeepSeek V3"),
    "spark2_5": (None, split("\\p{N}{1,3}", CJK, SPARK) + [digits()], False, "a: Spark-X2.5"),
    "falcon": (None, [pre.Punctuation("contiguous"), gpt2(), pre.Digits(individual_digits=False)] + split("[0-9][0-9][0-9]"), False, "a: falcon-7b"),
    "tekken": (None, split(TEKKEN), True, "a: Nemotron 3"),
    "gpt-4o": (None, split(O200K), False, "a: gpt-4o, gpt-oss"),
    "tiny_aya": (None, split(r"\d{1,3}(?=(?:\d{3})*\b)", O200K), False, "a: Cohere 2"),
    "kimi-k2": (None, split(KIMI), False, "a: Kimi K3"),
    "llada-moe": (None, split(BAILING), False, "a: LLaDA-8B, Ling 3"),
    "seed-coder": (None, split(SEED), False, "a: a Seed-Coder"),
    "minicpm5": (None, split("\\p{N}{1,3}", MINICPM), True, "a: MiniCPM5"),
    "bloom": (None, split(" ?[^(\\s|[.,!?…。，、।۔،])]+"), False, "a: bloom-560m"),
}


def write_gguf(path, name, vocab, merges):
    import gguf
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(name)
    writer.add_token_list([token for token, _ in sorted(vocab.items(), key=lambda row: row[1])])
    writer.add_token_types([1] * len(vocab))
    writer.add_token_merges([" ".join(m) for m in merges])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def main(program, count, folder):
    import json
    vocab = json.load(open(os.path.join(folder, "vocab.json"), encoding="utf-8"))
    merges = [tuple(line.rstrip("\n").split(" ")) for line in open(os.path.join(folder, "merges.txt"), encoding="utf-8") if line.strip() and not line.startswith("#version")]
    bad = 0
    for name, (normaliser, parts, whole, source) in NAMES.items():
        print(f"{name} ({source})", flush=True)
        with tempfile.TemporaryDirectory() as place:
            path = os.path.join(place, "v.gguf")
            write_gguf(path, name, vocab, merges)
            t = Tokenizer(models.BPE(vocab, merges, ignore_merges=whole))
            level = any(isinstance(part, pre.ByteLevel) for part in parts)
            t.pre_tokenizer = pre.Sequence(parts if level else parts + [pre.ByteLevel(**LEVEL)])
            if normaliser:
                t.normalizer = normaliser
            os.mkdir(os.path.join(place, "texts"))
            judge.write(os.path.join(place, "texts", "random.jsonl"), t, path, count, name)
            bad |= subprocess.run([program, os.path.join(place, "texts")]).returncode
    return bad


if __name__ == "__main__":
    if len(sys.argv) != 4:
        print(__doc__)
        sys.exit(2)
    sys.exit(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
