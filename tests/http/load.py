# SPDX-License-Identifier: MIT
"""Many clients at once, some of them bad: python3 load.py PROGRAM [--seconds N] [--clients N] [--model DIR]

Streams of all three kinds, readers that are slow, requests half sent, connections dropped anywhere. Fails on a
status that is not documented, an answer that is not whole, memory that grows, or starved clients: all go on until each has
had two answers, so that one who gets none is overtaken again and again. Prints answer times and
useful tokens a second, beside those of one client alone in the same run."""
import argparse
import asyncio
import json
import random
import statistics
import sys
import time

from serving import PATIENCE, Server, events, until

arguments = argparse.ArgumentParser()
arguments.add_argument("program")
arguments.add_argument("--seconds", type=float, default=5)
arguments.add_argument("--clients", type=int, default=64)
arguments.add_argument("--model", help="without it: the built-in model")
arguments.add_argument("--ratio", type=float, default=0, help="least tokens a second, in those of one client")
arguments.add_argument("--threads", default="1")
arguments.add_argument("--window", type=int, default=32)
A = arguments.parse_args()

QUESTIONS = ["What's the capital of France?", "Where is Amsterdam?", "Name a river in Egypt.", "What is bread made of?"]
ALLOWED = {200, 429}
failures, times, statuses = [], [], {}
overtaken = []  # of each answer: how many others came between its question and itself
OVERTAKEN = 8  # at most, by each of the clients: an even share is about one
tokens = 0


def fail(what):
    failures.append(what)


class Cut(Exception):
    pass


async def connect(server, text):
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1 << 22)
    writer.write(text)
    await writer.drain()
    return reader, writer


def request(path, body):
    data = json.dumps(body).encode()
    return (f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            f"Content-Length: {len(data)}\r\n\r\n").encode() + data


def question(dice):
    return dice.choice(QUESTIONS), {"seed": dice.randrange(1 << 30), "iterations": 12}


async def stream(server, dice, slow=0.0, leave=None):
    """One question asked and read to its end: the answer's tokens, None where it was refused. `leave`: go after so many lines."""
    text, options = question(dice)
    kind = dice.choice(["events", "deltas", "drafts", "whole"])
    if kind == "events":
        path, body = "/api/denoise", {"prompt": text, "window": A.window, **options}
    else:
        path = "/v1/chat/completions"
        body = {"messages": [{"role": "user", "content": text}], "max_tokens": A.window // 2,
                "stream": kind != "whole", "diffusing": kind == "drafts", **options}
        if kind == "deltas":
            body["stream_options"] = {"include_usage": True}
    begun, before = time.monotonic(), len(times)
    reader, writer = await connect(server, request(path, body))
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        status = int(head.split(" ")[1])
        statuses[status] = statuses.get(status, 0) + 1
        if status not in ALLOWED:
            fail(f"status {status}: {head}")
        data = b""
        lines = 0
        while line := await reader.readline():
            data += line
            lines += 1
            if leave is not None and lines > leave:
                raise Cut
            if slow:
                await asyncio.sleep(slow)
        if status != 200:
            return None
        if leave is None and not slow:
            overtaken.append(len(times) - before)
            times.append(time.monotonic() - begun)
        return whole(kind, data.decode())
    finally:
        writer.close()


def whole(kind, text):
    """The tokens of an answer that must be whole."""
    if kind == "whole":
        return json.loads(text)["usage"]["completion_tokens"]
    data = events(text)
    if kind == "events":
        last = json.loads(data[-1])
        if last.get("event") != "done":
            fail(f"a stream without its end: {data[-1][:200]}")
        return last.get("tokens", 0)
    if data[-1] != "[DONE]":
        fail(f"a stream without its end: {data[-1][:200]}")
    return json.loads(data[-2])["usage"]["completion_tokens"] if kind == "deltas" else 0


async def client(server, dice, on, answers, number=0):
    global tokens
    while on():
        more = await stream(server, dice)
        tokens += more or 0
        answers[number] += more is not None


async def reader_in_no_hurry(server, dice, on):
    while on():
        await stream(server, dice, slow=0.05)


async def leaver(server, dice, on):
    while on():
        try:
            await stream(server, dice, leave=dice.randrange(12))
        except Cut:
            pass
        await asyncio.sleep(0.02)


