#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Asks a model the evaluation sets and prints the table of what tini must reach, with 95% Wilson intervals.

score.py PROGRAM [--settings lad,noise,threshold,ar,demo] [--sets facts,talk] [--limit N] [--json FILE] [--answers FILE]
         [-m MODEL --adapter DIR] [--threads N] [--option NAME=VALUE]...

One server process answers everything. A setting is a row of SETTINGS, or such a name with options: lad:iterations=4:temperature=1.
--drafts asks /api/denoise instead of /v1/chat/completions, which also tells the iterations and whether the drafts converged; the
setting demo does so by itself. A set without a group of its own kind is skipped in rows that need it.
"""

import argparse
import http.client
import json
import math
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import evalsets
import judge
import setfiles

HERE = os.path.dirname(os.path.abspath(__file__))
SETTINGS = {
    "lad": {"sampler": "lad", "no_noise": True, "temperature": 0, "iterations": 64},
    "noise": {"sampler": "lad", "no_noise": False, "temperature": 0, "iterations": 64},
    "demo": {"sampler": "lad", "no_noise": True, "temperature": 1, "top_k": 3, "iterations": 64},
    "threshold": {"sampler": "threshold", "temperature": 0},
    "ar": {"sampler": "ar", "temperature": 0},
    "default": {}}
SETS = ("facts", "second", "system", "talk", "told", "outside", "typed", "sums")
Z = 1.959964


def wilson(good, n):
    """(share, low, high)."""
    if n == 0:
        return None
    p, z2 = good / n, Z * Z
    middle, half = (p + z2 / (2 * n)) / (1 + z2 / n), Z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return p, max(0.0, middle - half), min(1.0, middle + half)


def setting(text):
    """'lad:iterations=4' -> the options of lad with others."""
    name, *changes = text.split(":")
    if name not in SETTINGS:
        raise SystemExit(f"--settings {name}: not one of {', '.join(SETTINGS)}")
    options = dict(SETTINGS[name])
    options.update(pairs(changes))
    return options


def pairs(items):
    out = {}
    for item in items:
        name, _, value = item.partition("=")
        try:
            out[name.replace("-", "_")] = json.loads(value)
        except ValueError:
            out[name.replace("-", "_")] = value
    return out


class Server:
    """redraft serve on a free port; asked over HTTP, one connection a request."""

    def __init__(self, program, arguments):
        try:
            self.process = subprocess.Popen([program, "serve", "--port", "0", "-q", *arguments], stdout=subprocess.PIPE, text=True)
        except OSError as e:
            raise SystemExit(f"{program}: {e.strerror}") from e
        line = self.process.stdout.readline()
        found = re.search(r":(\d+)/", line)
        if not found:
            raise SystemExit(f"the server did not start: {line!r}")
        self.port = int(found.group(1))

    def close(self):
        self.process.terminate()
        self.process.wait()

    def post(self, path, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        try:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            reply = connection.getresponse()
            data = reply.read()
            if reply.status != 200:
                raise RuntimeError(f"{path}: {reply.status}: {data[:200]!r}")
            return data
        finally:
            connection.close()

    def ask(self, messages, options, drafts):
        """{"answer", "finished", "iterations", "tokens", "converged"}; the last two are None without drafts."""
        body = {"messages": messages, "seed": 1, **options}
        if not drafts:
            data = json.loads(self.post("/v1/chat/completions", body))
            choice = data["choices"][0]
            return {"answer": choice["message"]["content"], "finished": choice["finish_reason"] == "stop", "iterations": None,
                    "tokens": data["usage"]["completion_tokens"], "converged": None}
        events = self.post("/api/denoise", body).decode()
        done = json.loads(events[events.rindex("event: done"):].split("data: ", 1)[1].split("\n", 1)[0])
        return {"answer": done["text"], "finished": done["stopped"] not in ("window", "length"), "iterations": done["iterations"],
                "tokens": done["tokens"], "converged": done["stopped"] == "converged"}


def read_sets(folder, names, limit):
    rows = []
    for name in names:
        try:
            items = setfiles.read(folder, name)
        except OSError as e:
            raise SystemExit(f"--sets {name}: {e.filename}: {e.strerror}") from e
        step = max(1, len(items) // limit) if limit else 1
        if name in ("typed", "system") and limit:
            kept = {r.get("pair") for r in items if "pair" in r and r["pair"] < max(1, limit // 4)}
            items = [r for r in items if r.get("pair") in kept] + [r for r in items if "pair" not in r][:limit // 2]
        else:
            items = items[::step][:limit or None]
        rows += [{**row, "set": name} for row in items]
    return rows


def ask_all(server, rows, options, drafts, workers):
    def one(row):
        reply = server.ask(row["messages"], options, drafts)
        reply["right"] = judge.right(row, reply["answer"], reply["finished"])
        reply["near"] = judge.near(row, reply["answer"], reply["finished"])
        reply["refused"] = judge.refuses(reply["answer"])
        return reply
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(one, rows))


# The rows of the table: what it says, which answers count, what is measured of each, and what is to be reached.
def of(name, *groups):
    return lambda row: row["set"] == name and (not groups or row["group"].split(":")[0] in groups)


def inside(row):
    """Questions within what is known."""
    return "refuses" not in row["right"] and row["set"] not in ("outside",)


MEASURES = [
    ("facts in unseen phrasings", of("facts"), "right", "97%"),
    ("the same, or clean text with the right value", of("facts"), "near", ""),
    ("second turns", of("second"), "right", "90%"),
    ("without a system prompt", of("system", "none"), "right", ""),
    ("with \"You are a helpful assistant.\"", of("system", "helpful"), "right", "no loss"),
    ("with unseen neutral system prompts", of("system", "unseen"), "right", "no loss"),
    ("system prompts that change the answer", of("system", "persona"), "right", ""),
    ("small talk, greetings, who are you", of("talk"), "right", "95%"),
    ("stories, poems, descriptions: well written", of("told"), "right", "90%"),
    ("stories alone", of("told", "story"), "right", ""),
    ("outside: refuses plainly", of("outside"), "right", "90%"),
    ("inside: refuses wrongly", inside, "refused", "3%"),
    ("typed clean", of("typed", "clean"), "right", ""),
    ("misspelt", of("typed", "misspelt"), "right", "85% of clean"),
    ("shouted", of("typed", "shouted"), "right", "85% of clean"),
    ("unpunctuated", of("typed", "unpunctuated"), "right", "85% of clean"),
    ("sums and comparisons", of("sums"), "right", ""),
    ("converged, in scope", inside, "converged", "90% (demo)")]


def table(rows, results):
    """{measure: {setting: [good, n, share, low, high]}}."""
    out = {}
    for title, chosen, what, _ in MEASURES:
        cells = {}
        for name, replies in results.items():
            asked = [(evalsets.key(row["messages"]), reply[what]) for row, reply in zip(rows, replies) if chosen(row) and reply[what] is not None]
            if asked:  # the same words typed twice are one question to the interval
                good, distinct = sum(value for _, value in asked), len({said for said, _ in asked})
                cells[name] = [good, len(asked), *wilson(good / len(asked) * distinct, distinct)]
        if cells:
            out[title] = cells
    return out


def show(measured, names):
    print("| | " + " | ".join(names) + " | to reach |")
    print("|" + "---|" * (len(names) + 2))
    for title, _, _, goal in MEASURES:
        if title in measured:
            cells = []
            for name in names:
                c = measured[title].get(name)
                cells.append(f"{100 * c[2]:.1f}% ({100 * c[3]:.0f}-{100 * c[4]:.0f}), {c[1]}" if c else "")
            print(f"| {title} | " + " | ".join(cells) + f" | {goal} |")


def by_group(rows, replies):
    """{set/group: [right, n]}."""
    out = {}
    for row, reply in zip(rows, replies):
        cell = out.setdefault(f"{row['set']}/{row['group']}", [0, 0])
        cell[0] += reply["right"]
        cell[1] += 1
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("-m", "--model")
    parser.add_argument("--adapter")
    parser.add_argument("--eval", default=os.path.join(HERE, "sets"))
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--settings", default="lad")
    parser.add_argument("--limit", type=int, default=0, help="rows of a set at most; some more of those whose rows belong together")
    parser.add_argument("--option", action="append", default=[], help="NAME=VALUE for every setting")
    parser.add_argument("--drafts", action="store_true")
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--threads", type=int, help="of the server")
    parser.add_argument("--json", help="file for the table, and the shares by group")
    parser.add_argument("--answers", help="file for every answer")
    args = parser.parse_args()
    rows = read_sets(args.eval, args.sets.split(","), args.limit)
    arguments = [*(["-m", args.model] if args.model else []), *(["--adapter", args.adapter] if args.adapter else []), *(["--threads", str(args.threads)] if args.threads else [])]
    settings = {name: {**setting(name), **pairs(args.option)} for name in args.settings.split(",")}
    server, results, groups = Server(args.program, arguments), {}, {}
    try:
        for name, options in settings.items():
            began = time.monotonic()
            results[name] = ask_all(server, rows, options, args.drafts or name.startswith("demo"), args.workers)
            groups[name] = by_group(rows, results[name])
            print(f"{name}: {len(rows)} answers in {time.monotonic() - began:.0f} s", file=sys.stderr)
    finally:
        server.close()
    measured = table(rows, results)
    show(measured, list(results))
    for name, replies in results.items():
        iterations = [r["iterations"] for r in replies if r["iterations"]]
        tokens = [r["tokens"] for r in replies]
        if iterations:
            print(f"\n{name}: {sum(iterations) / len(iterations):.1f} iterations for {sum(tokens) / len(tokens):.1f} tokens on average")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump({"program": args.program, "model": args.model, "settings": settings,
                       "measures": measured, "groups": groups}, f, indent=1)
            f.write("\n")
    if args.answers:
        with open(args.answers, "w", encoding="utf-8") as f:
            for name, replies in results.items():
                for row, reply in zip(rows, replies):
                    f.write(json.dumps({"setting": name, "id": row["id"], "set": row["set"], "group": row["group"], "asked": row["messages"], **reply}) + "\n")


if __name__ == "__main__":
    main()
