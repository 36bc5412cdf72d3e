# SPDX-License-Identifier: MIT
"""Two replicas behind HAProxy, with packaging/haproxy: python3 balance.py PROGRAM"""
import http.client
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading

from serving import PATIENCE, Server, check, events, everything, failed, post, roomy, until

PROGRAM = sys.argv[1]
OPTIONS = ("--threads", "1", "-q", "--grace", "20", "--host", "127.0.0.1")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Balancer(Server):
    """HAProxy with the configuration that the project ships."""

    def __init__(self, replicas, **more):
        self.port = free_port()
        self.log = tempfile.TemporaryFile()
        environment = {**os.environ, "REDRAFT_LISTEN": f"127.0.0.1:{self.port}", "REDRAFT_INNER": f"abns@redraft-{self.port}",
                       "REDRAFT_LUA": "packaging/haproxy/redraft.lua", **more,
                       **{f"REDRAFT_{name}": f"127.0.0.1:{r.port}" for name, r in zip("AB", replicas)}}
        self.process = subprocess.Popen(["haproxy", "-db", "-f", "packaging/haproxy/redraft.cfg"], env=environment,
                                        stdout=subprocess.PIPE, stderr=self.log)
        until(lambda: self.answers())

    def answers(self):
        try:
            return self.ask("/health")[0] == 200
        except OSError:
            return False

    def __exit__(self, *error):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.process.stdout.close()
        self.log.close()


def requests_of(replica):
    return replica.metric("sequences_total")


def whole(balancer):
    """All that a replica answers comes through: one after another, streamed and not."""
    body = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 4, "iterations": 2, "seed": 1}
    status, headers, answer = balancer.ask("/v1/chat/completions", body)
    check("an answer", (200, "chat.completion"), (status, answer.get("object")))
    status, headers, text = balancer.ask("/v1/chat/completions", {**body, "stream": True})
    check("a stream", (200, "[DONE]", True), (status, events(text)[-1], headers["Content-Type"].startswith("text/event-stream")))
    said = "".join(json.loads(line)["choices"][0]["delta"].get("content") or "" for line in events(text)[:-1])
    check("the same text", answer["choices"][0]["message"]["content"], said)
    status, _, text = balancer.ask("/api/denoise", {"prompt": "Hi", "iterations": 2, "patience": 0})
    check("drafts", (200, "done"), (status, json.loads(events(text)[-1])["event"]))
    check("a mistake", 400, balancer.ask("/api/denoise", {"prompt": 3})[0])
    check("no such path", 404, balancer.ask("/api/none", {})[0])
    check("the page", 200, balancer.ask("/")[0])
    long = "The quick brown fox " * 20000
    check("a body above the buffer", 200, balancer.ask("/api/tokenize", {"text": long})[0])


def alike(balancer, replicas):
    """Conversations with one beginning go to one replica, others elsewhere, those without in turn."""
    def where(system, n, **more):
        before = [requests_of(r) for r in replicas]
        for i in range(n):
            first = [{"role": "system", "content": system}] if system else []
            check("an answer", 200, balancer.ask("/v1/chat/completions", {
                "messages": [*first, {"role": "user", "content": f"Hi {i}"}], "max_tokens": 2, "iterations": 1, **more})[0])
        return tuple(requests_of(r) > b for r, b in zip(replicas, before))

    places = [where(f"You are number {i}.", 4) for i in range(12)]
    check("each beginning at one replica", {1}, {sum(p) for p in places})
    check("not all at the same", 2, len(set(places)))
    check("again at the same", places, [where(f"You are number {i}.", 1) for i in range(12)])
    check("without a beginning: in turn", (True, True), where(None, 6))


def stream(balancer, **more):
    s = balancer.connect()
    body = {"prompt": "Hi", "iterations": 512, "patience": 0, "window": 1000, **more}
    s.sendall(post("/api/denoise", body, "Connection: close\r\n"))
    return s


