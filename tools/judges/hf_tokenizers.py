#!/usr/bin/env python3
"""Texts encoded by Hugging Face's tokenizers, beside redraft's.

  tools/judges/hf_tokenizers.py golden                       write tests/golden/tokenizers.zip: small tokenizers of many kinds, and the ids of some texts
  tools/judges/hf_tokenizers.py check PROGRAM COUNT PATH..   compare COUNT random texts for each tokenizer (a folder with tokenizer.json, with vocab.json and
                                                          merges.txt, or with tiktoken ranks; or a GGUF file); PROGRAM is build/test_tokenizer_judge

  tools/judges/hf_tokenizers.py sentencepiece PROGRAM COUNT MODEL..   the same for tokenizer.model files, compared with SentencePiece itself

Needs tokenizers (0.23.3 wrote the committed files), gguf for GGUF files, and sentencepiece (with protobuf) for `golden` and its own models. Texts are of code points that this Python's Unicode tables know."""
import json, os, random, subprocess, sys, tempfile, unicodedata
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GOLDEN = os.path.join(ROOT, "tests", "golden", "tokenizers")
sys.path.insert(0, os.path.dirname(GOLDEN))
from formats import pack  # noqa: E402

ASSIGNED = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]
OLD = [c for c in ASSIGNED if unicodedata.ucd_3_2_0.category(c) not in ("Cn", "Cs", "Co")]   # what the committed texts of "accents" are drawn from
SPACES = [" ", " ", " ", "  ", "\n", "\n\n", "\t", "\r\n", "\u00a0", "\u2009", "\u3000", "\u0085", "\u2028", "\u200b", "\u180e", "\x1c"]
WORDS = ["the", "The", "don't", "I'LL", "we'Ve", "hello", "World", "2024", "12345", "3.14", "...", "!?", "caf\u00e9", "cafe\u0301", "\u00c5\u0327", "na\u00efve", "\u0130stanbul",
         "\u4f60\u597d\u4e16\u754c", "\u3053\u3093\u306b\u3061\u306f", "\ud55c\uad6d\uc5b4", "\u041f\u0440\u0438\u0432\u0435\u0442", "\u0645\u0631\u062d\u0628\u0627", "\u0928\u092e\u0938\u094d\u0924\u0947",
         "\U0001f600", "\U0001f636\u200d\U0001f32b\ufe0f", "\U0001f1eb\U0001f1f7", "\u00bd", "\u2167", "\u24b6", "\ufb01", "_", "<", ">", "|", "#include", "a_b", "\u0e44\u0e17\u0e22", "\u1e9e"]


def text(rng, tokens, points):
    """A random text: words, scripts, spaces, single characters, and tokens of the vocabulary written out."""
    parts = []
    for _ in range(rng.randint(1, 14)):
        kind = rng.random()
        if kind < 0.35:
            parts.append(rng.choice(WORDS))
        elif kind < 0.65:
            parts.append(rng.choice(SPACES) * rng.choice([1, 1, 1, 2, 3]))
        elif kind < 0.75 and tokens:
            parts.append(rng.choice(tokens))
        elif kind < 0.85:
            parts.append("".join(chr(rng.randint(32, 126)) for _ in range(rng.randint(1, 6))))
        else:
            parts.append("".join(rng.choice(points) for _ in range(rng.randint(1, 4))))
    return "".join(parts)


def rows(tokenizer, count, seed, decode):
    rng = random.Random(seed)
    tokens = [t.content for t in tokenizer.get_added_tokens_decoder().values()]
    settings = tokenizer.to_str()
    points = OLD if seed == "accents" else ASSIGNED
    whole = [t.content for t in tokenizer.get_added_tokens_decoder().values() if t.special] if json.loads(settings)["model"]["type"] != "BPE" else []
    for _ in range(count):
        s = text(rng, tokens, points)
        tokenizer.encode_special_tokens = False
        special = tokenizer.encode(s, add_special_tokens=False).ids
        tokenizer.encode_special_tokens = True
        row = {"text": s, "ids": special}
        if not any(t in s for t in whole):   # models of words take special tokens for pieces like others; ours never make them of plain text
            row["plain"] = tokenizer.encode(s, add_special_tokens=False).ids
        if decode:
            row["decoded"] = tokenizer.decode(special, skip_special_tokens=False)
        yield row