async def half_asker(server, dice, on):
    text = request("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hi"}]})
    while on():
        reader, writer = await connect(server, text[:dice.randrange(len(text))])
        await asyncio.sleep(0.2 * dice.random())
        writer.close()


async def mistaken(server, dice, on):
    """Wrong requests, which must be told so."""
    rows = [(b"{", 400), (b'{"prompt":3}', 400), (b'{"prompt":"a","model":"none"}', 404),
            (b'{"prompt":"a","top_p":9}', 400), (b" " * 3000000, 413)]
    while on():
        body, wanted = dice.choice(rows)
        reader, writer = await connect(server, b"POST /api/denoise HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                                       b"Content-Length: %d\r\n\r\n" % len(body))
        try:
            writer.write(body)
            await writer.drain()
            line = await reader.readline()
            if int(line.split(b" ")[1]) != wanted:
                fail(f"expected {wanted}, found {line}")
        except OSError:
            if wanted != 413:
                fail(f"expected {wanted}, found a closed connection")
        finally:
            writer.close()
        await asyncio.sleep(0.1)


async def sampled(server, on, sizes):
    while on():
        sizes.append(server.memory())
        await asyncio.sleep(max(0.1, A.seconds / 60))


async def run(server):
    global tokens
    dice = random.Random(1)
    await stream(server, dice)  # the first pass makes what later ones use
    times.clear()
    tokens, begun, worked = 0, time.monotonic(), server.processor()
    await client(server, random.Random(2), lambda: time.monotonic() < begun + max(2, A.seconds / 4), [0])
    alone = tokens / (time.monotonic() - begun)
    alone_worked = tokens / (server.processor() - worked)
    alone_median = statistics.median(times)
    times.clear()
    overtaken.clear()
    tokens, begun, worked, sizes, answers = 0, time.monotonic(), server.processor(), [], [0] * A.clients

    def on():
        return time.monotonic() < begun + A.seconds or min(answers) < 2
    others = [reader_in_no_hurry] * 4 + [leaver] * 4 + [half_asker] * 4 + [mistaken] * 2
    try:
        await asyncio.wait_for(asyncio.gather(
            sampled(server, on, sizes), *(client(server, random.Random(i), on, answers, i) for i in range(A.clients)),
            *(other(server, random.Random(100 + i), on) for i, other in enumerate(others))), A.seconds + PATIENCE)
    except asyncio.TimeoutError:
        fail(f"{sum(n < 2 for n in answers)} clients had fewer than two answers in {A.seconds + PATIENCE:.0f} s")
        return
    together = tokens / (time.monotonic() - begun)
    together_worked = tokens / (server.processor() - worked)
    def spread(values):
        return statistics.median(values), sorted(values)[int(0.95 * (len(values) - 1))]

    median, late = spread(times)
    usual, most = statistics.median(overtaken), max(overtaken)
    print(f"answers {len(times)}, statuses {statuses}")
    print(f"alone {alone:.1f} tokens/s, {alone_median:.3f} s an answer; {A.clients} clients {together:.1f} tokens/s "
          f"({together / alone:.2f} times), median {median:.3f} s, p95 {late:.3f} s ({late / median:.2f} times)")
    print(f"between a question and its answer: {usual:.0f} other answers, at most {most}")
    print(f"by processor time: alone {alone_worked:.1f} tokens/s, together {together_worked:.1f} "
          f"({together_worked / alone_worked:.2f} times)")
    half = sizes[len(sizes) // 2:]
    print(f"memory {sizes[0] >> 20} MB at first, {half[0] >> 20} MB halfway, {half[-1] >> 20} MB at the end")
    if half[-1] > 1.15 * half[0] + (8 << 20):
        fail("memory grows")
    if most > OVERTAKEN * A.clients:
        fail(f"some wait much longer than others: {most} answers came before one of theirs, to {A.clients} clients")
    if together < A.ratio * alone:
        fail(f"fewer than {A.ratio} times the tokens of one client")
    if not until(lambda: server.metric("queue") == 0):
        fail("drafts are left over")
    if server.metric("failed_total") > 0:
        fail("drafts failed")


with Server(A.program, "--threads", A.threads, "-q", model=A.model) as server:
    asyncio.run(run(server))
for line in sorted(set(failures))[:10]:
    print(f"FAILED {line}")
sys.exit(1 if failures else 0)
