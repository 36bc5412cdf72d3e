#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What an adapter that drafts saves: measure.py PROGRAM MODEL ADAPTER [--prompts FILE] [--ways NAME,..] [--tokens N] [--precision P]
[--threads N] [--base-weight W].

Each prompt (or conversation: its user's turns with a tab between them, see conversations.txt) is answered left to right and in the other ways by one server, way after way, so that load on the machine
meets all alike. A row a way: answers equal to those from left to right, tokens, passes, drafted and accepted words, seconds of the clock, processor
time (the server's own, from /proc), answers with a word twice in a row, and answers without an end before the limit. Greedy, whole answers with their end or --tokens.
"""

import argparse
import json
import os
import subprocess
import sys
import time
import urllib.request

WAYS = {
    "ar": {"sampler": "ar"},
    "verify": {"verify": True},
    "verify-1": {"verify": True, "block_length": 1},
    "verify-2": {"verify": True, "block_length": 2},
    "verify-3": {"verify": True, "block_length": 3},
    "verify-4": {"verify": True, "block_length": 4},
    "verify-8": {"verify": True, "block_length": 8},
    "jacobi": {"sampler": "jacobi"},
    "threshold-8": {"sampler": "threshold", "block_length": 8},
    "threshold-16": {"sampler": "threshold", "block_length": 16},
    "threshold-32": {"sampler": "threshold", "block_length": 32},
    "noiseless": {"sampler": "lad", "no_noise": True},
    "unled": {"sampler": "lad", "no_noise": True, "base_lead": False},
    "noisy": {"sampler": "lad"},
}


def processor_seconds(process):
    with open(f"/proc/{process.pid}/stat", encoding="utf-8") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ask(url, body):
    request = urllib.request.Request(url + "api/denoise", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=600) as answer:
        events = [json.loads(line[6:]) for line in answer.read().decode().split("\n") if line.startswith("data: ")]
    return events[-1]


def asked(url, line, tokens):
    """What a line of the file asks: a prompt, or turns with a tab between them, to all but the last of which the model's own answers from left to right are given."""
    turns, messages = line.split("\t"), []
    for turn in turns[:-1]:
        messages.append({"role": "user", "content": turn})
        text = ask(url, {"messages": messages, "tokens": tokens, "temperature": 0, "seed": 1, **WAYS["ar"]})["text"]
        messages.append({"role": "assistant", "content": text})
    return {"messages": [*messages, {"role": "user", "content": turns[-1]}]} if messages else {"prompt": line}


def repeats(text):
    words = text.split()
    return any(a == b for a, b in zip(words, words[1:]))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("program")
    p.add_argument("model")
    p.add_argument("adapter")
    p.add_argument("--prompts", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "prompts.txt"))
    p.add_argument("--ways", default="ar,verify")
    p.add_argument("--tokens", type=int, default=64)
    p.add_argument("--limit", type=int, default=0)
    p.add_argument("--precision", default="bf16")
    p.add_argument("--threads", default="1")
    p.add_argument("--base-weight", type=float, default=None, help="of ways that refine or fill: how much the parent's reading counts")
    p.add_argument("--iterations", type=int, default=0, help="of ways that refine")
    p.add_argument("--show", type=int, default=0, help="answers of each way to print")
    a = p.parse_args()
    with open(a.prompts, encoding="utf-8") as f:
        prompts = [line.strip() for line in f if line.strip()]
    prompts = prompts[:a.limit or None]
    server = subprocess.Popen([a.program, "serve", "-m", a.model, "--adapter", a.adapter, "--threads", a.threads, "--precision", a.precision, "--port", "0"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        url = next(word for line in server.stdout for word in line.split() if word.startswith("http"))
        ways, sums = a.ways.split(","), {}
        if ways[0] != "ar":
            ways.insert(0, "ar")
        ask(url, {"prompt": "Hello", "tokens": 2, "sampler": "ar"})
        for number, prompt in enumerate(prompts):
            whole, question = None, asked(url, prompt, a.tokens)
            for way in ways:
                began, clock = processor_seconds(server), time.monotonic()
                more = {"base_weight": a.base_weight} if a.base_weight is not None and WAYS[way].get("sampler") in ("lad", "threshold") else {}
                if a.iterations and WAYS[way].get("sampler") == "lad":
                    more["iterations"] = a.iterations
                done = ask(url, {**question, "tokens": a.tokens, "temperature": 0, "seed": 1, **WAYS[way], **more})
                row = sums.setdefault(way, dict(equal=0, tokens=0, passes=0, drafted=0, accepted=0, clock=0.0, seconds=0.0, stutters=0, unfinished=0))
                row["clock"] += time.monotonic() - clock
                row["unfinished"] += len(done["ids"]) < a.tokens and not done["text"].rstrip().endswith((".", "!", "?", ":", '"', "`", ")"))
                whole = whole or done["ids"]
                row["equal"] += done["ids"] == whole
                row["tokens"] += len(done["ids"])
                row["passes"] += done["iterations"]
                row["drafted"] += done.get("drafted", 0)
                row["accepted"] += done.get("accepted", 0)
                row["stutters"] += repeats(done["text"])
                row["seconds"] += processor_seconds(server) - began
                if number < a.show:
                    print(f"[{way}, {done['iterations']} passes] {prompt} -> {done['text']!r}", flush=True)
        for way, row in sums.items():
            print(json.dumps({"way": way, "precision": a.precision, "prompts": len(prompts), **{k: round(v, 2) for k, v in row.items()},
                              "tokens_a_pass": round(row["tokens"] / row["passes"], 3), "processor_ms_a_token": round(1000 * row["seconds"] / row["tokens"], 1)}))
    finally:
        server.terminate()
        server.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
