# SPDX-License-Identifier: MIT
"""Reads the shared source files (each checked against its sha256) and makes their marks plain."""

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
        try:
            with open(path, "rb") as f:
                raw = f.read()
        except OSError as fault:
            raise SystemExit(f"{path}: {fault.strerror}; sources.tsv names its public source, --data the folder")
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
