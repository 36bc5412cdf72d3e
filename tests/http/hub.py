# SPDX-License-Identifier: MIT
"""redraft pull and models against a hub that is made here, which cuts, lies, redirects and refuses.

The owner of a model says how the hub behaves: `cut` closes the connection in the middle of a body, `norange` knows no
ranges, and so on (BEHAVIOURS). The model is a golden one; large.bin stands for weights whose sum the hub lists.
"""
import hashlib
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from serving import check, failed

program = os.path.realpath(sys.argv[1])
golden = Path("tests/golden")
TOKEN = "hf_test"
asked = []  # (path, Range, Authorization, Host) of every request
cuts = {}  # how often a path was cut


def files_of(owner, name, revision=""):
    folder = golden / "models" / "llama-mha"
    files = {p.name: p.read_bytes() for p in folder.iterdir()}
    files |= {".gitattributes": b"x", "README.md": b"a card", "onnx/model.safetensors": b"another form"}
    if name == "gguf":
        files = {f"tiny-{kind}.gguf": (golden / "gguf" / "llama-quant.gguf").read_bytes() for kind in ("Q4", "Q8")}
    if name == "split":
        files |= {f"tiny-0000{i}-of-00002.gguf": bytes([i]) * 9 for i in (1, 2)}
    if owner == "turns" and revision == "next":
        files.pop("generation_config.json")
    if name == "none":
        files = {"README.md": b"a card"}
    if name == "adapter":
        files = {"adapter_config.json": b"{}", "adapter_model.safetensors": b"12345678", "training_args.bin": b"pickle"}
    return files


def listing(owner, name, revision=""):
    rows = []
    for file, data in files_of(owner, name, revision).items():
        row = {"rfilename": file, "size": len(data), "blobId": hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()}
        if file.endswith((".safetensors", ".gguf")):
            row["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        rows.append(row)
    if owner == "unlisted":
        for row in rows:
            row.pop("lfs", None), row.pop("blobId"), row.pop("size")
    if owner == "evil":
        rows += [{"rfilename": evil, "size": 1} for evil in ("../../evil.safetensors", "/tmp/evil.safetensors", "a/../evil.safetensors",
                 ".evil.safetensors", "evil\n.safetensors", "model-00001-of-00001.safetensors/../../evil")]
    return {"sha": "4567def" if revision == "next" else "0123abc", "siblings": rows}


class Hub(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        pass

    def say(self, status, data=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        asked.append((self.path, self.headers.get("Range"), self.headers.get("Authorization"), self.headers["Host"]))
        parts = self.path.split("?")[0].strip("/").split("/")
        if parts[0] == "elsewhere":  # where redirects lead
            parts = parts[1:]
        api = parts[:2] == ["api", "models"]
        owner, name = parts[2:4] if api else parts[:2]
        if owner == "private" and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.say(401, b"a page that is no file")
        if owner == "terms":
            return self.say(403)
        if owner == "missing":
            return self.say(404, b"not here")
        if owner == "broken" and cuts.setdefault(self.path, 0) < 2:
            cuts[self.path] += 1
            return self.say(503, b"try later")
        if owner == "down":
            return self.say(500)
        if api:
            text = json.dumps(listing(owner, name, parts[5])).encode()
            return self.say(200, {"nolist": b"{}", "nojson": b"<html>", "huge": b" " * (17 << 20)}.get(owner, text))
        return self.file(owner, name, "/".join(parts[4:]))

    def file(self, owner, name, file):
        here = f"http://127.0.0.1:{port}/elsewhere" + self.path
        large = file.endswith(".safetensors")
        leads = {"moved": self.path.replace("/moved/", "/elsewhere/good/"), "foreign": here, "loop": self.path,
                 "tofile": "file:///etc/passwd", "tohttps": f"https://127.0.0.1:{port}/", "toftp": "ftp://127.0.0.1/x"}
        if owner in leads and not self.path.startswith("/elsewhere"):
            return self.say(302, b"this way", Location=leads[owner])
        data = files_of(owner, name)[file]
        if owner == "wrong" and large:
            data = data[:-1] + bytes([data[-1] ^ 1])
        if owner == "short" and large:
            data = data[:-9]
        if owner == "wrongsmall" and file == "config.json":
            data = data.replace(b"1", b"2")
        if owner == "long" and large:
            data += b"more"
        first, status, headers = 0, 200, {}
        if self.headers.get("Range") and owner != "norange":
            first = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            if first >= len(data):
                return self.say(416, b"", Content_Range=f"bytes */{len(data)}")
            status, start = 206, first + (7 if owner == "wrongrange" else 0)
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        body, send = data[first:], len(data) - first
        if owner in ("cut", "norange", "wrongrange", "once") and large and cuts.setdefault(self.path, 0) < 2:
            cuts[self.path] += 1
            send = min(send, 60000)
        if owner == "always" and large:
            send = min(send, 40000) if first < 120000 else 0
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        if owner in ("long", "short"):  # chunks: no length says what comes
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
            return None
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:send])
        self.close_connection = send < len(body)
        return None


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
server.daemon_threads = True
server.handle_error = lambda *about: None  # who asks may hang up
port = server.server_address[1]
threading.Thread(target=server.serve_forever, daemon=True).start()
temporary = tempfile.TemporaryDirectory()
cache = Path(temporary.name) / "cache"
models = cache / "redraft" / "models"


def run(*arguments, limit=None, **environment):
    outer = {k: v for k, v in os.environ.items() if k not in ("HF_TOKEN", "REDRAFT_MODEL") and not k.lower().endswith("_proxy")}
    command = [program, *map(str, arguments)]
    if limit:
        command = ["bash", "-c", f'ulimit -f {limit}; exec "$@"', "-", *command]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          env=outer | {"XDG_CACHE_HOME": str(cache)} | environment)
    return done.returncode, done.stdout, done.stderr


