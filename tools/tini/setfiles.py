# SPDX-License-Identifier: MIT
"""The files of an evaluation set: FOLDER/NAME.jsonl.gz, a question a line. `zcat` shows one; `redraft eval` takes what it gives."""

import gzip
import json
import os

END = ".jsonl.gz"


def names(folder):
    return sorted(name[:-len(END)] for name in os.listdir(folder) if name.endswith(END))


def read(folder, name):
    with gzip.open(os.path.join(folder, name + END), "rt", encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def write(folder, name, rows):
    """The same rows give the same bytes."""
    os.makedirs(folder, exist_ok=True)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    with open(os.path.join(folder, name + END), "wb") as f:
        f.write(gzip.compress(text.encode(), 9, mtime=0))


def everything(*folders):
    """The rows of all sets."""
    return (row for folder in folders for name in names(folder) for row in read(folder, name))
