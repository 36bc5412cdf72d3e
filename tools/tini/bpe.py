# SPDX-License-Identifier: MIT
"""Byte-level BPE in plain Python: training from word counts, encoding, and the Hugging Face files.

Training keeps a count per pair, the set of words each pair occurs in, and a heap with stale entries,
so a merge touches only the words that hold the pair (Sennrich et al. 2016, made incremental).
"""

import heapq
import json
import re
from collections import Counter, defaultdict

EOS, USER, ASSISTANT, SYSTEM, MASK = SPECIALS = [
    "<|endoftext|>", "<|user|>", "<|assistant|>", "<|system|>", "<|mask|>"]

# GPT-2's pattern, but one digit at a time: sums and years then share ten symbols. PATTERN is what
# the tokenizer file says; WORDS says the same to Python's re, which has no \p{L}.
PATTERN = (r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
WORDS = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?[^\W\d_]+| ?\d| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")
SPLIT_SPECIALS = re.compile("(" + "|".join(map(re.escape, SPECIALS)) + ")")


def byte_letters():
    """GPT-2's table: a printable letter for each of the 256 bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in plain]
    return {**{b: chr(b) for b in plain}, **{b: chr(256 + i) for i, b in enumerate(rest)}}


LETTERS = byte_letters()
BYTES = {c: b for b, c in LETTERS.items()}


def spell(word):
    return [LETTERS[b] for b in word.encode("utf-8")]


def train(counts, merges_wanted):
    """Merges, best first, from {word: count}. Ties go to the pair that sorts first."""
    words, freqs = [], []
    for word, n in sorted(counts.items()):
        letters = spell(word)
        if n > 1 and len(letters) > 1:
            words.append(letters)
            freqs.append(n)
    pairs, where = Counter(), defaultdict(set)
    for i, letters in enumerate(words):
        for pair in zip(letters, letters[1:]):
            pairs[pair] += freqs[i]
            where[pair].add(i)
    heap = [(-n, pair) for pair, n in pairs.items()]
    heapq.heapify(heap)
    merges = []
    while len(merges) < merges_wanted:
        n, pair = heapq.heappop(heap)
        if pairs[pair] != -n:
            continue
        merges.append(pair)
        touched = set()
        for i in where.pop(pair):
            old, new, k = words[i], [], 0
            while k < len(old):
                if k + 1 < len(old) and old[k] == pair[0] and old[k + 1] == pair[1]:
                    new.append(old[k] + old[k + 1])
                    k += 2
                else:
                    new.append(old[k])
                    k += 1
            for p in zip(old, old[1:]):
                pairs[p] -= freqs[i]
                touched.add(p)
            for p in zip(new, new[1:]):
                pairs[p] += freqs[i]
                where[p].add(i)
                touched.add(p)
            words[i] = new
        for p in touched:
            if pairs[p] > 0:
                heapq.heappush(heap, (-pairs[p], p))
    return merges


class Tokenizer:
    """Encodes with a list of merges; ids: the special tokens, 256 bytes, then the merges in order."""

    def __init__(self, merges):
        self.merges = [tuple(m) for m in merges]
        self.ranks = {m: i for i, m in enumerate(self.merges)}
        tokens = SPECIALS + [LETTERS[b] for b in range(256)] + [a + b for a, b in self.merges]
        self.ids = {t: i for i, t in enumerate(tokens)}
        self.tokens = tokens
        self.cache = {}

    @classmethod
    def load(cls, path):
        with open(path, encoding="utf-8") as f:
            return cls(m.split(" ") for m in json.load(f)["model"]["merges"])

    def word(self, word):
        if word not in self.cache:
            parts = spell(word)
            while len(parts) > 1:
                best = min(zip(parts, parts[1:]), key=lambda p: self.ranks.get(p, len(self.ranks)))
                if best not in self.ranks:
                    break
                k = 0
                while k + 1 < len(parts):
                    if (parts[k], parts[k + 1]) == best:
                        parts[k:k + 2] = [parts[k] + parts[k + 1]]
                    k += 1
            self.cache[word] = [self.ids[p] for p in parts]
        return self.cache[word]

    def encode(self, text):
        out = []
        for part in SPLIT_SPECIALS.split(text):
            if part in SPECIALS:
                out.append(self.ids[part])
            else:
                for w in WORDS.findall(part):
                    out += self.word(w)
        return out

    def count(self, text):
        return len(self.encode(text))

    def decode(self, ids):
        out = bytearray()
        for i in ids:
            t = self.tokens[i]
            out += t.encode() if i < len(SPECIALS) else bytes(BYTES[c] for c in t)
        return out.decode("utf-8")


def tokenizer_json(merges):
    tok = Tokenizer(merges)
    added = [{"id": i, "content": t, "single_word": False, "lstrip": False, "rstrip": False,
              "normalized": False, "special": True} for i, t in enumerate(SPECIALS)]
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Isolated", "invert": False},
            {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
             "use_regex": False}]},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True,
                    "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None,
                  "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": False,
                  "byte_fallback": False, "ignore_merges": False, "vocab": tok.ids,
                  "merges": [" ".join(m) for m in tok.merges]}}


CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}")


def tokenizer_config():
    return {
        "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 256,
        "add_bos_token": False, "bos_token": None, "eos_token": EOS, "pad_token": EOS,
        "mask_token": MASK, "unk_token": None, "clean_up_tokenization_spaces": False,
        "added_tokens_decoder": {str(i): {
            "content": t, "lstrip": False, "normalized": False, "rstrip": False,
            "single_word": False, "special": True} for i, t in enumerate(SPECIALS)},
        "chat_template": CHAT_TEMPLATE}