def write(path, tokenizer, where, count, seed, decode=False):
    with open(path, "w", encoding="utf-8") as f:
        f.write(json.dumps({"tokenizer": where}) + "\n")
        for row in rows(tokenizer, count, seed, decode):
            f.write(json.dumps(row, ensure_ascii=True) + "\n")


def gpt2_split(pattern):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def of_ranks(path):
    """tiktoken ranks (LLaMA 3's): every way to cut a token in two that are tokens is a merge."""
    import base64
    letters = {b: chr(c) for b, c in zip(list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256)), list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256)))}
    for b in range(256):
        letters.setdefault(b, chr(256 + len([c for c in letters.values() if ord(c) >= 256])))
    ranks = {base64.b64decode(a): int(b) for a, b in (line.split() for line in open(path) if line.strip())}
    word = lambda token: "".join(letters[b] for b in token)
    merges = []
    for token, rank in ranks.items():
        cuts = [(token[:i], token[i:]) for i in range(1, len(token)) if token[:i] in ranks and token[i:] in ranks]
        merges += [(rank, word(a), word(b)) for a, b in sorted(cuts, key=lambda c: (ranks[c[0]], ranks[c[1]]))]
    merges.sort(key=lambda m: m[0])
    t = Tokenizer(models.BPE({word(token): rank for token, rank in ranks.items()}, [m[1:] for m in merges], ignore_merges=True))
    t.pre_tokenizer = gpt2_split(QWEN2.replace(r"|\p{N}|", r"|\p{N}{1,3}|"))
    return t


def of_pieces(tokens, scores, kinds):
    """SentencePiece BPE as transformers converts it: every way to cut a piece in two that are pieces is a merge, the best score first."""
    from tokenizers import AddedToken
    vocab, merges = {s: i for i, s in enumerate(tokens)}, []
    for piece, score in zip(tokens, scores):
        cuts = [(piece[:i], piece[i:]) for i in range(1, len(piece)) if piece[:i] in vocab and piece[i:] in vocab]
        merges += [(score, a, b) for a, b in sorted(cuts, key=lambda c: (vocab[c[0]], vocab[c[1]]))]
    merges.sort(key=lambda m: (m[0], len(m[1]), len(m[2])), reverse=True)
    t = Tokenizer(models.BPE(vocab, [m[1:] for m in merges], unk_token=tokens[kinds.index(2)], fuse_unk=True, byte_fallback=True))
    t.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    t.add_special_tokens([AddedToken(s, normalized=False, special=True) for s, k in zip(tokens, kinds) if k in (2, 3)])
    t.add_tokens([AddedToken(s, normalized=False) for s, k in zip(tokens, kinds) if k == 4])
    return t


def of_gguf(path):
    """A byte-level tokenizer of a GGUF file, for the names that are built from tokenizers' own parts."""
    import gguf
    fields = gguf.GGUFReader(path).fields
    texts = lambda key: [bytes(fields[key].parts[i]).decode("utf-8") for i in fields[key].data]
    tokens, kinds = texts("tokenizer.ggml.tokens"), [int(fields["tokenizer.ggml.token_type"].parts[i][0]) for i in fields["tokenizer.ggml.token_type"].data]
    if bytes(fields["tokenizer.ggml.model"].parts[-1]) == b"llama":
        scores = [float(fields["tokenizer.ggml.scores"].parts[i][0]) for i in fields["tokenizer.ggml.scores"].data]
        return of_pieces(tokens, scores, kinds)
    pre = bytes(fields["tokenizer.ggml.pre"].parts[-1]).decode() if "tokenizer.ggml.pre" in fields else "default"
    t = Tokenizer(models.BPE({s: i for i, s in enumerate(tokens)}, [tuple(m.split(" ", 1)) for m in texts("tokenizer.ggml.merges")]))
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    digits = ("smollm", "starcoder", "refact", "command-r")
    t.pre_tokenizer = (pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), level]) if pre in digits else
                       gpt2_split(QWEN2) if pre == "qwen2" else level)
    if pre == "qwen2":
        t.normalizer = normalizers.NFC()
    from tokenizers import AddedToken
    t.add_special_tokens([AddedToken(s, normalized=False, special=True) for s, k in zip(tokens, kinds) if k == 3])
    t.add_tokens([AddedToken(s, normalized=False) for s, k in zip(tokens, kinds) if k == 4])
    return t


