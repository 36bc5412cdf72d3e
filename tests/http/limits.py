# SPDX-License-Identifier: MIT
"""What a server meets from clients that are broken, slow, rude or many: python3 limits.py PROGRAM [NAME..]"""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from serving import MODEL, PATIENCE, Server, check, chosen, events, everything, lines_of, post, roomy, run_parts, until

PROGRAM = sys.argv[1]
LONG = {"prompt": "Hi", "iterations": 512, "patience": 0, "seed": 1}
CHAT = {"messages": [{"role": "user", "content": "Hi"}], "iterations": 3, "seed": 1, "max_tokens": 12}


def refused(server, what, status, word, path, body, headers=None, method=None):
    """The status, and one JSON error of OpenAI's shape with a word in its message."""
    got, _, answer = server.ask(path, body, headers, method)
    check(what, status, got)
    error = answer.get("error", {}) if isinstance(answer, dict) else {}
    check(f"{what}: keys", ["code", "message", "param", "type"], sorted(error))
    check(f"{what}: message has {word!r}", True, word in error.get("message", ""))
    check(f"{what}: speaks of fields", None, re.search("--[a-z]", error.get("message", "")))


def mistakes():
    rows = [
        ("empty body", 400, "not valid JSON", "/api/denoise", b""),
        ("two values", 400, "not valid JSON", "/api/denoise", b"{}{}"),
        ("the same name twice", 400, "not valid JSON", "/api/denoise", b'{"prompt":"a","prompt":"b"}'),
        ("deep nesting", 400, "not valid JSON", "/api/denoise", b"[" * 100000),
        ("a number too large", 400, "not valid JSON", "/api/denoise", b'{"prompt":"a","seed":1e999}'),
        ("bad UTF-8", 400, "decode byte", "/api/denoise", b'{"prompt":"\xc3\x28"}'),
        ("half a surrogate", 400, "not valid JSON", "/api/denoise", b'{"prompt":"\\ud800"}'),
        ("NUL", 400, "NUL", "/api/denoise", b'{"prompt":"a\\u0000b"}'),
        ("prompt as number", 400, "prompt: expected a string", "/api/denoise", {"prompt": 4}),
        ("option of the wrong kind", 400, "iterations", "/api/denoise", {"prompt": "a", "iterations": "many"}),
        ("fraction for a count", 400, "iterations", "/api/denoise", {"prompt": "a", "iterations": 1.5}),
        ("flag as text", 400, "no_noise: expected", "/api/denoise", {"prompt": "a", "no_noise": "yes"}),
        ("below the range", 400, "iterations", "/api/denoise", {"prompt": "a", "iterations": 0}),
        ("above the range", 400, "top_p: 7 is outside", "/api/denoise", {"prompt": "a", "top_p": 7}),
        ("a draft from left to right", 400, "sampler ar writes", "/api/denoise", {"prompt": "a", "sampler": "ar", "draft": {"ids": [40, 41], "state": ["mask", "lock"]}}),
        ("a window beyond the model's", 400, "window 100000 is beyond", "/v1/completions", {"prompt": "a", "window": 100000}),
        ("options that exclude each other", 400, "without prefix and suffix", "/api/denoise", {"prompt": "a", "template": "{mask:2}", "prefix": "a"}),
        ("an option of another sampler", 400, "entropy_bound means nothing to sampler lad", "/api/denoise", {"prompt": "a", "entropy_bound": 1, "sampler": "lad"}),
        ("a mode of decisions", 400, "mode: unknown mode x", "/v1/systemone",
         {"state": "a", "mode": "x", "questions": {"q": {"type": "noul", "instructions": "Is it?"}}}),
        ("words that are cut within a letter", 400, "unknown sampler x\u00e9", "/api/denoise", {"prompt": "a", "sampler": "x" + "\u00e9" * 60}),
        ("limit as text, its newer name", 400, "max_completion_tokens: expected", "/v1/chat/completions", {**CHAT, "max_completion_tokens": "a"}),
        ("limit as text, in responses", 400, "max_output_tokens: expected", "/v1/responses", {"input": "a", "max_output_tokens": "a"}),
        ("limit as text, for a gap", 400, "n_predict: expected", "/infill", {"input_prefix": "a", "n_predict": "a"}),
        ("text before a gap", 400, "input_prefix: expected", "/infill", {"input_prefix": 3}),
        ("text behind a gap", 400, "input_suffix: expected", "/infill", {"input_prefix": "a", "input_suffix": 3}),
        ("instructions that are a list", 400, "instructions: expected", "/v1/responses", {"input": "a", "instructions": []}),
        ("text that is a number", 400, "text: expected an object", "/v1/responses", {"input": "a", "text": 3}),
        ("an item without a role", 400, "input: number 0 (no role)", "/v1/responses", {"input": [{"content": "a"}]}),
        ("two prompts at a time", 400, "prompt: 2 prompts", "/api/denoise", {"prompt": ["a", "b"]}),
        ("NUL in half a gap", 400, "holds a NUL character", "/infill", {"input_prefix": "a\0b", "prompt": "c", "n_predict": 2}),
        ("two gaps at a time", 400, "input_prefix: 2 prompts", "/infill", {"input_prefix": ["a", "b"], "n_predict": 2}),
        ("time without an end", 400, "deadline_ms: expected", "/api/denoise", {"prompt": "a", "deadline_ms": 1e300}),
        ("no such sampler", 400, "sampler", "/api/denoise", {"prompt": "a", "sampler": "magic"}),
        ("prompt beyond the window", 400, "256", "/api/denoise", {"prompt": "word " * 2000}),
        ("prompt beyond a given window", 400, "window", "/api/denoise", {"prompt": "word " * 40, "window": 8}),
        ("ids outside the vocabulary", 400, "outside", "/v1/completions", {"prompt": [1, 999999]}),
        ("and nothing to write", 400, "prompt: number 1: token id 999999 is outside", "/v1/completions",
         {"prompt": [1, 999999], "max_tokens": 0, "echo": True, "logprobs": 0}),
        ("ids to spell that nobody has", 400, "outside", "/detokenize", {"tokens": [999999]}),
        ("NUL in a decision", 400, "holds a NUL character", "/v1/systemone",
         {"state": "a\0b", "questions": {"q": {"type": "noul", "instructions": "Is it?"}}}),
        ("negative ids", 400, "no token id", "/v1/completions", {"prompt": [1, -4]}),
        ("draft that is no object", 400, "draft", "/api/denoise", {"prompt": "a", "draft": 3}),
        ("unknown state", 400, "mask, edit and lock", "/api/denoise",
         {"prompt": "a", "draft": {"ids": [1], "state": ["soft"]}}),
        ("prompt and messages", 400, "not both", "/api/denoise",
         {"prompt": "a", "messages": CHAT["messages"]}),
        ("unknown model", 404, "no model", "/v1/chat/completions", {**CHAT, "model": "gpt-9"}),
        ("message that is no object", 400, "role", "/v1/chat/completions", {"messages": ["Hi"]}),
        ("content of a wrong kind", 400, "content", "/v1/chat/completions",
         {"messages": [{"role": "user", "content": 3}]}),
        ("image part", 400, "content", "/v1/chat/completions",
         {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}),
        ("fewer than no tokens", 400, "max_tokens", "/v1/chat/completions", {**CHAT, "max_tokens": -2}),
        ("no answers", 400, "at least one", "/v1/chat/completions", {**CHAT, "n": 0}),
        ("stop of a wrong kind", 400, "stop", "/v1/chat/completions", {**CHAT, "stop": 5}),
        ("logprobs as text", 400, "logprobs", "/v1/chat/completions", {**CHAT, "logprobs": "all"}),
        ("too many alternatives", 400, "up to 20", "/v1/completions", {"prompt": "a", "logprobs": 300}),
        ("stream as text", 400, "stream", "/v1/chat/completions", {**CHAT, "stream": "true"}),
        ("text to tokenize", 400, "text", "/api/tokenize", {"text": 3}),
        ("tokenize a list", 400, "expected an object", "/api/tokenize", [1]),
        ("tokenize no UTF-8", 400, "decode byte", "/api/tokenize", b'{"text":"\xff"}'),
        ("bad path", 404, "nothing at", "/v2/chat", {}),
        ("path upwards", 404, "nothing at", "/../../etc/passwd", None),
        ("path in other letters", 404, "nothing at", "/Health", None),
    ]
    with Server(PROGRAM, "--threads", "1", "-q") as server:
        for row in rows:
            refused(server, *row)
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "BREW"):
            refused(server, f"{method}", 405, "use POST", "/api/denoise", b"{}", None, method)
        refused(server, "POST to the page", 405, "use GET", "/", b"{}")
        status, headers, _ = server.ask("/v1/chat/completions", {**CHAT, "colour": 1, "né\r\nX: y": 2})
        check("unknown fields are no error", 200, status)
        check("unknown fields are named", True, "colour" in headers["X-Redraft-Warning"])
        check("a name breaks no header", None, headers["X"])
        check("null is as not given", 200, server.ask("/v1/chat/completions", {**CHAT, "stop": None, "top_p": None})[0])
        check("developer is system", 200, server.ask("/v1/chat/completions", {**CHAT, "messages": [
            {"role": "developer", "content": "Be brief."}, *CHAT["messages"]]})[0])
        # What breaks HTTP itself is answered by libmicrohttpd: the status is right, the text is its own.
        for what, status, request in [
            ("length that is no number", 400, b"POST /api/denoise HTTP/1.1\r\nHost: localhost\r\nContent-Length: z\r\n\r\n"),
            ("length beyond 64 bits", 413, b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + b"9" * 30 + b"\r\n\r\n"),
            ("chunk that is none", 400, b"POST /api/denoise HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n"),
            ("long path", 414, b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            ("long header", 431, b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 70000 + b"\r\n\r\n"),
            ("HTTP 9", 505, b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n"),
        ]:
            with server.connect() as s:
                s.sendall(request)
                check(what, str(status), s.recv(65536).decode().split(" ")[1:2][0])
        with server.connect() as s:
            s.sendall(b"\x16\x03\x01 no HTTP at all\r\n\r\n")
            s.shutdown(socket.SHUT_WR)
            everything(s)
        check("still well", 200, server.ask("/health")[0])


def late():
    """Headers and bodies that trickle, stall or do not end."""
    with Server(PROGRAM, "--threads", "1", "-q", "--request-timeout", "1") as server:
        def trickle(s, text, found):
            try:
                for i in range(len(text)):
                    s.sendall(text[i:i + 1])
                    time.sleep(0.2)
            except OSError:
                found.append("cut off")

        for what, start in [("nothing", b""), ("half a header", b"GET /health HT"),
                            ("half a body", post("/api/denoise", LONG)[:-5])]:
            with server.connect() as s:
                s.sendall(start)
                answer = everything(s)
                check(f"{what}: status", b"HTTP/1.1 408", answer[:12])
                check(f"{what}: error", "request_timeout",
                      json.loads(answer.split(b"\r\n\r\n")[1])["error"]["code"] if answer else None)
        for what, text in [("slow header", b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 50),
                           ("slow body", None)]:
            with server.connect() as s:
                found = []
                if text is None:
                    s.sendall(b"POST /api/denoise HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n")
                    text = b" " * 500
                sender = threading.Thread(target=trickle, args=(s, text, found))
                sender.start()
                answer = everything(s)
                sender.join()
                check(what, (True, ["cut off"]), (answer[:12] in (b"HTTP/1.1 408", b""), found))
        def asked():
            """A connection with a request on it that was in time, and the first of the answer."""
            for _ in range(100):
                s = server.connect()
                s.sendall(post("/api/denoise", {**LONG, "iterations": 40}))
                if not (part := s.recv(1 << 20)).startswith(b"HTTP/1.1 408"):
                    break
                s.close()
            return s, part

        s, part = asked()
        with s:
            time.sleep(1.5)
            while b'"event":"done"' not in part:
                part = s.recv(1 << 20)
                check("an answer that takes long is not late", True, part != b"")
                if not part:
                    break
            s.sendall(post("/api/tokenize", {"text": "a"}))
            data = b""
            while b"HTTP/1.1 200" not in data and (part := s.recv(65536)):
                data += part
            check("the connection stays of use", True, b"HTTP/1.1 200" in data)
    with Server(PROGRAM, "--threads", "1", "-q", "--max-body", "4096") as server:
        with server.connect() as s:
            s.sendall(b"POST /api/denoise HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
            sent, chunk = 0, b"10000\r\n" + b" " * 65536 + b"\r\n"
            try:
                while sent < 1 << 30:
                    s.sendall(chunk)
                    sent += 65536
            except OSError:
                pass
            check("an endless body ends", True, sent < 1 << 28)
            check("an endless body: status", True, everything(s)[:12] in (b"HTTP/1.1 413", b""))
        before = server.memory()
        with server.connect() as s:
            s.sendall(b"POST /api/denoise HTTP/1.1\r\nHost: localhost\r\nContent-Length: 123456789012\r\n\r\n")
            check("a body announced too large", b"HTTP/1.1 413", s.recv(100)[:12])
        check("is not held", True, server.memory() - before < 8 << 20)
        refused(server, "just too large", 413, "4096", "/api/tokenize", b" " * 4097)
        check("just not", 400, server.ask("/api/tokenize", b" " * 4096)[0])


def leaving():
    """Work whose client left ends within one iteration, streamed or not."""
    for path, body in [("/api/denoise", {**LONG, "window": 1000}),
                       ("/v1/chat/completions", {**CHAT, "max_tokens": 900, "iterations": 512, "patience": 0})]:
        with tempfile.TemporaryDirectory() as folder, Server(PROGRAM, "--threads", "1", "-q", model=roomy(folder)) as server:
            s = server.connect()
            s.sendall(post(path, body))
            until(lambda: server.metric("passes_total") >= 3)
            s.close()
            passes = server.metric("passes_total")
            until(lambda: server.metric("cancelled_total") == 1)
            check(f"{path}: cancelled", (1, 0), (server.metric("cancelled_total"), server.metric("queue")))
            check(f"{path}: passes after", True, server.metric("passes_total") - passes <= 1)


def same():
    """Answers are those of the command line, alone and together."""
    rows = []
    for seed in range(12):
        options = {"seed": seed, "iterations": 3 + seed % 4, "window": 40 + 9 * (seed % 5)}
        if seed % 4 == 3:
            options["sampler"] = "low-confidence"
            del options["iterations"]
        rows.append((f"Hello number {seed}", options))

    def without_time(lines):
        found = [json.loads(line) for line in lines]
        for event in found:
            event.pop("seconds", None)
        return found

    wanted = []
    for text, options in rows:
        words = [w for k, v in options.items() for w in (f"--{k}", str(v))]
        run = subprocess.run([PROGRAM, "generate", "-m", MODEL, "--threads", "1", "--sampler", "lad", "--json", *words, text],
                             capture_output=True, check=True)
        wanted.append(without_time(lines_of(run.stdout.decode())))
    with Server(PROGRAM, "--threads", "1", "-q", "--max-batch-tokens", "300") as server:
        found = [None] * len(rows)

        def one(i):
            text, options = rows[i]
            found[i] = without_time(events(server.ask("/api/denoise", {"prompt": text, **options})[2]))

        for i in range(3):
            one(i)
            check(f"alone, {rows[i]}", wanted[i], found[i])

        def together():
            """All at once; whether two of them met in a pass."""
            threads = [threading.Thread(target=one, args=(i,)) for i in range(len(rows))]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            for i, row in enumerate(rows):
                check(f"together, {row}", wanted[i], found[i])
            return server.metric("sequences_total") > server.metric("passes_total")

        check("passes were shared", True, until(together))


def stops():
    """`stop` cuts before its first occurrence; streamed deltas never show more than the answer."""
    with Server(PROGRAM, "--threads", "1", "-q") as server:
        for sampler in ("lad", "low-confidence", "ar"):
            body = {"prompt": "Hi", "sampler": sampler, "seed": 3, "max_tokens": 24}
            whole = server.ask("/v1/completions", body)[2]["choices"][0]["text"]
            if len(whole) < 4:
                check(f"{sampler}: an answer to cut", "4 characters", whole)
                continue
            stop = whole[len(whole) // 2:len(whole) // 2 + 2]
            cut = whole[:whole.index(stop)]
            for asked in (stop, ["@@@", stop], [stop, "\u20ac\u20ac"]):
                answer = server.ask("/v1/completions", {**body, "stop": asked})[2]["choices"][0]
                check(f"{sampler}: {asked}", (cut, "stop"), (answer["text"], answer["finish_reason"]))
            text = server.ask("/v1/completions", {**body, "stop": stop, "stream": True})[2]
            chunks = [json.loads(e)["choices"][0] for e in events(text)[:-1]]
            check(f"{sampler}: streamed", (cut, "stop"), ("".join(c["text"] for c in chunks), chunks[-1]["finish_reason"]))
            text = server.ask("/v1/completions", {**body, "stop": stop, "stream": True, "diffusing": True})[2]
            drafts = [json.loads(e)["choices"][0]["text"] for e in events(text)[:-1]]
            check(f"{sampler}: drafts", (cut, False), (drafts[-2] or cut, any(stop in d for d in drafts)))
            answer = server.ask("/v1/completions", {**body, "stop": "@@@"})[2]["choices"][0]
            check(f"{sampler}: a stop that does not come", whole, answer["text"])
        body = {"prompt": "Hi", "sampler": "ar", "seed": 3, "max_tokens": 200, "eos_bias": -5}
        whole = server.ask("/v1/completions", body)[2]
        before = server.metric("passes_total")
        stop = whole["choices"][0]["text"][5:7]
        server.ask("/v1/completions", {**body, "stop": stop})
        check("ar: no work after the stop", True, server.metric("passes_total") - before < 100)


def ending():
    """SIGTERM: what is under way is finished, nothing new begins."""
    with Server(PROGRAM, "--threads", "1", "--grace", "60", "-q") as server:
        alone = server.ask("/v1/completions", {"prompt": "Hi", "seed": 1, "iterations": 60, "patience": 0})[2]
        found = []
        asker = threading.Thread(target=lambda: found.append(
            server.ask("/v1/completions", {"prompt": "Hi", "seed": 1, "iterations": 60, "patience": 0})))
        before = server.metric("passes_total")
        asker.start()
        until(lambda: server.metric("passes_total") > before)
        server.process.send_signal(signal.SIGTERM)
        asker.join()
        check("finished", (200, alone["choices"]), (found[0][0], found[0][2]["choices"]))
        check("status", 0, server.process.wait(PATIENCE))
        try:
            server.connect(1).close()
            check("listens no more", "refused", "accepted")
        except OSError:
            pass


def waiting():
    """A client that does not read holds back its own draft alone."""
    with Server(PROGRAM, "--threads", "1", "-q") as server:
        idle = []
        for _ in range(3):
            s = server.connect()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.sendall(post("/api/denoise", {**LONG, "window": 256}))
            idle.append(s)
        status, _, text = server.ask("/api/denoise", {"prompt": "Hi", "iterations": 20, "seed": 1})
        check("others go on", (200, "done"), (status, json.loads(events(text)[-1])["event"]))
        check("memory", True, server.memory() < 1 << 30)
        for s in idle:
            s.close()
        check("they are let go", True, until(lambda: server.metric("queue") == 0))


def opening():
    """--open starts the desktop's browser with the address, and its signals are not blocked."""
    with tempfile.TemporaryDirectory() as folder:
        os.mkfifo(f"{folder}/said")
        with open(f"{folder}/xdg-open", "w") as f:
            f.write(f"#!/bin/sh\necho \"$1 $(grep SigBlk /proc/$$/status)\" > {folder}/said\n")
        os.chmod(f"{folder}/xdg-open", 0o755)
        path = os.environ["PATH"]
        os.environ["PATH"] = f"{folder}:{path}"
        try:
            with Server(PROGRAM, "--threads", "1", "-q", "--open") as server, open(f"{folder}/said") as f:
                url, _, blocked = f.read().split()
                check("--open", (f"http://127.0.0.1:{server.port}/", 0), (url, int(blocked, 16)))
        finally:
            os.environ["PATH"] = path


def starting():
    """What keeps a server from starting is one line, and a status."""
    with tempfile.TemporaryDirectory() as folder, Server(PROGRAM, "--threads", "1", "-q") as server:
        with open(f"{folder}/bad.pem", "w") as f:
            f.write("no certificate\n")
        for what, status, word, options in [
            ("port in use", 1, "in use", ["--port", str(server.port)]),
            ("port out of range", 2, "65535", ["--port", "99999"]),
            ("no such host", 2, "--host", ["--host", "no.such.host.invalid", "--port", "0"]),
            ("certificate alone", 2, "go together", ["--tls-cert", f"{folder}/bad.pem"]),
            ("no such certificate", 1, "none.pem", ["--tls-cert", f"{folder}/none.pem", "--tls-key", f"{folder}/bad.pem"]),
            ("bad certificate", 1, "certificate", ["--port", "0", "--tls-cert", f"{folder}/bad.pem", "--tls-key", f"{folder}/bad.pem"]),
            ("an argument", 2, "unexpected", ["hello"]),
        ]:
            run = subprocess.run([PROGRAM, "serve", "-m", MODEL, *options], capture_output=True, text=True, timeout=PATIENCE)
            check(what, (status, 1, True), (run.returncode, run.stderr.count("\n"), word in run.stderr))


parts = [opening, starting, mistakes, late, leaving, same, stops, ending, waiting]
run_parts(chosen(parts, sys.argv[2:]))
