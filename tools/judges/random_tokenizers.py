#!/usr/bin/env python3
"""Random tokenizer.json files, and single patterns, beside Hugging Face's tokenizers.

  tools/judges/random_tokenizers.py PROGRAM SEED COUNT   COUNT tokenizers of random parts, 200 texts each; PROGRAM is build/test_tokenizer_judge
  tools/judges/random_tokenizers.py patterns PROGRAM     which of Unicode's characters each pattern matches; PROGRAM is build/redraft

Needs tokenizers (0.23.3). What PROGRAM refuses is listed, not counted; that it breaks down is. Special tokens are words that no model spells: those are never
spelled from plain text here (doc/MODEL.md)."""
import json, os, random, subprocess, sys, tempfile
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers as N, pre_tokenizers as P, trainers
import hf_tokenizers as H
from crashes import crashed

CORPUS = open(os.path.join(H.ROOT, "README.md"), encoding="utf-8").read().split("\n") + H.WORDS * 3 + ["日本語 のテキスト。", "naïve café Straße", "ﬁne ½ Ⅷ"]
BEHAVIOURS = ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]
SPECIAL = ["<mask>", "[X]", "<|im_end|>", "<M>ask"]
ADDED = SPECIAL + ["Hello", "the", " the", "Ünïcode", "é", "12", "\n\n", "A B", "世", "don"]
SPLITS = [Regex(r"\s+"), Regex(r"\p{N}{1,3}"), Regex(r"\w+|[^\w\s]+"), Regex(r" ?[^(\s|[.,!?…。，、।۔،])]+"), Regex(H.QWEN2), " ", Regex(r"[\p{Han}]+"),
          Regex(r"[一-龥぀-ゟ゠-ヿ]+"), Regex(r"(?=\d)"), Regex(r"[^\W\d_]+"), Regex(r"[[:punct:]]"), "e", Regex(r"\p{N}{1,2}+|[a-d]{2}?")]
# what stands in patterns of published tokenizers, and beside it; the judge's tables of Alphabetic are a version newer than PCRE2's
PATTERNS = r"""\w [\w] [^\w] \W [\W] [^\W] [\W\d] [^\W\d] \d [\d] \D [\D] \s [\s] \S [^\S\r\n] [\H] \h [^\d\W_] [a-c\W] [[:punct:]] [[:space:]] [[:upper:]]
[[:digit:]] [[:xdigit:]] [[:cntrl:]] [[:print:]] [[:graph:]] [[:blank:]] [[:word:]] [[:ascii:]] [[:^space:]] \p{Punct} \p{P} \p{S} \p{L} \p{Lu} \p{N} \p{Nd} \p{M}
\p{Z} \p{Zs} \p{C} \p{Cc} \p{Sm} \p{Sc} \p{^L} \P{L} [\P{L}] [^\P{L}] \p{Letter} \p{Lowercase_Letter} \p{Digit} \p{Space} \p{Word} \p{Cntrl} \p{Upper} \p{Print} \p{Graph}
\p{Blank} \p{XDigit} \p{Han} [\p{Han}] [^\p{Han}] \p{Hiragana} \p{Katakana} \p{Hangul} \p{Latin} \p{Greek} \p{Cyrillic} \p{Arabic} \p{Thai} \p{Devanagari} \p{Common}
\p{Any} \p{Emoji} [\p{L}\p{M}&&[^a]] [[a-z]&&[^aeiou]] [\p{L}&&[^\p{Han}]] (?i)ß (?i)ſ (?i)k (?i:[a-z]) (?i)\p{Lu} \u4e00 [\u4e00-\u9fff] \x{4e00} \x41 \N \O \R . (?m:.)
\p{Punctuation} \p{Separator} \p{Mark} \p{Nonspacing_Mark} \p{Decimal_Number} \p{ASCII} \p{Assigned} [^\s\p{L}\p{N}] []a] a{,2}
\p{N}{1,3}+ a{2}? a{2,3}?+ (?:a|\p{Lu}){1,2}+ a{1,2}* \v [\v] \pL [\pL] \Q \E [\K\R] \x61{2}? \k (?i:a)s{1}""".split()