def opened(path):
    from tokenizers import AddedToken
    if path.endswith(".gguf"):
        return of_gguf(path)
    if os.path.exists(os.path.join(path, "tokenizer.json")):
        return Tokenizer.from_file(os.path.join(path, "tokenizer.json"))
    if not os.path.exists(os.path.join(path, "vocab.json")):
        return of_ranks(os.path.join(path, "tokenizer.model"))
    vocab = json.load(open(os.path.join(path, "vocab.json"), encoding="utf-8"))
    merges = [tuple(line.rstrip("\n").split(" ")) for line in open(os.path.join(path, "merges.txt"), encoding="utf-8") if line.strip() and not line.startswith("#version")]
    t = Tokenizer(models.BPE(vocab, merges))
    config = os.path.join(path, "tokenizer_config.json")
    config = json.load(open(config, encoding="utf-8")) if os.path.exists(config) else {}
    if config.get("tokenizer_class", "").startswith("Qwen2"):
        t.normalizer, t.pre_tokenizer = normalizers.NFC(), gpt2_split(QWEN2)
    else:
        t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    for _, token in sorted(config.get("added_tokens_decoder", {}).items(), key=lambda row: int(row[0])):
        flags = {k: v for k, v in token.items() if k in ("single_word", "lstrip", "rstrip", "normalized")}
        (t.add_special_tokens if token.get("special") else t.add_tokens)([AddedToken(token["content"], special=token.get("special", False), **flags)])
    return t


