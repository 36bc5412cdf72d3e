# SPDX-License-Identifier: MIT
"""Reads the tables beside this file, the longest of which lie compressed (`xzcat` shows them): sections, '|' lists with held-out items, comments."""

import lzma
import os

HERE = os.path.dirname(os.path.abspath(__file__))


def lines(name):
    path = os.path.join(HERE, name)
    with open(path, encoding="utf-8") if os.path.exists(path) else lzma.open(path + ".xz", "rt", encoding="utf-8") as f:
        for line in f:
            line = line.rstrip("\n")
            if line.strip() and not line.startswith("#"):
                yield line


def sections(name):
    """{section: [line]} of a file with [section] lines."""
    out, rows = {}, None
    for line in lines(name):
        if line.startswith("["):
            rows = out.setdefault(line[1:-1], [])
        else:
            rows.append(line)
    return out


def split(text):
    """A '|' list -> (forms of the training, held-out forms)."""
    items = [p.strip() for p in text.replace("\n", "").split("|") if p.strip()]
    return [p for p in items if p[0] != "~"], [p[1:] for p in items if p[0] == "~"]


def words(name):
    """(names of the training, held-out names) of a file of words."""
    items = [w for line in lines(name) for w in line.split()]
    return list(dict.fromkeys(w for w in items if w[0] != "~")), [w[1:] for w in items if w[0] == "~"]