def normalizer(r, depth=0):
    kind = r.choice(["form"] * 4 + ["lower", "strip", "accents", "bert", "nmt", "prepend", "replace", "regex", "many", "many", "none"])
    if kind == "form":
        return getattr(N, r.choice(["NFC", "NFD", "NFKC", "NFKD"]))()
    if kind == "many" and depth < 2:
        return N.Sequence([x for x in (normalizer(r, depth + 1) for _ in range(r.randint(1, 3))) if x])
    return {"lower": N.Lowercase, "accents": N.StripAccents, "nmt": N.Nmt,
            "strip": lambda: N.Strip(left=r.random() < 0.7, right=r.random() < 0.7),
            "bert": lambda: N.BertNormalizer(r.random() < 0.5, r.random() < 0.5, r.choice([None, True, False]), r.random() < 0.5),
            "prepend": lambda: N.Prepend(r.choice(["▁", "x", "Ġ"])),
            "replace": lambda: N.Replace(*r.choice([(" ", "▁"), ("``", '"'), ("\n", " "), ("a", "b")])),
            "regex": lambda: N.Replace(Regex(r.choice([r" {2,}", r"\s+", r"[\r\n]+", r"(?i)the", r"\d", r"[^\S\n]+"])), r.choice([" ", "▁", ""])),
            }.get(kind, lambda: None)()


def pre_tokenizer(r, depth=0):
    kind = r.choice(["bytes", "bytes", "Whitespace", "WhitespaceSplit", "BertPreTokenizer", "punct", "digits", "mark", "mark", "split", "split", "split", "char", "fixed",
                     "many", "many", "none"])
    if kind == "many" and depth < 2:
        return P.Sequence([x for x in (pre_tokenizer(r, depth + 1) for _ in range(r.randint(1, 3))) if x])
    return {"bytes": lambda: P.ByteLevel(add_prefix_space=r.random() < 0.4, use_regex=r.random() < 0.7),
            "punct": lambda: P.Punctuation(r.choice(BEHAVIOURS)), "digits": lambda: P.Digits(individual_digits=r.random() < 0.5),
            "mark": lambda: P.Metaspace(prepend_scheme=r.choice(["always", "first", "never"]), split=r.random() < 0.6),
            "split": lambda: P.Split(r.choice(SPLITS), r.choice(BEHAVIOURS), r.random() < 0.2),
            "char": lambda: P.CharDelimiterSplit(r.choice(["-", " ", "e"])), "fixed": lambda: P.FixedLength(length=r.randint(1, 7)),
            }.get(kind, lambda: getattr(P, kind)() if hasattr(P, kind) else None)()


def model(r):
    kind, unknown = r.choice(["BPE", "BPE", "BPE", "words", "pieces", "unigram", "unigram"]), ["<unk>"]
    if kind == "BPE":
        fallback = r.random() < 0.3
        made = models.BPE(**({"unk_token": "<unk>"} if r.random() < 0.5 else {}), fuse_unk=r.random() < 0.5, byte_fallback=fallback)
        return made, trainers.BpeTrainer(vocab_size=r.choice([120, 400, 700]), show_progress=False, limit_alphabet=r.choice([60, 1000]),
                                         special_tokens=unknown + ["<0x%02X>" % i for i in range(256 if fallback else 0)],
                                         initial_alphabet=P.ByteLevel.alphabet() if r.random() < 0.4 else [])
    if kind == "words":
        return models.WordLevel(unk_token="<unk>"), trainers.WordLevelTrainer(vocab_size=300, show_progress=False, special_tokens=unknown)
    if kind == "pieces":
        return (models.WordPiece(unk_token="<unk>", max_input_chars_per_word=r.choice([100, 8])),
                trainers.WordPieceTrainer(vocab_size=400, show_progress=False, special_tokens=unknown, limit_alphabet=200))
    return models.Unigram(), trainers.UnigramTrainer(vocab_size=300, show_progress=False, special_tokens=unknown, unk_token="<unk>")