# Small tokenizers, a kind each: (normaliser, pre-tokenizer, flags of added tokens). The vocabulary is of single characters and some merges.
KINDS = {
    "lowercase": ({"type": "Lowercase"}, {"type": "WhitespaceSplit"}, {}),
    "strip": ({"type": "Strip", "strip_left": True, "strip_right": True}, None, {}),
    "strip-left": ({"type": "Strip", "strip_left": True, "strip_right": False}, {"type": "Whitespace"}, {}),
    "accents": ({"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}, {"type": "Sequence", "normalizers": [{"type": "Lowercase"}]}]}, {"type": "BertPreTokenizer"}, {}),
    "nfkc": ({"type": "NFKC"}, {"type": "Punctuation", "behavior": "Isolated"}, {"normalized": True}),
    "punctuation-removed": (None, {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Sequence", "pretokenizers": [{"type": "Punctuation", "behavior": "Removed"}]}]}, {}),
    "punctuation-next": (None, {"type": "Punctuation", "behavior": "MergedWithNext"}, {}),
    "replace": ({"type": "Sequence", "normalizers": [{"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": " "}, {"type": "Replace", "pattern": {"String": "a"}, "content": "e"}]},
                {"type": "Digits", "individual_digits": True}, {"normalized": True}),
    "delimiter": (None, {"type": "CharDelimiterSplit", "delimiter": "e"}, {}),
    "metaspace-first": (None, {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": True}, {}),
    "metaspace-always": (None, {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}, {"normalized": True}),
    "metaspace-whole": (None, {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "never", "split": False}, {}),
    "prepend": ({"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"}, {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]}, None, {"normalized": True}),
    "split-words": (None, {"type": "Split", "pattern": {"Regex": "\\w+|\\s+"}, "behavior": "Isolated", "invert": False}, {}),
    "added-lstrip": (None, {"type": "WhitespaceSplit"}, {"lstrip": True}),
    "added-rstrip": (None, None, {"rstrip": True}),
    "added-words": ({"type": "NFC"}, None, {"single_word": True, "lstrip": True, "rstrip": True}),
    "added-words-later": ({"type": "NFC"}, None, {"single_word": True, "normalized": True}),
}


def small(normaliser, splitter, flags):
    letters = sorted(set("".join(WORDS) + "".join(SPACES) + "".join(chr(c) for c in range(32, 127)) + "\u2581eE"))
    vocab = {"[UNK]": 0}
    for c in letters:
        vocab.setdefault(c, len(vocab))
    merges = []
    for pair in ("th", "the", "he", "el", "lo", "12", "..", "\u2581t", " t", "  ", "do", "ca", "caf", "e\u0301", "\u4f60\u597d"):
        left, right = pair[:-1], pair[-1]
        if left in vocab and right in vocab:
            vocab.setdefault(pair, len(vocab))
            merges.append([left, right])
    added = [{"id": 0, "content": "[UNK]", "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}]
    for content, special in (("<s>", True), ("<mask>", False), ("he", False), ("caf\u00e9", False), ("<|end|>", True), ("<|end|>|", False)):
        at = vocab.get(content, len(vocab) + len([a for a in added if a["content"] not in vocab]))
        added.append({"id": at, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": special, **flags})
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": normaliser, "pre_tokenizer": splitter, "post_processor": None,
            "decoder": None, "model": {"type": "BPE", "dropout": None, "unk_token": "[UNK]", "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": False,
                                       "byte_fallback": False, "vocab": vocab, "merges": merges}}


# Small tokenizers of other models: (model, normaliser, pre-tokenizer, decoder, flags of added tokens).
METASPACE = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}
BERT = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}
OTHERS = {
    "wordpiece-uncased": ("WordPiece", BERT, {"type": "BertPreTokenizer"}, {"type": "WordPiece", "prefix": "##", "cleanup": True}, {}),
    "wordpiece-cased": ("WordPiece", {**BERT, "lowercase": False}, {"type": "BertPreTokenizer"}, {"type": "WordPiece", "prefix": "##", "cleanup": False}, {"normalized": True}),
    "wordpiece-accents": ("WordPiece", {**BERT, "clean_text": False, "handle_chinese_chars": False, "strip_accents": True, "lowercase": False}, {"type": "WhitespaceSplit"}, None, {}),
    "wordlevel": ("WordLevel", {"type": "Lowercase"}, {"type": "Whitespace"}, None, {}),
    "unigram-charsmap": ("Unigram", {"type": "Precompiled"}, METASPACE, METASPACE, {}),
    "unigram-words": ("Unigram", {"type": "Sequence", "normalizers": [{"type": "Nmt"}, {"type": "NFKC"}, {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]},
                      {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, METASPACE]}, METASPACE, {}),
    "unigram-bytes": ("Unigram", None, {**METASPACE, "prepend_scheme": "never", "split": False}, {"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]}, {}),
    "bytes-intersections": ("Bytes", None, {"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": "\\p{Han}+|[\\p{L}\\p{M}&&[^\\p{Han}]]+|[^\\s[\\p{L}\\p{M}]&&[^\\d]]+"}, "behavior": "Isolated", "invert": False},
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]}, None, {}),
    "bytes-nested": ("Bytes", None, {"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": " ?[^(\\s|[.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c])]+|\\b\\w"}, "behavior": "Isolated", "invert": False},
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]}, None, {}),
    "bytes-then-digits": ("Bytes", None, {"type": "Sequence", "pretokenizers": [
        {"type": "Punctuation", "behavior": "Contiguous"}, {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        {"type": "Digits", "individual_digits": False}, {"type": "Split", "pattern": {"Regex": "[0-9][0-9][0-9]"}, "behavior": "Isolated", "invert": False}]}, None, {}),
    "fixed-length": ("BPE", None, {"type": "FixedLength", "length": 3}, None, {}),
}
# Whose texts are compared too. Behind an added token Metaspace's decoder keeps the space that encoding put there, ours drops it.
DECODED = ("wordpiece-uncased", "wordpiece-cased", "wordpiece-accents", "wordlevel", "unigram-bytes")
# What the small charsmap replaces: several sequences of one beginning, marks, spaces, nothing.
RULES = "41\t61\nE9\t65\n65 301\t65\nFB01\t66 69\nA0\t20\n3000\t20\nFF21\t41\n1F600\t3A 29\n130\t69\nAD\t\n74 68 65\t54\n68\t48\n"


def trained(**options):
    """A SentencePiece model of a few words, with RULES for its normalisation."""
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2
    words = ["hello world this is a test of the thing", "the caf\u00e9 at 12 don't", "test the world again and again"]
    with tempfile.TemporaryDirectory() as folder:
        rules, prefix = os.path.join(folder, "rules.tsv"), os.path.join(folder, "m")
        with open(rules, "w", encoding="utf-8") as f:
            f.write(RULES)
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(words * 50), model_prefix=prefix, normalization_rule_tsv=rules, minloglevel=2,
                                                 hard_vocab_limit=False, **{"vocab_size": 80, **options})
        model = sentencepiece_model_pb2.ModelProto()
        with open(prefix + ".model", "rb") as f:
            model.ParseFromString(f.read())
    model.trainer_spec.model_prefix, model.normalizer_spec.normalization_rule_tsv = "", ""
    return model


def with_charsmap(normaliser):
    import base64
    if normaliser != {"type": "Precompiled"}:
        return normaliser
    return {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(trained().normalizer_spec.precompiled_charsmap).decode()}


def model_of(kind):
    """A vocabulary of letters and beginnings, inner parts and whole words, in the form of each model."""
    rng = random.Random(kind)
    if kind == "Bytes":
        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
        level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        text_of = lambda s: level.pre_tokenize_str(s)[0][0]
        vocab, merges = {c: i for i, c in enumerate(alphabet)}, []
        for word in WORDS + [" the", " 12", "1 2", "12 ", "\u00bd2", "2\u00bd", "\u4f60a", "a\u4f60", "\ud55c1", "!a", ".5", "  ", " !", "e\u0301 "]:
            letters = text_of(word)
            for i in range(1, len(letters)):
                if letters[:i + 1] not in vocab:
                    vocab[letters[:i + 1]] = len(vocab)
                    merges.append([letters[:i], letters[i]])
        return {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
                "vocab": vocab, "merges": merges}
    letters = sorted(set("".join(WORDS).lower() + "".join(WORDS) + "".join(chr(c) for c in range(33, 127))))
    parts = ["the", "th", "hello", "wor", "ld", "ing", "2024", "12", "...", "caf\u00e9", "\u4f60\u597d", "don't", "in", "nt", "\u041f\u0440\u0438", "fi"]
    if kind == "WordPiece":
        words = ["[UNK]"] + letters + parts + ["##" + w for w in letters + parts if rng.random() < 0.8]
        return {"type": kind, "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 20, "vocab": {w: i for i, w in enumerate(dict.fromkeys(words))}}
    if kind == "WordLevel":
        words = ["[UNK]"] + letters + parts + [w.lower() for w in WORDS]
        return {"type": kind, "unk_token": "[UNK]", "vocab": {w: i for i, w in enumerate(dict.fromkeys(words))}}
    pieces = [w for w in dict.fromkeys(letters + parts + ["\u2581"] + ["\u2581" + w for w in letters + parts]) if rng.random() < 0.9 or w == "\u2581"]
    vocab = [["[UNK]", 0.0]] + [[w, -3 * len(w) - rng.randint(0, 80000) / 10000] for w in pieces] + [["<0x%02X>" % b, -20.0] for b in range(256)]
    return {"type": kind, "unk_id": 0, "vocab": vocab, "byte_fallback": False}


def other(name, kind, normaliser, splitter, decoder, flags):
    made = small(with_charsmap(normaliser), splitter, flags)
    made["decoder"] = decoder
    if kind == "BPE":
        return made
    made["model"] = model_of(kind)
    if name == "unigram-bytes":
        made["model"]["byte_fallback"] = True
    vocab = made["model"]["vocab"]
    ids = vocab if isinstance(vocab, dict) else {w: i for i, (w, _) in enumerate(vocab)}
    more = len(ids)
    if kind == "Bytes":   # tokens that begin words would hide how those are cut
        made["added_tokens"] = [token for token in made["added_tokens"] if token["content"] not in ("he", "caf\u00e9", "[UNK]")]
    for token in made["added_tokens"]:
        token["id"] = ids.get(token["content"], more)
        more += token["content"] not in ids
    return made


def save(name, made, decode):
    folder = os.path.join(GOLDEN, name)
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "tokenizer.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(made, f, ensure_ascii=True)
        f.write("\n")
    write(os.path.join(GOLDEN, name + ".jsonl"), Tokenizer.from_file(path), "./" + name, 60, name, decode)


def golden():
    for name, kind in KINDS.items():
        save(name, small(*kind), False)
    for name, kind in OTHERS.items():
        save(name, other(name, *kind), name in DECODED)
    for name, options in (("sentencepiece-unigram", {}), ("sentencepiece-bytes", {"byte_fallback": True, "vocab_size": 340, "remove_extra_whitespaces": False})):
        folder = os.path.join(GOLDEN, name)
        os.makedirs(folder, exist_ok=True)
        model = os.path.join(folder, "tokenizer.model")
        with open(model, "wb") as f:
            f.write(trained(**options).SerializeToString())
        write_sentencepiece(os.path.join(GOLDEN, name + ".jsonl"), model, "./" + name, 60, name)
    for name, where in (("tini", "models/tini"), ("llama-mha", "tests/golden/models/llama-mha")):
        write(os.path.join(GOLDEN, name + ".jsonl"), opened(os.path.join(ROOT, where)), where, 200, name)
    pack(GOLDEN)


def check(program, count, paths):
    bad = 0
    for path in paths:
        with tempfile.TemporaryDirectory() as folder:
            write(os.path.join(folder, "random.jsonl"), opened(path), os.path.abspath(path), count, path, os.path.basename(path) in DECODED)
            bad |= subprocess.run([program, folder]).returncode
    return bad


def write_sentencepiece(path, model, where, count, seed):
    import sentencepiece
    processor, rng = sentencepiece.SentencePieceProcessor(model_file=model), random.Random(seed)
    with open(path, "w", encoding="utf-8") as f:
        f.write(json.dumps({"tokenizer": where}) + "\n")
        for _ in range(count):
            s = text(rng, [], ASSIGNED).replace("\u2581", "_").replace("<s>", "s")   # SentencePiece takes the first for a space; with us the second may be a token
            f.write(json.dumps({"text": s, "ids": processor.encode(s), "plain": processor.encode(s)}) + "\n")


def check_sentencepiece(program, count, paths):
    bad = 0
    for path in paths:
        with tempfile.TemporaryDirectory() as folder:
            write_sentencepiece(os.path.join(folder, "random.jsonl"), path, os.path.abspath(path), count, path)
            bad |= subprocess.run([program, folder]).returncode
    return bad


if __name__ == "__main__":
    if sys.argv[1:] == ["golden"]:
        golden()
    elif sys.argv[1:2] == ["check"] and len(sys.argv) > 4:
        sys.exit(check(sys.argv[2], int(sys.argv[3]), sys.argv[4:]))
    elif sys.argv[1:2] == ["sentencepiece"] and len(sys.argv) > 4:
        sys.exit(check_sentencepiece(sys.argv[2], int(sys.argv[3]), sys.argv[4:]))
    else:
        print(__doc__)
        sys.exit(2)
