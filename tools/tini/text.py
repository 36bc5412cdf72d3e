# SPDX-License-Identifier: MIT
"""Reads the shared source files (each checked against its sha256) and cleans running text."""

import csv
import hashlib
import json
import os
import re
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
END = "\n<|endoftext|>\n"


class Sources:
    """The files of sources.tsv under a data folder. Opening one that differs from its sum fails."""

    def __init__(self, root):
        self.root = root
        with open(os.path.join(HERE, "sources.tsv"), encoding="utf-8") as f:
            self.rows = {r["file"]: r for r in csv.DictReader(f, delimiter="\t")}

    def read(self, name):
        path = os.path.join(self.root, name)
        with open(path, "rb") as f:
            raw = f.read()
        found = hashlib.sha256(raw).hexdigest()
        if found != self.rows[name]["sha256"]:
            raise SystemExit(f"{path}: sha256 is {found}, sources.tsv says {self.rows[name]['sha256']}")
        if name.endswith(".zst"):
            raw = subprocess.run(["zstd", "-dcq"], input=raw, stdout=subprocess.PIPE, check=True).stdout
        return raw.decode("utf-8")

    def documents(self, name):
        return [d.strip() for d in (self.read(name) + "\n").split(END) if d.strip()]

    def rows_of(self, name):
        text = self.read(name)
        if ".jsonl" in name:
            return [json.loads(line) for line in text.split("\n") if line]
        return json.loads(text)


ASCII = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-",
                       "\u2014": "-", "\u2026": "...", "\u00a0": " "})


def plain(text):
    return re.sub(r"[ \t]+", " ", text.translate(ASCII)).strip()


def sentences(text):
    """Splits prose at full stops that end a sentence (not at initials and common shortenings)."""
    parts = re.split(r"(?<=[.!?])(?<!\b[A-Z]\.)(?<!\bSt\.)(?<!\bMt\.)(?<!\bDr\.)(?<!\bMr\.)"
                     r"(?<!\bMrs\.)(?<!\bc\.)(?<!\bca\.)(?<!\bvs\.)(?<!\be\.g\.)(?<!\bi\.e\.)"
                     r"\s+(?=[A-Z\"'])", text)
    return [p.strip() for p in parts if p.strip()]


def without_brackets(text):
    """Drops (...) and [...], innermost first, and the spaces and commas they leave odd."""
    last = None
    while last != text:
        last, text = text, re.sub(r"\s*[(\[][^()\[\]]*[)\]]", "", text)
    text = re.sub(r"\s+([,.;:!?])", r"\1", text)
    text = re.sub(r",(\s*,)+", ",", text)
    return re.sub(r"\s+", " ", text).strip()