def tokenizer(seed):
    r = random.Random(seed)
    made, trainer = model(r)
    t = Tokenizer(made)
    for key, part in (("normalizer", normalizer(r)), ("pre_tokenizer", pre_tokenizer(r))):
        if part:
            setattr(t, key, part)
    t.train_from_iterator(CORPUS, trainer)
    if isinstance(made, models.Unigram) and r.random() < 0.5:
        file = json.loads(t.to_str())
        file["model"]["byte_fallback"] = True
        file["model"]["vocab"] += [["<0x%02X>" % i, -12.0] for i in range(256)] if r.random() < 0.7 else []
        t = Tokenizer.from_str(json.dumps(file))
    for _ in range(r.randint(0, 4)):
        word = r.choice(ADDED)
        token = AddedToken(word, lstrip=r.random() < 0.3, rstrip=r.random() < 0.3, single_word=r.random() < 0.3, normalized=r.random() < 0.5, special=word in SPECIAL)
        (t.add_special_tokens if token.special else t.add_tokens)([token])
    return t


def whole(program, first, count):
    same = different = broken = 0
    for seed in range(first, first + count):
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(folder + "/tok")
            try:
                tokenizer(seed).save(folder + "/tok/tokenizer.json")
                H.write(folder + "/texts.jsonl", Tokenizer.from_file(folder + "/tok/tokenizer.json"), folder + "/tok", 200, seed)
            except BaseException as error:   # the library gives up on some of its own tokenizers
                print(f"{seed}: the judge says {str(error)[:80]}")
                continue
            run = subprocess.run([program, folder], capture_output=True, text=True)
            said = run.stdout + run.stderr
            if crashed(run.returncode, said):
                broken += 1
                print(f"{seed}: CRASHED with {run.returncode}: {said[-300:].strip()}")
                continue
            differ = "differ" in run.stdout and run.returncode != 0
            same, different = same + (run.returncode == 0), different + differ
            if run.returncode:
                print(f"{seed}:", "DIFFERENT" if differ else said.split("ERROR: ")[-1].split("\n")[0])
    print(f"{same} the same, {different} different, {broken} crashed")
    return bool(different or broken or not same)


def patterns(program):
    text = "".join(c for c in H.ASSIGNED if 0 < ord(c) < 0x3400 or ord(c) % 37 == 0)
    same = different = broken = 0
    for pattern in PATTERNS:
        with tempfile.TemporaryDirectory() as folder:
            t = Tokenizer(models.BPE({c: i for i, c in enumerate(sorted(P.ByteLevel.alphabet()))}, []))
            t.pre_tokenizer = P.Sequence([P.Split(Regex(pattern), "removed"), P.ByteLevel(add_prefix_space=False, use_regex=False)])
            t.decoder = decoders.ByteLevel()
            t.save(folder + "/tokenizer.json")
            run = subprocess.run([program, "tokenize", "-q", "-m", folder], input=text.encode(), capture_output=True)
            left = set(t.decode(t.encode(text).ids))
            said = run.stderr.decode(errors="replace")
            if crashed(run.returncode, said):
                broken += 1
                print(f"{pattern}: CRASHED with {run.returncode}: {said[-300:].strip()}")
            elif run.returncode:
                print(pattern, said[-150:].strip())
            elif (found := set(t.decode([int(i) for i in run.stdout.split()]))) != left:
                different += 1
                print(f"{pattern}: {len(left - found)} characters match here alone, {len(found - left)} there alone: {[hex(ord(c)) for c in sorted(left ^ found)][:8]}")
            else:
                same += 1
    print(f"{different} of {len(PATTERNS)} patterns differ, {broken} crashed")
    return bool(different or broken or not same)


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "patterns":
        sys.exit(patterns(sys.argv[2]))
    if len(sys.argv) == 4:
        sys.exit(whole(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
    sys.exit(__doc__)