def pull(name, *more, **keywords):
    asked.clear()
    return run("pull", name, "--from", f"http://127.0.0.1:{port}", *more, **keywords)


def refused(what, status, words, answer):
    check(f"{what}: status", status, answer[0])
    check(f"{what}: {words}", True, words in answer[2])


def left(owner):
    return sorted(p.name for p in (models / owner).rglob("*") if p.is_file() and p.name != ".lock")


ALL = sorted(p.name for p in (golden / "models" / "llama-mha").iterdir())
source = (golden / "models" / "llama-mha" / "model.safetensors").read_bytes()

# what is needed comes, once, and is found by its name
status, out, err = pull("good/tiny")
check("a model is pulled", (0, f"{models}/good/tiny\n"), (status, out))
check("what it is made of", sorted(ALL + ["pulled.json"]), left("good"))
check("what to do next", True, err.endswith('redraft generate -m good/tiny ".."\n'))
pulled = json.loads((models / "good" / "tiny" / "pulled.json").read_text())
check("where from", (f"http://127.0.0.1:{port}", "0123abc", hashlib.sha256(source).hexdigest()),
      (pulled["from"], pulled["revision"], pulled["files"]["model.safetensors"]["sum"]))
check("files are asked of the revision that was listed", True, any("/good/tiny/resolve/0123abc/model.safetensors" == a[0] for a in asked))
status, out, err = pull("good/tiny")
check("again: only the list is asked for", (0, 1, len(ALL)), (status, len(asked), err.count("there already")))
check("quietly", (0, ""), pull("good/tiny", "-q")[::2])
for command in (["generate", "-q", "--no-watch", "--seed", "1", "Hello"], ["tokenize", "Hello"]):
    by_name = run(command[0], "-m", "good/tiny", *command[1:])
    check(f"{command[0]} -m good/tiny", (0, run(command[0], "-m", golden / "models/llama-mha", *command[1:])[1].replace("llama-mha", "tiny")
          .replace(str(golden / "models"), str(models / "good"))), (by_name[0], by_name[1]))
lesson = Path(temporary.name) / "rows.jsonl"
lesson.write_text('{"prompt": "a", "answer": "b"}\n' * 9)
status, out, err = run("train", "--model", "good/tiny", "--data", lesson, "--dry-run", "--out", Path(temporary.name) / "run")
check("train's model", 0, status)
refused("one that was not pulled", 2, "`redraft pull good/never` fetches one", run("train", "--model", "good/never", "--data", lesson, "--dry-run", "--out", Path(temporary.name) / "run"))
refused("adapt's model", 2, "`redraft pull good/never` fetches one", run("adapt", "good/never", "-o", Path(temporary.name) / "run"))
check("by REDRAFT_MODEL", 0, run("inspect", REDRAFT_MODEL="good/tiny")[0])

# another revision
check("a model whose files turn", (0, sorted(ALL + ["pulled.json"])), (pull("turns/tiny")[0], left("turns")))
(models / "turns" / "tiny" / "notes.txt").write_text("my own")
status, out, err = pull("turns/tiny", "--revision", "next")
check("what it has no more is removed", (0, sorted({*ALL, "pulled.json", "notes.txt"} - {"generation_config.json"})), (status, left("turns")))
check("and that is said", True, "generation_config.json: removed, it is of revision 0123abc\n" in err)

