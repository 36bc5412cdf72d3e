#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Rows of tools/tini/build.py to ids, for a machine that has a GPU and no tokenizer: pack.py DATA OUT.npz

Of every file: ids (one after the other), where each row begins, and where each row's last answer begins. `spoken` is one bit an
id: it belongs to an answer or closes it. Rows are laid out as the template in tokenizer_config.json does.
"""

import json
import lzma
import os
import sys

import numpy
from tokenizers import Tokenizer

FILES = ("chat", "chat_valid", "text", "denoise", "denoise_valid")
MARKS = {"user": 1, "assistant": 2, "system": 3}
EOS, MASK = 0, 4


def turns(row):
    return [(m["role"], m["content"]) for m in row["messages"]] if "messages" in row else [(None, row["text"])]


def pack(path, tokenizer):
    rows, texts = [], []
    with open(path, encoding="utf-8") as f:
        for line in f:
            row = json.loads(line)
            rows.append((turns(row), row.get("group", "text")))
            texts += [text for _, text in rows[-1][0]]
    codes = iter(tokenizer.encode_batch_fast(texts, add_special_tokens=False))
    ids, spoken, begins, answers, groups, names = [], [], [], [], [], {}
    for said, group in rows:
        begins.append(len(ids))
        answer = 0
        for role, _ in said:
            code = next(codes).ids
            if role:
                ids.append(MARKS[role])
                spoken.append(False)
            answer = len(ids) - begins[-1]
            ids += code
            spoken += [role != "user" and role != "system"] * len(code)
            if role in ("assistant", None):
                ids.append(EOS)
                spoken.append(True)
        answers.append(answer)
        groups.append(names.setdefault(group.split(":")[0], len(names)))
    begins.append(len(ids))
    return {"ids": numpy.array(ids, numpy.uint16), "spoken": numpy.packbits(numpy.array(spoken)), "begins": numpy.array(begins, numpy.uint32),
            "answers": numpy.array(answers, numpy.uint16), "groups": numpy.array(groups, numpy.uint8)}, list(names)


def main():
    data, out = sys.argv[1:]
    tokenizer = Tokenizer.from_file(os.path.join(data, "tokenizer", "tokenizer.json"))
    arrays, names = {}, {}
    for name in [name for name in FILES if os.path.exists(os.path.join(data, name + ".jsonl"))]:
        packed, names[name] = pack(os.path.join(data, name + ".jsonl"), tokenizer)
        arrays.update({f"{name}.{key}": value for key, value in packed.items()})
        print(name, len(packed["ids"]), "ids", flush=True)
    header = {"names": names, "arrays": [[key, str(value.dtype), len(value)] for key, value in arrays.items()]}
    with lzma.open(out, "wb", preset=1) as f:
        f.write(json.dumps(header).encode() + b"\n")
        for value in arrays.values():
            f.write(value.tobytes())
    print(os.path.getsize(out), "bytes")


if __name__ == "__main__":
    main()
