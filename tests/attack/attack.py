# SPDX-License-Identifier: MIT
"""What `make attack` runs: python3 attack.py PROGRAM [--injector FILE] [--seconds S] [--seed N] [PART..]

Random kills, failing files, failing allocations, interrupted calls, damaged model files, raw bytes over HTTP and streams that
are left, each for its share of the time. What is tried is counted and printed; what breaks is printed with all that repeats
it, and the status is 1. Without an injector (a build under sanitizers) the parts that need it are left out, unless they are named."""
import argparse
import hashlib
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "http"))
from serving import MODEL, Server, chosen, everything, post, until  # noqa: E402

options = argparse.ArgumentParser()
options.add_argument("program")
options.add_argument("--injector")
options.add_argument("--seconds", type=float, default=1200)
options.add_argument("--seed", type=int, default=None)
options.add_argument("parts", nargs="*")
options = options.parse_intermixed_args()
PROGRAM = os.path.abspath(options.program)
SEED = options.seed if options.seed is not None else random.randrange(1 << 30)
chance = random.Random(SEED)
broken = 0
PATIENCE = 600


def breaks(what, *more):
    global broken
    broken += 1
    print(f"BROKEN (--seed {SEED}) {what}", *more, sep="\n  ", flush=True)


def run(words, inject=None, count=None):
    """(status, messages) of the program; a signal is a negative status, and a sanitizer's word is one too."""
    environment = dict(os.environ)
    if inject or count:
        environment["LD_PRELOAD"] = os.path.abspath(options.injector)
    if inject:
        environment["RD_INJECT"] = inject
    if count:
        environment["RD_INJECT_COUNT"] = count
    r = subprocess.run([PROGRAM, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment, timeout=PATIENCE)
    text = r.stderr.decode(errors="replace")
    sanitizer = "Sanitizer" in text or "runtime error:" in text
    return (-99 if sanitizer else r.returncode), text


def counted(words, folder):
    """How many operations on files and allocations these words are."""
    status, text = run(words, count=f"{folder}/count")
    if status != 0:
        sys.exit(f"{words} without an injection: {status}\n{text}")
    with open(f"{folder}/count") as f:
        return [int(n) for n in f.read().split()]


def weights(out):
    found = []
    for name in ("best", "final"):
        path = f"{out}/{name}/model.safetensors"
        with open(path, "rb") as f:
            found.append(hashlib.sha256(f.read()).hexdigest())
    return found


def recipe(folder):
    with open(f"{folder}/rows.jsonl", "w") as f:
        for i in range(40):
            f.write(json.dumps({"prompt": f"What is {i} and one?", "answer": f"It is {i + 1}."}) + "\n")
    with open(f"{folder}/run.yaml", "w") as f:
        f.write(f"""init: {{tokenizer: {MODEL}, width: 16, layers: 1, heads: 2, ff: 32, positions: 64}}
data: ["{folder}/rows.jsonl"]
objective: next-token
trainable: all
window: 48
batch: 2
updates: 20
warmup: 2
learning_rate: 0.01
checkpoint_every: 4
log_every: 1
validate_every: 8
held_out: 0.1
threads: 1
""")
    return ["train", f"{folder}/run.yaml", "--out"]


def finish(train, out, wanted, what):
    status, text = run([*train, out, "--resume"])
    if status != 0:
        breaks(f"{what}: the run cannot be gone on with: {status}", text[-2000:])
    elif weights(out) != wanted:
        breaks(f"{what}: other weights")


def training(end, how):
    """A training is struck at a random operation, sometimes again while it is resumed: never other weights in the end."""
    tried = 0
    with tempfile.TemporaryDirectory() as folder:
        train = recipe(folder)
        total, _ = counted([*train, f"{folder}/whole"], folder)
        wanted = weights(f"{folder}/whole")
        while time.monotonic() < end:
            out, struck = f"{folder}/run", []
            for i in range(chance.choice((1, 1, 2, 3))):
                struck.append(f"{how}:{chance.randrange(1, total + 1)}")
                status, text = run([*train, out, *(["--resume"] if i else [])], inject=struck[-1])
                tried += 1
                if status not in (0, 1, -9) or (status == 1 and not text.strip()):
                    breaks(f"training, {struck}: status {status}", text[-2000:])
            finish(train, out, wanted, f"training, {struck}")
            shutil.rmtree(out)
    return f"{tried} among {total} operations"


def kills(end):
    return training(end, "kill")


def faults(end):
    return training(end, "fail")


def interrupts(end):
    """Interrupted and short calls change nothing."""
    tried = 0
    with tempfile.TemporaryDirectory() as folder:
        train = recipe(folder)
        run([*train, f"{folder}/whole"])
        wanted = weights(f"{folder}/whole")
        while time.monotonic() < end and tried < 20:
            status, text = run([*train, f"{folder}/run"], inject="short:1")
            tried += 1
            if status != 0:
                breaks(f"interrupted: status {status}", text[-2000:])
            elif weights(f"{folder}/run") != wanted:
                breaks("interrupted: other weights")
            shutil.rmtree(f"{folder}/run", ignore_errors=True)
    return f"{tried} trainings"


def memory(end):
    """An allocation fails: a message, or all is well; never a crash."""
    tried = 0
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/metrics.jsonl", "w") as f:
            f.writelines(json.dumps({"update": i, "loss": 9 / i}) + "\n" for i in range(1, 30))
        rows = [["generate", "-m", MODEL, "--sampler", "lad", "--iterations", "2", "--window", "32", "Hi"],
                ["generate", "-m", MODEL, "--sampler", "ar", "--tokens", "4", "--json", "Hi"],
                ["tokenize", "-m", MODEL, "Hello there"],
                ["inspect", "-m", MODEL],
                ["inspect", "-m", MODEL, "--tensors", "--json"],
                ["plot", folder, "-o", f"{folder}/loss.svg"],
                ["convert", "-m", MODEL, "-o", f"{folder}/copy"]]
        totals = [counted(words, folder)[1] for words in rows]
        shutil.rmtree(f"{folder}/copy", ignore_errors=True)
        while time.monotonic() < end:
            i = chance.randrange(len(rows))
            inject = f"memory:{chance.randrange(1, totals[i] + 1)}"
            status, text = run(rows[i], inject=inject)
            tried += 1
            if status not in (0, 1) or (status == 1 and "memory" not in text):
                breaks(f"{rows[i]}, {inject}: status {status}", text[-2000:])
            shutil.rmtree(f"{folder}/copy", ignore_errors=True)
    return f"{tried} of {sum(totals)} allocations"


def damage(data):
    """Numbers made others, so that JSON stays what it is; or bytes flipped, zeroed, cut, doubled."""
    data = bytearray(data)
    numbers = [m.span() for m in re.finditer(rb"\d+", data[:20000])]
    if numbers and chance.random() < 0.5:
        for begin, stop in sorted(chance.sample(numbers, min(len(numbers), chance.choice((1, 1, 2)))), reverse=True):
            n = int(data[begin:stop][:18])
            data[begin:stop] = chance.choice((b"0", b"1", b"-1", b"1.5", b"1e999", b"null", b"true", b'"x"', b"[]", b"%d" % (n + 1),
                                              b"%d" % (2 * n), b"%d" % (n // 2), b"2147483648", b"9223372036854775807", b"99999999999999999999"))
        return bytes(data)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        if not data:
            break
        i = chance.randrange(min(len(data), chance.choice((16, 2000, len(data)))))
        n = chance.choice((1, 2, 4, 8, 100))
        kind = chance.randrange(6)
        if kind == 0:
            data[i] ^= 1 << chance.randrange(8)
        elif kind == 1:
            data[i:i + n] = bytes(chance.choice((0, 255)) for _ in range(1)) * len(data[i:i + n])
        elif kind == 2:
            del data[i:]
        elif kind == 3:
            del data[i:i + n]
        elif kind == 4:
            data[i:i] = data[i:i + n]
        else:
            data[i:i + n] = chance.randbytes(n)
    return bytes(data)


def files(end):
    """Damaged model files: status 0 or 1 and one message, no crash, no hanging."""
    tried = refused = 0
    sources = sorted(f"tests/golden/models/{name}" for name in os.listdir("tests/golden/models"))
    sources = [s for s in sources if os.path.isdir(s) and os.path.exists(f"{s}/config.json")]
    with tempfile.TemporaryDirectory() as folder:
        gguf = f"{folder}/whole.gguf"
        generate = ["--threads", "1", "--window", "24", "-q", "Hi"]
        rows = [["inspect"], ["generate", "--tokens", "2", *generate], ["generate", "--sampler", "lad", "--iterations", "2", *generate]]
        whole = [["convert", "-m", MODEL, "-o", gguf, "--gguf", "--to", "q8_0"]]
        whole += [[*row, "-m", source] for source in [*sources, gguf] for row in rows]
        for words in whole:  # what fails undamaged would try nothing
            status, text = run(words)
            if status != 0:
                sys.exit(f"{words}: {status}\n{text}")
        while time.monotonic() < end:
            if chance.random() < 0.3:
                model = damaged = f"{folder}/model.gguf"
                shutil.copy(gguf, damaged)
            else:
                model = f"{folder}/model"
                shutil.copytree(chance.choice(sources), model)
                damaged = f"{model}/{chance.choice(sorted(n for n in os.listdir(model) if os.path.isfile(f'{model}/{n}')))}"
            with open(damaged, "rb") as f:
                data = damage(f.read())
            with open(damaged, "wb") as f:
                f.write(data)
            words = [*chance.choice(rows), "-m", model]
            try:
                status, text = run(words)
            except subprocess.TimeoutExpired:
                status, text = -100, "it does not end"
            tried += 1
            refused += status != 0
            if status not in (0, 1, 2):
                kept = tempfile.mkdtemp(prefix="redraft-broken-")
                shutil.move(model, f"{kept}/{os.path.basename(model)}")
                breaks(f"{words[0]} of {kept}, damaged {os.path.basename(damaged)}: status {status}", text[-2000:])
            shutil.rmtree(model, ignore_errors=True)
            if os.path.isfile(model):
                os.remove(model)
    return f"{tried}, {refused} refused"


HEADS = [b"Host: localhost", b"Content-Length: 13", b"Content-Length: 0", b"Content-Length: 99999999999", b"Transfer-Encoding: chunked",
         b"Transfer-Encoding: gzip", b"Expect: 100-continue", b"Connection: close", b"Connection: keep-alive", b"Origin: http://localhost",
         b"Origin: null", b"Authorization: Bearer x", b"X: \x00", b" folded", b"X : y", b"Content-Type: text/plain", b": x", b"Cookie: a=b; ;=",
         b"Upgrade: h2c", b"Range: bytes=0-1", b"X: " + b"a" * 5000]
PATHS = [b"/", b"/health", b"/metrics", b"/v1/models", b"/api/options?model=%00", b"/api/tokenize", b"/api/denoise", b"/v1/completions",
         b"/v1/chat/completions", b"/%", b"/../x", b"*", b"http://localhost/health", b"/api/options?" + b"&" * 3000]
BODIES = [b'{"text":"Hi"}', b'{"prompt":"Hi","iterations":2,"window":32}', b'{"prompt":"Hi","stream":true,"max_tokens":3}', b"d\r\n" + b'{"text":"Hi"}' +
          b"\r\n0\r\n\r\n", b"ffffffffffffffffff\r\n", b"[" * 4000, b"", b'{"messages":[{"role":"user","content":"Hi"}],"max_tokens":2}',
          b'{"prompt":[1,2,3],"draft":{"ids":[1],"state":["mask"]}}']


def request():
    lines = [chance.choice((b"GET", b"POST", b"POST", b"HEAD", b"OPTIONS", b"BREW")) + b" " + chance.choice(PATHS) + b" " +
             chance.choice((b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/9.9", b""))]
    lines += [HEADS[0]] * (chance.random() < 0.9) + chance.choices(HEADS, k=chance.randrange(4))
    body = chance.choice(BODIES)
    if chance.random() < 0.6:
        lines.append(b"Content-Length: %d" % len(body))
    end = chance.choice((b"\r\n", b"\r\n", b"\r\n", b"\n"))
    data = end.join(lines) + end + end + body
    return damage(data) if chance.random() < 0.3 else data


def requests(end):
    """Raw bytes over sockets: the server lives, holds nothing, and answers the next one."""
    tried, answers = 0, {}
    with Server(PROGRAM, "--threads", "1", "-q", "--request-timeout", "1", "--max-body", "65536", "--grace", "0") as server:
        while time.monotonic() < end:
            data = b"".join(request() for _ in range(chance.choice((1, 1, 2, 4))))
            try:
                with server.connect(60) as s:
                    cut = chance.randrange(len(data) + 1) if chance.random() < 0.2 else len(data)
                    s.sendall(data[:cut])
                    if chance.random() < 0.97: # now and then it waits until it hears that it is late
                        s.settimeout(chance.choice((0.01, 0.05, 0.2)))
                    answer = s.recv(12)
                    answers[answer[9:12].decode(errors="replace")] = answers.get(answer[9:12].decode(errors="replace"), 0) + 1
                    if answer and not answer.startswith(b"HTTP/1."):
                        breaks("an answer that is none", repr(answer), repr(data))
            except OSError:
                pass
            tried += 1
            if server.process.poll() is not None:
                breaks(f"the server ended with {server.process.returncode}", repr(data))
                return f"{tried}"
            if tried % 100 == 0 and server.ask("/health")[0] != 200:
                breaks("no health", repr(data))
        if not until(lambda: server.metric("queue") == 0):
            breaks("drafts without clients are under way")
    return f"{tried}, answered " + ", ".join(f"{k or 'nothing'}: {v}" for k, v in sorted(answers.items()))


def streams(end):
    """Clients that leave in the middle: no draft goes on, no memory stays."""
    tried, first = 0, None
    with Server(PROGRAM, "--threads", "1", "-q", "--grace", "0") as server:
        while time.monotonic() < end:
            held = []
            for _ in range(chance.randrange(1, 12)):
                s = server.connect()
                s.sendall(post(chance.choice(("/api/denoise", "/v1/completions")), {
                    "prompt": "Hi", "stream": True, "iterations": 200, "patience": 0, "window": chance.choice((32, 64, 128))}))
                held.append(s)
            for s in held:
                if chance.random() < 0.7:
                    s.recv(chance.choice((1, 100, 10000)))
                if chance.random() < 0.2:
                    s.shutdown(socket.SHUT_WR)
                    everything(s)
                s.close()
            tried += len(held)
            if not until(lambda: server.metric("queue") == 0):
                breaks("a draft whose client left goes on")
            if tried > 200 and first is None:
                first = server.memory()
        grown = server.memory() - first if first else 0
        if grown > 64 << 20:
            breaks(f"memory grew by {grown} bytes over {tried} streams")
    return f"{tried}, memory {grown >> 10:+} KiB"


# Each with its share of the time, and whether it needs the injector.
parts = [(kills, 4, True), (faults, 3, True), (interrupts, 0.5, True), (memory, 2, True), (files, 3, False), (requests, 3, False),
         (streams, 1, False)]
named = chosen([p[0] for p in parts], options.parts)
parts = [p for p in parts if p[0] in named and (options.injector or options.parts or not p[2])]
for part, _, needs_injector in parts:
    if needs_injector and not options.injector:
        sys.exit(f"{part.__name__} needs --injector")
print(f"attack: {options.seconds:.0f} s, --seed {SEED}")
for i, (part, share, _) in enumerate(parts):
    begun = time.monotonic()
    print(f"{part.__name__}:", end=" ", flush=True)
    said = part(begun + options.seconds * share / sum(p[1] for p in parts))
    print(f"{said} ({time.monotonic() - begun:.0f} s)", flush=True)
print(f"{broken} broken")
sys.exit(1 if broken else 0)