def busy(replicas):
    return [r for r in replicas if r.metric("queue") > 0]


def leaving(balancer, replicas):
    """A client that leaves in mid-stream frees its place behind the balancer too."""
    s = stream(balancer)
    check("it begins", True, until(lambda: busy(replicas)))
    s.recv(100)
    s.close()
    check("its place is free", True, until(lambda: not busy(replicas)))


def popular(balancer, replicas):
    """A beginning that everybody has goes to all."""
    crowd = [stream(balancer, system="You are everybody's.") for _ in range(8)]
    check("one beginning, many at once", True, until(lambda: len(busy(replicas)) == 2))
    for s in crowd:
        s.close()
    check("and they are gone", True, until(lambda: not busy(replicas)))


class Received:
    """Bytes that came, where http.client looks for a socket."""

    def __init__(self, data):
        self.data = data

    def makefile(self, mode):
        return io.BytesIO(self.data)


def body_of(data):
    """A response's text: an event may lie in two of HTTP's chunks."""
    response = http.client.HTTPResponse(Received(data))
    response.begin()
    return response.read().decode()


def draining(balancer, replicas, stopped):
    """A replica that is told to stop finishes what it writes; nobody is refused meanwhile."""
    s = stream(balancer)
    until(lambda: busy(replicas))
    [one] = busy(replicas)
    other = replicas[1 - replicas.index(one)]
    stopped.append(one)
    text = []
    reader = threading.Thread(target=lambda: text.append(everything(s)))
    reader.start()
    one.process.send_signal(signal.SIGTERM)
    statuses = [balancer.ask("/v1/completions", {"prompt": "Hi", "max_tokens": 2})[0] for _ in range(30)]
    check("while one drains", {200}, set(statuses))
    reader.join()
    check("its stream ends as it should", "done", json.loads(events(body_of(text[0]))[-1])["event"])
    check("it ends", 0, one.process.wait(PATIENCE))
    check("the other goes on", 200, balancer.ask("/v1/completions", {"prompt": "Hi", "max_tokens": 2})[0])
    return other


def killed(balancer, one):
    """A replica is killed in mid-stream: whole events, the last of which says so."""
    for path, body, done in [
        ("/api/denoise", {"prompt": "Hi", "iterations": 512, "patience": 0, "window": 1000}, "done"),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hi"}], "iterations": 512, "patience": 0,
                                  "max_tokens": 900, "stream": True, "diffusing": True}, "[DONE]"),
    ]:
        yield
        s = balancer.connect()
        s.sendall(post(path, body, "Connection: close\r\n"))
        begun = s.recv(65536)
        one[0].process.kill()
        data = begun + everything(s)
        lines = events(body_of(data))
        check(f"{path}: the last event", "replica_gone", json.loads(lines[-1]).get("error", {}).get("code"))
        check(f"{path}: every event is whole", True, all(json.loads(line) for line in lines))
        check(f"{path}: it does not look whole", False, done in lines[-1])
        check(f"{path}: the stream is closed as HTTP wants", True, data.endswith(b"0\r\n\r\n"))
        one[0].process.wait(PATIENCE)
        check("nobody is left", 503, balancer.ask("/health")[0])


with tempfile.TemporaryDirectory() as folder:
    model = roomy(folder)
    replicas = [Server(PROGRAM, *OPTIONS, model=model) for _ in range(2)]
    ended = []
    with Balancer(replicas, REDRAFT_SPREAD="0") as balancer:
        alike(balancer, replicas)
    with Balancer(replicas) as balancer:
        whole(balancer)
        popular(balancer, replicas)
        leaving(balancer, replicas)
        last = draining(balancer, replicas, ended)
        one = [last]
        for i, _ in enumerate(killed(balancer, one)):
            if i > 0:  # a replica comes back at its address, and is found
                one[0] = Server(PROGRAM, *OPTIONS, "--port", str(last.port), model=model)
                check("found again", True, until(balancer.answers))
sys.exit(1 if failed else 0)
