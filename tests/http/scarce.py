# SPDX-License-Identifier: MIT
"""A server under a limit on its memory: python3 scarce.py PROGRAM

The limit is one of address space (ulimit -v): what is asked for beyond it fails where it is asked for, in the program, in
libraries, in threads that do not start. The server refuses, or hangs up; it lives, and when it is left in peace it
answers as ever."""
import collections
import http.client
import json
import random
import resource
import subprocess
import sys
import threading

from serving import PATIENCE, Server, check, events, failed

PROGRAM = sys.argv[1]
CLIENTS, REQUESTS = 12, 6
OPTIONS = ("--engine", "cpu", "--threads", "2", "-q", "--max-body", "33554432")
QUESTION = {"prompt": "What's the capital of France?", "max_tokens": 16, "seed": 1}


class Limited(Server):
    """The server, which has so many bytes of address space and no more."""

    def __init__(self, size):
        self.size = size
        before = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (size, before[1]))  # a child inherits it
        try:
            super().__init__(PROGRAM, *OPTIONS, model=None)
        finally:
            resource.setrlimit(resource.RLIMIT_AS, before)


def asked(dice):
    """A request of any kind, small or large: its path and its body."""
    words = "Hi " * dice.randrange(1, 70)
    stream = dice.random() < 0.5
    kind = dice.randrange(4)
    if kind == 0:
        return "/api/tokenize", {"text": "The quick brown fox " * dice.choice((10, 1000, 100000, 400000))}
    if kind == 1:
        return "/api/denoise", {"prompt": "x", "window": dice.randrange(8, 256), "iterations": 3, "sampler": "lad"}
    if kind == 2:
        return "/v1/completions", {"prompt": words, "max_tokens": dice.randrange(1, 90), "stream": stream}
    return "/v1/chat/completions", {"messages": [{"role": "user", "content": words}], "max_tokens": dice.randrange(1, 90),
                                    "iterations": 4, "stream": stream}


def whole(status, path, body, text):
    """Is that a whole answer, or one that says that it failed?"""
    if status == 200 and body.get("stream"):
        return events(text)[-1] == "[DONE]" or "error" in json.loads(events(text)[-1])
    if path == "/api/denoise" and status == 200:
        last = json.loads(events(text)[-1])
        return last.get("event") == "done" or "error" in last
    return ("error" in json.loads(text)) == (status != 200)


def client(server, number, seen):
    dice = random.Random(number)
    for _ in range(REQUESTS):
        path, body = asked(dice)
        c = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        try:
            c.request("POST", path, json.dumps(body))
            r = c.getresponse()
            text = r.read().decode()
            seen[r.status] += 1
            if r.status not in (200, 400, 503) or not whole(r.status, path, body, text):
                check(f"{path} {str(body)[:80]}", "an answer or 503", (r.status, text[-300:]))
        except (OSError, http.client.HTTPException):
            seen["hung up"] += 1
        finally:
            c.close()


def crowd(server):
    seen = collections.Counter()
    clients = [threading.Thread(target=client, args=(server, i, seen)) for i in range(CLIENTS)]
    for c in clients:
        c.start()
    for c in clients:
        c.join()
    return seen


def answer(server):
    try:
        status, _, body = server.ask("/v1/completions", QUESTION)
        return body["choices"][0]["text"] if status == 200 else status
    except (OSError, http.client.HTTPException):
        return "hung up"


with Limited(8 << 30) as server:
    idle = server.memory("VmPeak")
    usual = answer(server)
for more in (64, 160):
    with Limited(idle + (more << 20)) as server:
        seen = crowd(server)
        print(f"  {(idle >> 20) + more} MB: " + ", ".join(f"{k}: {v}" for k, v in sorted(seen.items(), key=str)))
        check(f"{more} MB above what it takes to start: it lives", None, server.process.poll())
        if server.process.poll() is None:
            check("and answers as ever", True, any(answer(server) == usual for _ in range(20)))
for share in (0.35, 0.5, 0.6, 0.7, 0.8):  # too little to start with is said, by whoever notices first
    size = int(share * idle)
    run = subprocess.run([PROGRAM, "serve", "--port", "0", *OPTIONS], capture_output=True, text=True, timeout=PATIENCE,
                         preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (size, size)))
    check(f"{size >> 20} MB to start with", (1, 1), (run.returncode, run.stderr.count("\n")))
sys.exit(1 if failed else 0)
