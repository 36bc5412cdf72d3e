# SPDX-License-Identifier: MIT
"""Builds tini's tokenizer from the shared sources: build.py --data ../shared/data --tokenizer DIR."""

import argparse

import text
import vocab

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--tokenizer", required=True, help="folder to write tokenizer.json into")
    args = parser.parse_args()
    vocab.write(text.Sources(args.data), args.tokenizer)