# one file of many
refused("several GGUF files", 2, "good/gguf:tiny-Q4.gguf; there are tiny-Q4.gguf, tiny-Q8.gguf", pull("good/gguf"))
check("one is named", 0, pull("good/gguf:tiny-Q8.gguf")[0])
check("and alone", ["pulled.json", "tiny-Q8.gguf"], left("good/gguf"))
check("it opens by its name", 0, run("inspect", "-m", "good/gguf:tiny-Q8.gguf")[0])
check("and as the only one", 0, run("inspect", "-m", "good/gguf")[0])
refused("a file is not removed alone", 2, "with all its files", run("models", "--remove", "good/gguf:tiny-Q8.gguf"))
check("nothing went", ["pulled.json", "tiny-Q8.gguf"], left("good/gguf"))
check("split files come whole", (0, ["pulled.json", "tiny-00001-of-00002.gguf", "tiny-00002-of-00002.gguf"]),
      (pull("good/split:tiny-00001-of-00002.gguf")[0], left("good/split")))
check("an adapter alone", (0, ["adapter_config.json", "adapter_model.safetensors", "pulled.json"]),
      (pull("good/adapter")[0], left("good/adapter")))
refused("no weights", 1, "no weights that open", pull("good/none"))
refused("a file that there is not", 1, "has no file tiny-Q2.gguf", pull("good/gguf:tiny-Q2.gguf"))

# connections that break
for owner, resumed in (("cut", ["bytes=60000-", "bytes=120000-"]), ("norange", ["bytes=60000-"] * 2)):
    status, out, err = pull(f"{owner}/tiny")
    check(f"{owner}: it comes in the end", (0, source), (status, (models / owner / "tiny" / "model.safetensors").read_bytes()))
    check(f"{owner}: what is missing is asked for", resumed, [a[1] for a in asked if a[1]])
refused("another part than was asked for", 1, "asked from byte 60000 on, and sends from 60007", pull("wrongrange/tiny"))
refused("cut for good", 1, "", pull("always/tiny"))
check("what came is kept", 120000, (models / "always" / "tiny" / "model.safetensors.part").stat().st_size)
refused("a model in part is no model", 2, "`redraft pull always/tiny` fetches one", run("inspect", "-m", "always/tiny"))
check("it is listed as what it is", True, "always/tiny" in run("models")[1] and "in part" in run("models")[1])
(models / "once" / "tiny").mkdir(parents=True)
(models / "once" / "tiny" / "model.safetensors.part").write_bytes(source[:1000])
check("an earlier run's part is gone on with", (0, "bytes=1000-"), (pull("once/tiny")[0], next(a[1] for a in asked if a[1])))
(models / "good" / "other").mkdir()
(models / "good" / "other" / "model.safetensors.part").write_bytes(source + b"older and longer")
check("a part that is too long is of something else", (0, source),
      (pull("good/other")[0], (models / "good" / "other" / "model.safetensors").read_bytes()))
check("two failures of the server are passed over", 0, pull("broken/tiny")[0])
refused("but not more", 1, "HTTP 500", pull("down/tiny"))
refused("nobody there", 1, "127.0.0.1 port 1", run("pull", "good/tiny", "--from", "http://127.0.0.1:1"))

# what is not what the hub says
refused("a wrong sum", 1, "the hub lists " + hashlib.sha256(source).hexdigest(), pull("wrong/tiny"))
check("it is removed", False, any("model.safetensors" in name for name in left("wrong")))
refused("a wrong sum of git's", 1, "config.json: what came has the git sum", pull("wrongsmall/tiny"))
refused("too much", 1, f"sends more than the {len(source)} bytes", pull("long/tiny"))
refused("too little", 1, f"{len(source) - 9} of {len(source)} bytes came", pull("short/tiny"))
check("without sums and sizes", (0, source), (pull("unlisted/tiny")[0], (models / "unlisted/tiny/model.safetensors").read_bytes()))
check("a part of unknown size", 0, pull("unlisted/tiny")[0])
refused("no list", 1, 'expected "sha" and a list', pull("nolist/tiny"))
refused("no JSON", 1, "api/models/nojson/tiny", pull("nojson/tiny"))
refused("a list without end", 1, "more than 16777216 bytes", pull("huge/tiny"))
check("names that lead elsewhere are left", (0, sorted(ALL + ["pulled.json"])), (pull("evil/tiny")[0], left("evil")))
check("nothing lies outside", [], list(Path(temporary.name).rglob("*evil*.safetensors")))

