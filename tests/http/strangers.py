# SPDX-License-Identifier: MIT
"""A server in front of strangers: python3 strangers.py PROGRAM [NAME..]"""
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time

from serving import MODEL, PATIENCE, Server, check, chosen, everything, post, roomy, run_parts, until

PROGRAM = sys.argv[1]
BODY = b'{"text":"Hi"}'
HEAD = b"POST /api/tokenize HTTP/1.1\r\nHost: localhost\r\n"
SECOND = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


def said(server, request):
    """Statuses of all responses to these bytes, and all that came until the server closed. Our side is not closed."""
    with server.connect() as s:
        try:
            s.sendall(request)
        except OSError:
            pass
        data = everything(s)
        return [int(part[:3]) for part in data.split(b"HTTP/1.1 ")[1:]], data


def heads():
    """What a proxy in front might read differently is refused, and nothing behind it is answered."""
    length = b"Content-Length: 13\r\n"
    chunked = b"Transfer-Encoding: chunked\r\n"
    chunks = b"d\r\n" + BODY + b"\r\n0\r\n\r\n"
    rows = [
        ("two lengths", 400, "two_lengths", HEAD + length + b"Content-Length: 0\r\n\r\n" + BODY),
        ("one length twice", 400, "two_lengths", HEAD + length + length + b"\r\n" + BODY),
        ("length and coding", 400, "two_lengths", HEAD + length + chunked + b"\r\n" + chunks),
        ("coding and length", 400, "two_lengths", HEAD + chunked + b"Content-Length: 4\r\n\r\n" + chunks),
        ("two codings", 400, "two_lengths", HEAD + chunked + chunked + b"\r\n" + chunks),
        ("coding of old", 400, "two_lengths", b"POST /api/tokenize HTTP/1.0\r\nHost: localhost\r\n" + chunked + b"\r\n" + chunks),
        ("unknown coding", 501, "unknown_coding", HEAD + b"Transfer-Encoding: gzip\r\n\r\n" + BODY),
        ("coding in coding", 501, "unknown_coding", HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + chunks),
        ("coding with more", 501, "unknown_coding", HEAD + b"Transfer-Encoding: chunked x\r\n\r\n" + chunks),
        ("two hosts", 400, "bad_host", b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"),
        ("two keys", 400, "bad_host", b"GET /health HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n"),
        ("blank before a colon", 400, "bad_header_name", HEAD + b"Content-Length : 13\r\n\r\n" + BODY),
        ("tab before a colon", 400, "bad_header_name", HEAD + b"Content-Length\t: 13\r\n\r\n" + BODY),
        ("blank before the first name", 400, "bad_header_name", b"GET /health HTTP/1.1\r\n Host: localhost\r\nHost: localhost\r\n\r\n"),
        ("no name", 400, "bad_line", b"GET /health HTTP/1.1\r\nHost: localhost\r\n: x\r\n\r\n"),
        ("bare LF behind the request", 400, "bad_line", b"GET /health HTTP/1.1\nHost: localhost\r\n\r\n"),
        ("bare LF behind a header", 400, "bad_line", b"GET /health HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n"),
        ("bare LFs at the end", 400, "bad_line", b"GET /health HTTP/1.1\r\nHost: localhost\n\n" + SECOND),
        ("bare LF at the end", 400, "bad_line", b"GET /health HTTP/1.1\r\nHost: localhost\r\n\n" + SECOND),
        ("folded", 400, "bad_line", b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n"),
        ("folded to a length", 400, "bad_line", HEAD + b"Content: 13\r\n -Length\r\n\r\n" + BODY),
        ("folded first", 400, "bad_line", b"GET /health HTTP/1.1\r\nHost:\r\n localhost\r\nX: y\r\n\r\n"),
        ("blank in the address", 400, "bad_line", b"GET /health x HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ("NUL in a header", 400, "bad_line", b"GET /health HTTP/1.1\r\nX: a\0b\r\nHost: localhost\r\n\r\n"),
        ("NUL in the last header", 400, "bad_line", b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n"),
        ("NUL in the address", 400, "bad_line", b"GET /health\0x HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ("bare CR", 400, "bad_header", b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: a\rb\r\n\r\n"),
        ("a control character", 400, "bad_header", b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: a\x01b\r\n\r\n"),
        ("no host", 400, "bad_host", b"GET /health HTTP/1.1\r\n\r\n"),
        # These are answered by libmicrohttpd, in a text of its own.
        ("length with a sign", 400, None, HEAD + b"Content-Length: +13\r\n\r\n" + BODY),
        ("list of lengths", 400, None, HEAD + b"Content-Length: 13, 13\r\n\r\n" + BODY),
        ("negative length", 400, None, HEAD + b"Content-Length: -1\r\n\r\n" + BODY),
        ("header without a colon", 400, None, b"GET /health HTTP/1.1\r\nHost: localhost\r\nX\r\n\r\n"),
        ("NUL in the path", 404, "not_found", b"GET /health%00x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
        ("NUL in a query", 404, "model_not_found", b"GET /api/options?model=llama-mha%00x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
        ("half an escape", 404, "not_found", b"GET /health%4 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
    ]
    with Server(PROGRAM, "--threads", "1", "-q") as server:
        for what, status, name, request in rows:
            close = b"Connection: close" in request
            statuses, data = said(server, request + (b"" if close else SECOND))
            # libmicrohttpd 0.9.75 writes some heads of its errors twice
            check(what, [status] if name else {status}, statuses if name else set(statuses))
            if name and statuses:
                text = data.split(b"\r\n\r\n", 1)[1]
                check(f"{what}: code", name, json.loads(text)["error"]["code"] if text[:1] == b"{" else text)
        for what, request in [
            ("as it should be", HEAD + length + b"\r\n" + BODY),
            ("in chunks", HEAD + b"Transfer-Encoding: Chunked\r\n\r\n" + chunks),
            ("blanks around values", HEAD + b"Content-Length: \t 13\r\nX: \r\nY:z \r\n\r\n" + BODY),
            ("escapes", b"GET /%68ealth HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            ("a query", b"GET /api/options?model=llama%2Dmha&x=1+2 HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            ("cookies", b"GET /health HTTP/1.1\r\nCookie: a=b; c=d\r\nHost: localhost\r\n\r\n"),
            ("many headers", b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: b\r\n" * 200 + b"\r\n"),
        ]:
            check(what, [200, 200], said(server, request + SECOND.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))[0])
        with server.connect() as s:  # a head that comes byte by byte is read as any other
            for i in range(len(SECOND)):
                s.sendall(SECOND[i:i + 1])
            check("byte by byte", b"HTTP/1.1 200", s.recv(12))
        check("old, without a host", [200], said(server, b"GET /health HTTP/1.0\r\n\r\n")[0])
        statuses, _ = said(server, b"GET /health?" + b"&".join(b"a%d=1" % i for i in range(10000)) + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        check("10,000 arguments", True, len(statuses) == 1 and 400 <= statuses[0] < 500)
        with server.connect() as s:  # a client that closes its side has left
            s.sendall(post("/api/denoise", {"prompt": "Hi", "iterations": 512, "patience": 0}))
            s.shutdown(socket.SHUT_WR)
            everything(s)
        check("half-closed", True, until(lambda: server.metric("queue") == 0))


def pages():
    """Without a key the loopback address answers for itself and its own page alone."""
    rows = [
        ("by number", 200, {"Host": "127.0.0.1:8080"}), ("by name", 200, {"Host": "LOCALHOST"}),
        ("by another number", 200, {"Host": "127.9.9.9"}), ("version 6", 200, {"Host": "[::1]:80"}),
        ("a name below", 200, {"Host": "redraft.localhost:1"}),
        ("another name", 403, {"Host": "evil.example:8080"}), ("a name like it", 403, {"Host": "localhost.evil.example"}),
        ("another like it", 403, {"Host": "notlocalhost"}), ("127 in a name", 403, {"Host": "127.0.0.1.evil.example"}),
        ("an empty one", 403, {"Host": ""}), ("a number elsewhere", 403, {"Host": "10.0.0.1"}),
        ("its own page", 200, {"Host": "localhost:81", "Origin": "http://localhost:81"}),
        ("another port's page", 403, {"Host": "localhost:81", "Origin": "http://localhost:82"}),
        ("another site", 403, {"Origin": "https://evil.example"}), ("no site", 403, {"Origin": "null"}),
    ]
    text = {"Content-Type": "text/plain"}
    with Server(PROGRAM, "--threads", "1", "-q") as server:
        for what, status, headers in rows:
            check(what, status, server.ask("/api/tokenize", BODY, {**text, **headers})[0])
        check("the page in another name", 403, server.ask("/", None, {"Host": "evil.example"})[0])
        check("nothing was counted as a draft", 0, server.metric("passes_total"))
    with Server(PROGRAM, "--threads", "1", "-q", "--cors", "https://other.example") as server:
        check("the site of --cors", 200, server.ask("/api/tokenize", BODY, {"Origin": "https://other.example"})[0])
        check("it asks first", 204, server.ask("/api/tokenize", None, {"Origin": "https://other.example"}, "OPTIONS")[0])
        check("no other", 403, server.ask("/api/tokenize", BODY, {"Origin": "https://evil.example"})[0])
    with Server(PROGRAM, "--threads", "1", "-q", "--cors", "*") as server:
        check("--cors *", 200, server.ask("/api/tokenize", BODY, {"Origin": "https://evil.example"})[0])
    with Server(PROGRAM, "--threads", "1", "-q", "--api-key", "sesame") as server:
        key = {"Authorization": "Bearer sesame", "Host": "proxy.example", "Origin": "https://proxy.example:8"}
        check("with the key, any name", 200, server.ask("/api/tokenize", BODY, key)[0])
        check("without it, none", 401, server.ask("/api/tokenize", BODY, {"Host": "proxy.example"})[0])


def starting():
    """A key or an origin that no client could meet is refused before the socket is open."""
    for what, options, variable in [
        ("empty key", ["--api-key", ""], None), ("empty key of the environment", [], ""),
        ("key with a line's end", ["--api-key", "a\nb"], None), ("key with a blank at its end", ["--api-key", "a "], None),
        *[(f"--cors {bad!r}", ["--cors", bad], None) for bad in (
            "", "example.org", "https://", "https://example.org/", "https://a.example,https://b.example", "https://a b", "://x",
            "https://x\r\nSet-Cookie: a", "https://*.example.org", "null")],
    ]:
        environment = {k: v for k, v in os.environ.items() if k != "REDRAFT_API_KEY"}
        if variable is not None:
            environment["REDRAFT_API_KEY"] = variable
        try:
            run = subprocess.run([PROGRAM, "serve", "-m", MODEL, "--port", "0", "-q", *options], capture_output=True,
                                 text=True, timeout=PATIENCE, env=environment)
            check(what, (2, ""), (run.returncode, run.stdout))
        except subprocess.TimeoutExpired:
            check(what, 2, "it serves")


def bodies():
    """Who has no key, or too much to say, is not listened to; who is told so can read it."""
    with Server(PROGRAM, "--threads", "1", "-q", "--api-key", "sesame", "--max-body", "33554432") as server:
        before = server.memory()
        sockets = [server.connect() for _ in range(10)]
        part = b" " * (8 << 20)
        for s in sockets:
            s.sendall(b"POST /api/denoise HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\n" + part)
        check("bodies without a key are not kept", True, server.memory() - before < 24 << 20)
        for s in sockets:
            s.sendall(b" " * (9000000 - len(part)))
            check("401 when all is read", b"HTTP/1.1 401", s.recv(12))
            s.close()
        with server.connect() as s:
            s.sendall(b"POST /api/denoise HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000000\r\n\r\n")
            check("401 before a long one", b"HTTP/1.1 401", s.recv(12))
        with server.connect() as s:
            s.sendall(b"POST /api/denoise HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
            check("401 before 100", b"HTTP/1.1 401", s.recv(12))
    os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=8"  # freed bytes do not count
    with Server(PROGRAM, "--threads", "1", "-q", "--max-body", "33554432") as server:
        before = server.memory()
        answer = server.ask("/api/tokenize", {"text": "The quick brown fox " * 100000})[2]
        check("as many pieces as ids", len(answer["ids"]), len(answer["pieces"]))
        check("2 MB of tokens take no hundred", True, server.memory("VmHWM") - before < 120 << 20)
    with Server(PROGRAM, "--threads", "1", "-q", "--max-body", "4096") as server:
        for what, size in [("little", 5000), ("much", 3 << 20), ("more than is worth reading", 40 << 20)]:
            for how, head, tail in [("announced", f"Content-Length: {size}\r\n\r\n".encode(), b""),
                                    ("in chunks", f"Transfer-Encoding: chunked\r\n\r\n{size:x}\r\n".encode(), b"\r\n0\r\n\r\n")]:
                with server.connect() as s:
                    try:
                        s.sendall(b"POST /api/denoise HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + head + b" " * size + tail)
                        found = b""
                        while data := s.recv(65536):
                            found += data
                        check(f"{what}, {how}", b"HTTP/1.1 413", found[:12])
                    except OSError as e:
                        check(f"{what}, {how}", "413", str(e))
        check("nothing of it is kept", True, server.memory() < 1 << 30)


def crowds():
    """Idle and slow clients give way to new ones; where all are at work the new one hears 503. Nobody is late meanwhile."""
    patient = ("--threads", "1", "-q", "--request-timeout", "3600")
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    with Server(PROGRAM, *patient) as server:  # 320 connections
        idle = [server.connect() for _ in range(200)]
        slow = [server.connect() for _ in range(200)]
        for s in slow:
            s.sendall(post("/api/tokenize", {"text": "a"})[:-3])
        first = []
        for _ in range(20):
            begun = time.monotonic()
            check("a new one among idle and slow ones", 200, server.ask("/health")[0])
            first.append(time.monotonic() - begun)
        print(f"  a new client among 400 waits {max(first):.3f} s at most")
        check("the longest idle one is told", b"HTTP/1.1 503", idle[0].recv(12))
        slow[-1].sendall(post("/api/tokenize", {"text": "a"})[-3:])
        check("the last slow one is served", b"HTTP/1.1 200", slow[-1].recv(12))
        for s in idle + slow:
            s.close()
    with Server(PROGRAM, *patient, "--max-queue", "1", "--host", "0.0.0.0") as server:  # 66, 33 for each
        other = socket.create_connection(("127.0.0.1", server.port), PATIENCE, ("127.0.0.2", 0))
        idle = [server.connect() for _ in range(40)]
        check("one address gives way to itself", b"HTTP/1.1 503", idle[0].recv(12))
        other.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        check("not another's", b"HTTP/1.1 200", other.recv(12))
        for s in [other, *idle]:
            s.close()
    with Server(PROGRAM, *patient, "--max-queue", "1", "--grace", "0") as server:  # 66 connections
        work = post("/api/denoise", {"prompt": "Hi", "iterations": 512, "patience": 0})
        first = server.connect()
        first.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        first.sendall(work)
        until(lambda: server.metric("queue") == 1)
        held, told = [], []  # answers that nobody reads to their end, of the largest page there is
        while len(held) < 80 and b"HTTP/1.1 503" not in told:
            s = server.connect()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 60)
            told.append(s.recv(12))
            held.append(s)
        # one that is between two of its answers as a new one comes may give way: then there are more than the 65
        check("answers, then 503", ([b"HTTP/1.1 200"] * (len(told) - 1) + [b"HTTP/1.1 503"], True), (told, len(told) >= 66))
        for s in [first, *held]:
            s.close()
        check("room again", True, until(lambda: server.ask("/health")[0] == 200))


def fair():
    """A short draft ends soon, however many long ones were there before it; and those do go on."""
    long = post("/api/denoise", {"prompt": "Hi", "iterations": 512, "patience": 0, "window": 60})
    with Server(PROGRAM, "--threads", "1", "-q", "--grace", "0", "--max-batch-tokens", "128") as server:
        crowd = [server.connect() for _ in range(60)]
        for s in crowd:
            s.sendall(long)
        until(lambda: server.metric("queue") == 60)
        before = server.metric("passes_total")
        until(lambda: server.metric("passes_total") > before + 60)
        before = server.metric("passes_total")
        check("a short one among them", 200, server.ask("/api/denoise", {
            "prompt": "Hi", "iterations": 2, "patience": 0, "window": 60})[0])
        passes = server.metric("passes_total") - before
        print(f"  2 iterations beside 60 drafts of 512: {passes:.0f} passes")
        check("passes until it ended", True, passes < 30)
        for s in crowd:
            s.close()


def signals():
    """While models are opened one signal ends the program; under way the second ends the grace; what cannot be written is said."""
    many = [word for i in range(100) for word in ("-m", f"m{i}={MODEL}")]
    run = subprocess.Popen([PROGRAM, "serve", *many, "--port", "0", "-q"], stdout=subprocess.PIPE, text=True)

    def has(process, row):
        """Whether SIGTERM is in this row of a process: SigBlk, blocked; ShdPnd, sent and not taken yet."""
        with open(f"/proc/{process.pid}/status") as f:
            return int(re.search(rf"{row}:\s*(\w+)", f.read())[1], 16) >> (signal.SIGTERM - 1) & 1

    until(lambda: has(run, "SigBlk"))
    run.terminate()
    check("a signal while models are opened", ("", 0), (run.communicate()[0], run.returncode))
    with tempfile.TemporaryDirectory() as folder, Server(
            PROGRAM, "--threads", "1", "--grace", "3600", "-q", model=roomy(folder)) as server, server.connect() as s:
        s.sendall(post("/api/denoise", {"prompt": "Hi", "iterations": 512, "patience": 0, "window": 1000}))
        until(lambda: server.metric("passes_total") > 0)
        server.process.terminate()
        until(lambda: not has(server.process, "ShdPnd"))  # two that wait are one
        server.process.terminate()
        check("the second signal", (True, 0), (b'"stopped":"cancelled"' in everything(s), server.process.wait(PATIENCE)))
    for words in (["--help"], ["--version"], ["help"], ["generate", "--help"], ["help", "--man"]):
        with open("/dev/full", "w") as full:
            run = subprocess.run([PROGRAM, *words], stdout=full, stderr=subprocess.PIPE, text=True)
            check(f"{words} > /dev/full", (1, 1), (run.returncode, run.stderr.count("standard output")))


parts = [heads, pages, starting, bodies, crowds, fair, signals]
run_parts(chosen(parts, sys.argv[2:]))
