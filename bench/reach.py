#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What speed is to reach, row by row, measured in one run and set beside what is wanted (bench/SPEED.md).

    python3 bench/reach.py [--redraft build/redraft] [--files FOLDER] [--smol FILE.gguf] [--before PROGRAM] [--rows peers,passes,...]

--files is where `bench/peer_files.py FOLDER mid 1b 8b` has put its files (13 GB); rows of files that are not there are left
out, and said. Beside llama.cpp the interpreter must have llama-cpp-python (`make bench-peers`: build/peers/bin/python
bench/reach.py ...). --before is an older program: every case of the sweep once more with it, in turn. On a quiet machine all
of it takes about 8 minutes with --threads 2.
"""
import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
# Answers of 13 tokens, and of what a page's examples have.
QUESTIONS = ["What's the capital of France?", "What is a hammer used for?", "What is the currency of Japan?", "What is the opposite of hot?", "Hello", "Where is Peru?"]


def bench(program, *options, threads):
    """The rows of one `redraft bench`, as objects."""
    out = subprocess.run([program, "bench", "--answers", "0", "--json", "--threads", str(threads), *options], check=True,
                         capture_output=True, text=True).stdout
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


def row(what, value, wanted="", met=None):
    print(f"| {what} | {value} | {wanted} | {'' if met is None else 'yes' if met else 'no'} |", flush=True)


def files(a, *names):
    there = [p for p in (os.path.join(a.files or "", n) for n in names) if a.files and os.path.exists(p)]
    for name in names if len(there) < len(names) else ():
        if not any(p.endswith("/" + name) for p in there):
            print(f"(not there: {name})", file=sys.stderr)
    return there


def peers(a):
    """Left to right and long prompts beside llama.cpp."""
    paths = files(a, *(f"{shape}-{kind}.gguf" for shape in ("mid", "1b") for kind in ("BF16", "Q8_0", "Q4_0", "Q4_K")))
    paths = ([a.smol] if a.smol else []) + paths
    if not paths:
        return
    out = subprocess.run([sys.executable, os.path.join(HERE, "peers.py"), "--redraft", a.redraft, "--threads", str(a.threads), "--rounds",
                          "2", "--tokens", "24", *paths], capture_output=True, text=True)
    if out.returncode != 0:
        row("beside llama.cpp", "not measured: " + (out.stderr.strip().splitlines() or ["?"])[-1])
        return
    for line in out.stdout.splitlines():
        cells = [c.strip() for c in line.strip("|").split("|")]
        if len(cells) == 6 and cells[0].endswith(".gguf"):
            least = 1.1 if cells[1] == "decode" else 1.5
            row(f"{cells[0]}, {cells[1]}: {cells[3]} tokens/s", f"{cells[4]} of llama.cpp's, {cells[5]} by processor time",
                f"{least} or more", float(cells[4]) >= least)


def bandwidth(a):
    """One row after another: the share of what memory gives."""
    for path in files(a, "1b-BF16.gguf", "1b-Q8_0.gguf", "1b-Q4_0.gguf", "1b-Q4_K.gguf"):
        r = bench(a.redraft, "-m", path, "--decode", "--reuse", "8", "--repeats", "16", threads=a.threads)[0]
        share = r["weight_bytes_per_second"] / r["bandwidth_bytes_per_second"]
        row(f"{os.path.basename(path)}, left to right: {r['weight_bytes_per_second'] / 1e9:.1f} GB/s", f"{share:.0%} of the memory's",
            "75%", share >= 0.75)


def passes(a):
    """8B's shape: a block of 32 over what is remembered, 256 rows, memory, opening, an answer in blocks."""
    for path in files(a, "8b-Q4_0.gguf"):
        size, known, begun = os.path.getsize(path), {}, time.perf_counter()
        subprocess.run([a.redraft, "generate", "-q", "-m", path, "--sampler", "ar", "--tokens", "1", "-k", "1", "--threads",
                        str(a.threads), "hi"], check=True, stdout=subprocess.DEVNULL)
        row("8B Q4_0, opened and one token", f"{time.perf_counter() - begun:.1f} s", "the disk's time and 2 s")
        whole = bench(a.redraft, "-m", path, "--windows", "256", "--repeats", "1", threads=a.threads)[0]
        for reuse in (0, 96, 224):
            known[reuse] = bench(a.redraft, "-m", path, "--windows", "32", "--reuse", str(reuse), "--repeats", "2", threads=a.threads)[0]
        block = known[224]
        row("8B Q4_0, 32 rows over 224", f"{block['seconds']:.2f} s", "0.60 s", block["seconds"] <= 0.6)
        row("the same, of the integers' peak", f"{block['peak_fraction']:.0%}", "70%", block["peak_fraction"] >= 0.7)
        row(f"8B Q4_0, 256 rows: {whole['seconds']:.2f} s, of the integers' peak", f"{whole['peak_fraction']:.0%}", "80%",
            whole["peak_fraction"] >= 0.8)
        memory = whole["peak_memory_bytes"]
        row("8B Q4_0, memory with 256 tokens", f"{memory / 1e9:.2f} GB, the file {size / 1e9:.2f}", "the file and 1 GB",
            memory <= size + 1e9)
        # eight blocks, each of as many passes: the mean of a block's pass, which grows evenly with what is remembered
        gain = whole["seconds"] / (sum(r["seconds"] for r in known.values()) / len(known))
        row("8B Q4_0, 256 tokens in blocks of 32, exact reuse against none (from passes)", f"{gain:.1f} times", "5", gain >= 5)