# redirects, tokens
check("a redirect", 0, pull("moved/tiny")[0])
for owner, words in (("tofile", "file"), ("tohttps", "https"), ("toftp", "ftp"), ("loop", "redirect")):
    answer = pull(f"{owner}/tiny")
    refused(f"a redirect to {owner}", 1, words, answer)
    check(f"{owner}: nothing was taken", False, any(name.endswith((".json", ".safetensors")) for name in left(owner)))
refused("a token is needed", 1, "(HTTP 401): no such model, or one for which a token is needed: set HF_TOKEN", pull("private/tiny"))
check("with it", 0, pull("private/tiny", HF_TOKEN=TOKEN)[0])
asked.clear()
check("another host", 0, run("pull", "foreign/tiny", "--from", f"http://localhost:{port}", HF_TOKEN=TOKEN)[0])
check("the token is for the hub", {("localhost", f"Bearer {TOKEN}"), ("127.0.0.1", None)}, {(a[3].split(":")[0], a[2]) for a in asked})
refused("terms", 1, "(HTTP 403): not for everybody", pull("terms/tiny"))
refused("not there", 1, "(HTTP 404): the hub has no such model", pull("missing/tiny"))

# what is refused before anything is asked
for name in ("tiny", "a/b/c", "../x", "a/..", ".a/b", "a/b:../c", "a/b:/c", "a b/c", "https://x/y", "a/b:", "a/" + "b" * 300):
    refused(f"the name {name[:20]}", 2, "expected OWNER/NAME", pull(name))
    check(f"{name[:20]}: nothing is asked", [], asked)
for base, words in (("file:///etc", "expected https://HOST"), ("ftp://host", "expected https://HOST"), ("hub", "expected https://HOST"),
                    ("http://me:secret@host", "a name or password"), ("http://", "expected https://HOST")):
    refused(base, 2, words, run("pull", "a/b", "--from", base))
refused("a revision", 2, "no name of a branch", pull("good/tiny", "--revision", "../x"))
refused("no name", 2, "OWNER/NAME", run("pull"))

# no room
refused("a limit on the size of files", 1, "make room and run it again", pull("good/third", limit=64))
check("and then it goes on", (0, True), (pull("good/third")[0], any(a[1] for a in asked)))
disk = Path(temporary.name) / "disk"
disk.mkdir()
full = subprocess.run(["unshare", "-rm", "bash", "-c", 'mount -t tmpfs -o size=100k tmpfs "$1" || exit 77; XDG_CACHE_HOME=$1 "$2" pull good/tiny --from "$3"',
                       "-", str(disk), program, f"http://127.0.0.1:{port}"], capture_output=True, text=True)
if full.returncode == 77 or "unshare" in full.stderr:
    print("skipped: a full disk:", full.stderr.strip())
else:
    refused("a disk that is too small", 1, "MB are missing of good/tiny, and", (full.returncode, "", full.stderr))
refused("no folder to keep it in", 1, "cannot", pull("good/tiny", XDG_CACHE_HOME="/dev/null"))
refused("no place is named", 2, "XDG_CACHE_HOME or HOME", pull("good/tiny", XDG_CACHE_HOME="", HOME=""))
check("HOME's .cache", 0, pull("good/tiny", XDG_CACHE_HOME="", HOME=str(Path(temporary.name) / "home"))[0])
check("it lies there", True, (Path(temporary.name) / "home/.cache/redraft/models/good/tiny/pulled.json").exists())

# the list
status, out, err = run("models", "--json")
rows = {row["name"]: row for row in map(json.loads, out.splitlines())}
size = sum(p.stat().st_size for p in (golden / "models/llama-mha").iterdir())
check("models", (0, size, str(models / "good/tiny"), "0123abc"),
      (status, rows["good/tiny"]["bytes"], rows["good/tiny"]["path"], rows["good/tiny"]["revision"]))
check("models in part", (False, True), (rows["always/tiny"]["whole"], rows["good/tiny"]["whole"]))
check("a model is removed", (0, False, True), (run("models", "--remove", "always/tiny")[0], (models / "always").exists(), (models / "good/tiny").exists()))
refused("once", 1, "was not pulled", run("models", "--remove", "always/tiny"))
refused("by a name", 2, "expected OWNER/NAME", run("models", "--remove", "../cache"))
refused("what was never pulled", 2, "`redraft pull good/never` fetches one", run("generate", "-m", "good/never", "Hello"))
check("an empty list", (0, "", "redraft models: nothing was pulled yet; redraft pull OWNER/NAME does\n"), run("models", XDG_CACHE_HOME="/nonexistent"))
sys.exit(1 if failed else 0)
