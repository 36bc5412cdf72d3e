# SPDX-License-Identifier: MIT
"""Checks of what build.py wrote, and its numbers. Rows that fail are named at the end, twenty at most, and the program ends with 1."""

import json
import os
from collections import Counter, defaultdict

import bpe
import judge
import setfiles
import sums
from evalsets import key

WINDOW = 256
CHATS = ("chat.jsonl", "chat_valid.jsonl", "denoise.jsonl", "denoise_valid.jsonl")


def without_doubt(rows, owner):
    """Test rows whose words are nobody else's, each once."""
    seen, out = set(), []
    for row in rows:
        k = key(row["messages"])
        exact = "\n".join(m["content"] for m in row["messages"]) if "pair" in row or row["id"].startswith("talk") else k
        answers = row["right"].get("equals")
        if k and exact not in seen and (len(row["messages"]) > 1 or owner.get(k) is None or answers and owner[k] in answers):
            seen.add(exact)
            out.append(row)
    return out


def gives_away(row):
    """Does any answer of a row say what a held-out pair of numbers makes?"""
    pairs = (sums.told(m["content"]) for m in row["messages"] if m["role"] == "assistant")
    return any(pair and sums.kept(*pair) for pair in pairs)


def read(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def report(out, eval_folder):
    tok = bpe.Tokenizer.load(os.path.join(out, "tokenizer", "tokenizer.json"))
    for sample in ["What's the capital of France?", "a  b\n\n\tc 1234 x+y=z", "h\u00e9llo \u4e16\u754c \U0001f642", "".join(map(chr, range(32, 0x250)))]:
        assert tok.decode(tok.encode(sample)) == sample, sample
    tests = {name: rows for name in setfiles.names(eval_folder) if "right" in (rows := setfiles.read(eval_folder, name))[0]}
    forbidden = {key(row["messages"]): name for name, rows in tests.items() for row in rows}
    answers, wrong, seen, long = {}, [], set(), 0

    def must(held, message):
        if not held:
            wrong.append(message)

    print(f"{'file':22} {'group':12} {'rows':>8} {'tokens':>10} {'answer':>7} {'longest':>7}")
    for name in CHATS:
        groups = defaultdict(lambda: [0, 0, 0, 0])
        distinct = Counter()
        for row in read(out, name):
            k = key(row["messages"])
            must(k not in forbidden, f"{name}: a test of {forbidden.get(k)} is trained on: {row}")
            distinct[k] += 1
            answer = row["messages"][-1]["content"]
            if name.startswith("chat"):
                for i, m in enumerate(row["messages"]):
                    if m["role"] == "assistant":
                        said = key(row["messages"][:i])
                        must(answers.setdefault(said, m["content"]) == m["content"], f"two answers: {said}: {answers[said]} / {m['content']}")
            must(answers.setdefault(k, answer) == answer, f"two answers: {k}: {answers[k]} / {answer}")
            must(not gives_away(row), f"{name}: a held-out pair is added up: {row}")
            if answer not in seen:
                seen.add(answer)
                must(not judge.doubled(answer), f"{name}: a word twice in a row: {answer}")
            lengths = [tok.count(m["content"]) + 1 for m in row["messages"]]
            total = sum(lengths) + sum(m["role"] == "assistant" for m in row["messages"])
            g = groups[row["group"].split(":")[0]]
            g[0] += 1
            g[1] += total
            g[2] += lengths[-1]
            g[3] = max(g[3], total)
            long += total > WINDOW
        for group, (rows, tokens, last, longest) in sorted(groups.items()):
            print(f"{name:22} {group:12} {rows:8} {tokens:10} {last / rows:7.1f} {longest:7}")
        total = sum(distinct.values())
        print(f"{name:22} {'all':12} {total:8} {sum(g[1] for g in groups.values()):10}   {100 * (1 - len(distinct) / total):.1f}% of the prompts occur more than once")
    tokens = Counter()
    for row in read(out, "text.jsonl"):
        tokens[row["group"]] += tok.count(row["text"]) + 1
    for group, n in sorted(tokens.items()):
        print(f"{'text.jsonl':22} {group:30} {n:10}")
    for name, rows in tests.items():
        longest = max(sum(tok.count(m["content"]) + 2 for m in row["messages"]) for row in rows)
        print(f"{name:22} {len(rows):5} rows in {len({r['group'] for r in rows})} groups, longest prompt {longest} tokens")
    if wrong:
        raise SystemExit("\n".join([*wrong[:20], f"{len(wrong)} rows fail"]))
    print(f"{long} rows are longer than {WINDOW} tokens: the trainer leaves them out")
    print(f"checked: no test among {len(answers)} prompts, none of them has two answers; vocabulary {len(tok.tokens)}")