def wide(a):
    """256 and 32 rows of llama-1b's shape as shares of the peak."""
    for precision, least in (("bf16", 0.88), ("int8", 0.80)):
        for r in bench(a.redraft, "--shape", "llama-1b", "--precision", precision, "--windows", "32,256", "--repeats", "2",
                       threads=a.threads):
            wanted = r["window"] == 256
            row(f"llama-1b in {precision}, {r['window']} rows: {r['seconds']:.3f} s, of the peak",
                f"{r['peak_fraction']:.0%}, {r['cpu_peak_fraction']:.0%} by processor time", f"{least:.0%}" if wanted else "",
                r["peak_fraction"] >= least if wanted else None)


def training(a):
    r = bench(a.redraft, "--shape", "smollm2-135m", "--train", "--rank", "32", "--windows", "128", "--batches", "16", "--repeats", "2",
              threads=a.threads)[0]
    row("LoRA step, SmolLM2's shape, 16 x 128 tokens", f"{16 * 128 / r['seconds']:.0f} tokens/s, {r['peak_fraction']:.0%} of the peak",
        "2.5 times PyTorch (tools/torch_step.py)")


def busy(a):
    for what, options, most in (("256 rows", ("--windows", "256"), 3), ("a training step", ("--train", "--windows", "256"), 2.5)):
        r = bench(a.redraft, "--shape", "tini", *options, "--busy", "2", "--repeats", "3", threads=a.threads)[0]
        row(f"tini's shape, {what} beside two busy loops", f"{r['time_beside_busy']:.2f} times its idle time", f"{most} at most",
            r["time_beside_busy"] <= most)


def best_of(count, work):
    return tuple(min(times) for times in zip(*(work() for _ in range(count))))


def start(a):
    """From the program's start to its first event, and to the end of a short answer."""
    def once():
        begun = time.perf_counter()
        with subprocess.Popen([a.redraft, "generate", "--json", "--seed", "1", "-k", "1", "-p", QUESTIONS[0]], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL) as p:
            p.stdout.readline()
            first = time.perf_counter() - begun
            p.stdout.read()
        return first, time.perf_counter() - begun
    first, whole = best_of(9, once)
    row("built-in model, first event", f"{first * 1000:.0f} ms", "12 ms", first <= 0.012)
    row("built-in model, an answer of 13 tokens, program and all", f"{whole * 1000:.0f} ms", "30 ms", whole <= 0.03)


def clients(a):
    """The same answer from a server, and useful tokens a second of 16 clients and of one."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(url, seed):
        body = {"messages": [{"role": "user", "content": QUESTIONS[seed % len(QUESTIONS)]}], "seed": seed}
        request = urllib.request.Request(url + "v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"})
        return json.load(direct.open(request))["usage"]["completion_tokens"]

    def seconds(url):
        begun = time.perf_counter()
        ask(url, 0)
        return time.perf_counter() - begun

    def rate(url, count):
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            begun = time.perf_counter()
            tokens = sum(pool.map(lambda i: ask(url, i), range(48)))
            return tokens / (time.perf_counter() - begun)

    with subprocess.Popen([a.redraft, "serve", "-q", "--port", "0", "--threads", str(a.threads)], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True) as server:
        try:
            url = next(w for line in server.stdout for w in line.split() if w.startswith("http"))
            ask(url, 0)
            warm, = best_of(9, lambda: (seconds(url),))
            one, many = rate(url, 1), rate(url, 16)
        finally:
            server.terminate()
    row("built-in model, the same answer from a server", f"{warm * 1000:.0f} ms", "30 ms", warm <= 0.03)
    row("server, 16 clients against one", f"{many / one:.2f} times ({many:.0f} and {one:.0f} tokens/s)", "2.5", many >= 2.5 * one)


def sweep(a):
    """Every case of the sweep, with the older program in turn: the best of the rounds."""
    programs, cases = [a.redraft] + ([a.before] if a.before else []), {}
    for precision in ("bf16", "int8"):
        for _ in range(3 if a.before else 1):
            for program in programs:
                for options in (("--windows", "64,256,1024", "--batches", "1,4,16"), ("--windows", "4096", "--batches", "1")):
                    for r in bench(program, "--shape", "tini", "--precision", precision, "--repeats", "5", *options, threads=a.threads):
                        case = cases.setdefault((precision, r["window"], r["batch"]), {})
                        case[program] = min(r["seconds"], case.get(program, r["seconds"]))
    for (precision, window, batch), case in cases.items():
        ratio = case[a.before] / case[a.redraft] if a.before else None
        row(f"tini's shape in {precision}, {window} x {batch}: {case[a.redraft]:.4f} s",
            f"{ratio:.2f} times the older one's speed" if a.before else "", "0.97" if a.before else "",
            ratio >= 0.97 if a.before else None)


ROWS = {f.__name__: f for f in (peers, bandwidth, passes, wide, training, busy, start, clients, sweep)}


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--redraft", default="build/redraft")
    p.add_argument("--files", help="folder of bench/peer_files.py")
    p.add_argument("--smol", help="SmolLM2-135M-Instruct.Q4_1.gguf")
    p.add_argument("--before", help="an older program")
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--rows", default=",".join(ROWS), help="which, of " + ",".join(ROWS))
    a = p.parse_args()
    unknown = [name for name in a.rows.split(",") if name not in ROWS]
    if unknown:
        p.error(f"--rows: there is no {unknown[0]!r}; there are {', '.join(ROWS)}")
    a.redraft, a.before = os.path.abspath(a.redraft), a.before and os.path.abspath(a.before)
    begun = time.perf_counter()
    print(f"{a.threads} threads, load {os.getloadavg()[0]:.1f} at the beginning\n\n| what | measured | wanted | met |\n|---|---|---|---|")
    for name in a.rows.split(","):
        ROWS[name](a)
    print(f"\n{time.perf_counter() - begun:.0f} s, load {os.getloadavg()[0]:.1f} at the end")


main()
