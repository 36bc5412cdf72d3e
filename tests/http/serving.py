# SPDX-License-Identifier: MIT
"""A redraft server of one's own for a test, requests to it over plain sockets, and what the tests that use it share."""
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

MODEL = "tests/golden/models/llama-mha"
PATIENCE = 300  # seconds for what comes sooner, however slow the machine, unless something is broken
failed = []  # what `check` found to be otherwise


def check(what, wanted, found):
    if wanted != found:
        failed.append(what)
        print(f"FAILED {what}\n  expected: {wanted!r}\n  found:    {found!r}")


def chosen(parts, names):
    """The parts of these names, or all where none is named. A name that no part has would be a test that tries nothing."""
    known = {part.__name__: part for part in parts}
    for name in names:
        if name not in known:
            raise SystemExit(f"there is no part {name!r}; there are {', '.join(known)}")
    return [part for part in parts if not names or part.__name__ in names]


def run_parts(parts):
    """Runs parts one after the other, says how long each took, and ends the program with what `check` found."""
    for part in parts:
        begun = time.monotonic()
        part()
        print(f"{part.__name__}: {time.monotonic() - begun:.1f} s")
    sys.exit(1 if failed else 0)


def until(condition):
    """Waits for a condition; whether it came."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def roomy(folder):
    """A copy of the model with room for 2048 tokens: a draft of 1000 takes seconds."""
    copy = shutil.copytree(MODEL, f"{folder}/llama-mha")
    with open(f"{copy}/config.json") as f:
        config = json.load(f)
    with open(f"{copy}/config.json", "w") as f:
        json.dump({**config, "max_position_embeddings": 2048}, f)
    return copy


class Server:
    """`redraft serve` on a free port; ended when the `with` block ends."""

    def __init__(self, program, *options, model=MODEL):
        self.log = tempfile.TemporaryFile()
        model_options = ["-m", model, "--sampler", "lad"] if model else []
        self.process = subprocess.Popen(
            [program, "serve", *model_options, "--port", "0", *options],
            stdout=subprocess.PIPE, stderr=self.log)
        line = self.process.stdout.readline().decode()
        found = re.search(r"https?://[^ ]*:(\d+)/", line)
        if not found:
            self.log.seek(0)
            raise SystemExit(f"the server does not start: {line}{self.log.read().decode()}")
        self.port = int(found[1])

    def __enter__(self):
        return self

    def __exit__(self, *error):
        """The server must end well, which is when sanitizers speak."""
        if self.process.poll() is None:
            self.process.kill() if error[0] else self.process.terminate()
        status = self.process.wait(PATIENCE)
        self.log.seek(0)
        complaint = self.log.read().decode()
        self.process.stdout.close()
        self.log.close()
        if status != 0 and not error[0]:
            raise SystemExit(f"FAILED the server ended with {status}: {complaint[-3000:]}")

    def connect(self, timeout=PATIENCE):
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def ask(self, path, body=None, headers=None, method=None, timeout=PATIENCE):
        """(status, headers, body): the body as JSON where it is JSON, else as text."""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
            c.request(method or ("GET" if body is None else "POST"), path, data, headers or {})
            r = c.getresponse()
            text = r.read().decode()
            is_json = r.headers.get("Content-Type", "").startswith("application/json")
            return r.status, r.headers, json.loads(text) if is_json else text
        finally:
            c.close()

    def metric(self, name):
        text = self.ask("/metrics")[2]
        return float(re.search(rf"^redraft_{name} (\S+)$", text, re.M)[1])

    def processor(self):
        """Seconds of processor time so far."""
        with open(f"/proc/{self.process.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self, row="VmRSS"):
        """Resident bytes; VmHWM: the most that there were."""
        with open(f"/proc/{self.process.pid}/status") as f:
            return 1024 * int(re.search(rf"{row}:\s+(\d+)", f.read())[1])


def post(path, body, more=""):
    """The bytes of a request."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{more}Content-Length: {len(data)}\r\n\r\n".encode() + data


def everything(s):
    """What comes until the other side closes."""
    data = b""
    try:
        while part := s.recv(65536):
            data += part
    except ConnectionResetError:
        pass
    return data


def lines_of(text):
    """Lines as JSON Lines and server-sent events have them: str.splitlines() would cut at U+2028 and U+0085 too, which an answer may hold."""
    return text.removesuffix("\n").split("\n")


def events(text):
    """The data of server-sent events."""
    return [line[6:] for line in lines_of(text) if line.startswith("data: ")]
