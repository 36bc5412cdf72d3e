#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""redraft beside llama.cpp on the same GGUF files: prefill and decoding from left to right.

The sides take turns in this invocation, with the same threads, and the best of all rounds counts, on the wall and in
processor time (with one thread and other programs about, the latter is the fairer one: it holds no waiting). Prefill is one
pass of --prompt tokens and the logits of the last one, on both sides. Decoding is one token
after another behind 8, of which the fastest counts. Ratios above 1: redraft is faster. `make bench-peers` builds llama.cpp from the source package of
llama-cpp-python, for this processor, into build/peers.

    build/peers/bin/python bench/peers.py [--redraft build/redraft] [--threads 2] [--rounds 3] FILE.gguf...
"""
import argparse
import json
import os
import subprocess
import time

import llama_cpp

KNOWN = 8  # tokens that stand before the decoded ones


def arguments():
    a = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    a.add_argument("--redraft", default="build/redraft")
    a.add_argument("--threads", type=int, default=os.cpu_count())
    a.add_argument("--rounds", type=int, default=3)
    a.add_argument("--prompt", type=int, default=512, help="tokens of prefill")
    a.add_argument("--tokens", type=int, default=48, help="tokens decoded in a round")
    a.add_argument("--precision", default="auto", help="of redraft")
    a.add_argument("files", nargs="+")
    return a.parse_args()


def timed(work):
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def best(rounds):
    return tuple(min(r[i] for r in rounds) for i in range(2))


class Peer:
    """llama.cpp, opened and warmed up once for a file."""

    def __init__(self, path, args):
        self.args = args
        self.model = llama_cpp.Llama(path, n_ctx=args.prompt + KNOWN, n_batch=args.prompt, n_ubatch=args.prompt,
                                     n_threads=args.threads, n_threads_batch=args.threads, verbose=False)
        self.ids = [5 + i * 7919 % (self.model.n_vocab() - 10) for i in range(args.prompt)]
        self.prefill()

    def prefill(self):
        self.model.reset()
        return timed(lambda: self.model.eval(self.ids))

    def decode(self):
        self.model.reset()
        self.model.eval(self.ids[:KNOWN])
        return best([timed(lambda: self.model.eval([i])) for i in self.ids[:self.args.tokens]])


def redraft(path, args, *case):
    line = subprocess.run([args.redraft, "bench", "-m", path, "--precision", args.precision, "--threads", str(args.threads),
                           "--answers", "0", "--json", *case], check=True, capture_output=True, text=True).stdout
    row = json.loads(line.splitlines()[0])
    return row["seconds"], row["cpu_seconds"]


def main():
    args = arguments()
    print(f"llama-cpp-python {llama_cpp.__version__}, {args.threads} threads, {args.rounds} rounds, "
          f"load {os.getloadavg()[0]:.1f} at the beginning")
    print("| file | case | llama.cpp, tokens/s | redraft, tokens/s | ratio | ratio of processor time |\n|---|---|---|---|---|---|")
    for path in args.files:
        peer = Peer(path, args)
        cases = [(f"prefill {args.prompt}", args.prompt, peer.prefill,
                  ("--windows", str(args.prompt), "--logits", "1", "--repeats", "1")),
                 ("decode", 1, peer.decode, ("--decode", "--reuse", str(KNOWN), "--repeats", str(args.tokens)))]
        for name, tokens, theirs, ours in cases:
            rounds = [(theirs(), redraft(path, args, *ours)) for _ in range(args.rounds)]
            them, us = (best([r[side] for r in rounds]) for side in range(2))
            print(f"| {os.path.basename(path)} | {name} | {tokens / them[0]:.1f} | {tokens / us[0]:.1f} "
                  f"| {them[0] / us[0]:.2f} | {them[1] / us[1]:.2f} |", flush=True)
    print(f"load {os.getloadavg()[0]:.1f} at the end")


main()
