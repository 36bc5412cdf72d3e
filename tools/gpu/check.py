# SPDX-License-Identifier: MIT
"""The checks of check.sh, one stage after the other while there is time: tests, scores beside the processor's, compute-sanitizer, times.

Times of a card stand beside PyTorch's for the same work and as shares of peaks that PyTorch measures (a product of 8192 x 8192 in
bf16, a copy of 4 GB); without PyTorch there are no shares.
"""

import csv
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time

STARTED = time.monotonic()
LIMIT = float(os.environ.get("LIMIT", "450"))
PROGRAM, ENGINE = os.environ["PROGRAM"], os.environ["ENGINE"]
TINY = ENGINE != "cuda"
MOST = LIMIT if TINY else 180.0  # seconds of one command; where there is no card nothing waits to be given back
ENVIRONMENT = dict(os.environ)
if "CARRIED_LIBRARIES" in os.environ:
    ENVIRONMENT["LD_LIBRARY_PATH"] = ":".join([os.environ["CARRIED_LIBRARIES"], *filter(None, [os.environ.get("LD_LIBRARY_PATH")])])

# model, adapter, precision, largest relative difference of scores: f32 to rounding, bf16 to its own; integers are rounded on the
# processor's side alone
SCORES = [("tests/golden/models/llama-mha", None, "f32", 1e-4), ("tests/golden/models/qwen3", None, "f32", 1e-4),
          ("tests/golden/models/llama-gqa-tied", None, "bf16", 3e-2), ("models/tini", "none", "auto", 6e-2),
          ("models/stories260K/stories260K.gguf", None, "f32", 1e-4)]
# what bench is asked, all cases of a shape at once, since it takes seconds to make; its weights are random
TIMES = [["--shape", "tini", "--windows", "16,1+8,2+2:2", "--repeats", "1"], ["--shape", "tini", "--windows", "1+8", "--precision", "q4", "--repeats", "1"]] if TINY else [
    ["--shape", "llada-8b", "--windows", "256,32+224,1+256,32+32:256"],
    ["--shape", "llada-8b", "--windows", "256,32+224,1+256,32+32:256", "--precision", "q4"],
    ["--shape", "llada-8b", "--windows", "32+224,1+256", "--precision", "int8"],
    ["--shape", "llama-1b", "--windows", "256,1+256"],
    ["--shape", "tini", "--windows", "256", "--batches", "1,16"],
    ["--shape", "smollm2-135m", "--windows", "256", "--batches", "1,16"],
]
# whose kernels ncu times one by one, where it is there
KERNELS = [["--shape", "llama-1b", "--windows", "256"], ["--shape", "llama-1b", "--decode"], ["--shape", "llama-1b", "--decode", "--precision", "int8"],
           ["--shape", "smollm2-135m", "--windows", "128", "--batches", "64", "--train", "--rank", "32"]]
# training steps: shape, rank (0: all weights), batches of 128 tokens
STEPS = [("tini", 0, "1"), ("tini", 2, "1")] if TINY else [
    ("smollm2-135m", 32, "16,256"),
    ("tini", 0, "16,512"),
    ("llada-8b", 32, "16"),
]
SHAPES = {"llama-1b": (16, 2048, 32, 8, 64, 8192, 128256), "llada-8b": (32, 4096, 32, 32, 128, 12288, 126464),
          "smollm2-135m": (30, 576, 9, 3, 64, 1536, 49152), "tini": (6, 288, 6, 6, 48, 768, 8192)}


def left():
    return max(1.0, LIMIT - (time.monotonic() - STARTED))


def run(command, most=MOST):
    """Status and output; None: no time is left, or it took too long."""
    if left() < 5:
        return None, "no time left"
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=min(most, left()), env=ENVIRONMENT)
        return done.returncode, done.stdout + (done.stderr if done.returncode else "")  # warnings are no answer
    except subprocess.TimeoutExpired:
        return None, "took too long"


def tests():
    """The tests beside the program. Emulated, the test run has them already."""
    rows = []
    for name in ["test_devices", "test_engine", "test_step", "test_clean_half", "test_train_step"] if not TINY else []:
        path = os.path.join(os.path.dirname(PROGRAM), name)
        status, text = run([path]) if os.path.exists(path) else ("not built", f"ninja {name} builds {path}")
        rows.append({"test": name, "status": status, "said": text[-1500:] if status != 0 else ""})
    return rows


def numbers(path):
    with open(path, "rb") as f:
        data = f.read()[128:]
    return struct.unpack(f"<{len(data) // 4}f", data)


def scores():
    rows = []
    models = SCORES + ([(os.environ["MODEL"], None, "bf16", 6e-2)] if os.environ.get("MODEL") else [])
    with tempfile.TemporaryDirectory() as folder:
        for model, adapter, precision, bound in models[:2] + models[3:4] if TINY else models:
            found = []
            for engine in ("cpu", ENGINE):
                path = os.path.join(folder, engine)
                status, text = run([PROGRAM, "logits", "-q", "-m", model, *(["--adapter", adapter] if adapter else []), "--precision", precision,
                                    "--engine", engine, "--ids", "5,17,99,40,41,42,43,44,45,7,8,9", "-o", path])
                found.append(numbers(path) if status == 0 else text)
            row = {"model": model, "precision": precision, "bound": bound, "difference": 1e9}
            if all(isinstance(f, tuple) for f in found):
                norm = sum(x * x for x in found[0]) ** 0.5
                row["difference"] = sum((x - y) ** 2 for x, y in zip(*found)) ** 0.5 / norm
            else:
                row["said"] = [f for f in found if isinstance(f, str)][0][-500:]
            rows.append(row)
    return rows


def sanitizer():
    tool = shutil.which("compute-sanitizer") or "/usr/local/cuda/bin/compute-sanitizer"
    if TINY or not os.path.exists(tool):
        return [{"tool": None, "status": 0}]
    rows = []
    ask = [PROGRAM, "generate", "-q", "--no-watch", "--engine", ENGINE, "--seed", "1", "-m", "models/stories260K/stories260K.gguf", "--tokens", "4", "--raw", "Once"]
    for kind in ("memcheck", "racecheck", "synccheck"):
        status, text = run([tool, "--tool", kind, "--error-exitcode", "9", *ask], 90)
        rows.append({"tool": kind, "status": status, "said": text[-1500:] if status != 0 else ""})
    return rows


def answers():
    """An answer's words are the processor's own, in f32 and without a draw."""
    rows = []
    for model in ["models/stories260K/stories260K.gguf"]:
        said = [run([PROGRAM, "generate", "-q", "--no-watch", "--engine", e, "-m", model, "--precision", "f32", "--sampler", "ar", "--temperature", "0",
                     "--tokens", "8", "--raw", "Once"]) for e in ("cpu", ENGINE)]
        rows.append({"model": model, "same": said[0] == said[1] and said[0][0] == 0, "said": said[1][1][-300:]})
    return rows


def peaks():
    """bf16 FLOP/s and bytes/s of the card, by PyTorch; None without it."""
    try:
        import torch
    except ImportError:
        return None
    if TINY or not torch.cuda.is_available():
        return None

    def best(work, repeats=20):
        work()
        times = []
        for _ in range(repeats):
            a, b = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            a.record()
            work()
            b.record()
            torch.cuda.synchronize()
            times.append(a.elapsed_time(b) / 1e3)
        return min(times)
    n = 8192
    x, y = (torch.randn(n, n, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    flops = 2 * n ** 3 / best(lambda: x @ y)
    big = torch.empty(1 << 31, device="cuda", dtype=torch.uint8)
    to = torch.empty_like(big)
    return {"card": torch.cuda.get_device_name(), "bf16": flops, "bytes": 2 * big.numel() / best(lambda: to.copy_(big)), "best": best}


def beside(row, best):
    """The same layers and head in PyTorch, bf16, without a graph: seconds, or None."""
    import torch
    import torch.nn.functional as F
    L, D, H, K, hd, ff, V = SHAPES[row["shape"]]
    rows, known = int(row["window"] * row["batch"]), int(row.get("reused_positions", 0))
    def make(*size):
        return torch.randn(*size, device="cuda", dtype=torch.bfloat16) * 0.02
    layers = [(make(H * hd + 2 * K * hd, D), make(D, H * hd), make(2 * ff, D), make(D, ff)) for _ in range(L)]
    head, ones = make(V, D), torch.ones(D, device="cuda", dtype=torch.bfloat16)
    past = [make(2, 1, K, known, hd) for _ in range(L)] if known else None
    x0 = make(int(row["batch"]), int(row["window"]), D)

    @torch.no_grad()
    def work():
        x = x0
        for i, (qkv, o, up, down) in enumerate(layers):
            q, k, v = F.linear(F.rms_norm(x, (D,), ones), qkv).split([H * hd, K * hd, K * hd], -1)
            q, k, v = (t.view(t.shape[0], t.shape[1], -1, hd).transpose(1, 2) for t in (q, k, v))
            if past:
                k, v = torch.cat([past[i][0], k], 2), torch.cat([past[i][1], v], 2)
            a = F.scaled_dot_product_attention(q, k, v, enable_gqa=H != K).transpose(1, 2).reshape(x.shape[0], x.shape[1], -1)
            x = x + F.linear(a, o)
            g, u = F.linear(F.rms_norm(x, (D,), ones), up).chunk(2, -1)
            x = x + F.linear(F.silu(g) * u, down)
        p = F.linear(F.rms_norm(x, (D,), ones), head).float().softmax(-1)
        return p.max(-1)
    seconds = best(work, 10)
    del layers, head, past
    torch.cuda.empty_cache()
    return seconds if rows else None


class Memory:
    """The most of the card's memory that is in use while it is open, in bytes; None without nvidia-smi."""

    def __enter__(self):
        self.most, self.open = None, shutil.which("nvidia-smi") is not None and not TINY
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self):
        while self.open:
            said = subprocess.run(["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"], capture_output=True, text=True)
            if said.returncode == 0:
                self.most = max(self.most or 0, int(said.stdout.split()[0]) << 20)
            time.sleep(0.2)

    def __exit__(self, *_):
        self.open = False
        self.thread.join()


def kernels():
    """Times of kernels, summed by name: the clocks are ncu's own, lower than those of a run without it."""
    ncu, rows = shutil.which("ncu"), []
    for case in KERNELS if ncu and not TINY else []:
        if left() < 40:
            break
        status, text = run([ncu, "--csv", "--metrics", "gpu__time_duration.sum", "--launch-skip", "300", "--launch-count", "400", PROGRAM, "bench", "--answers", "0",
                            "--repeats", "3", "--engine", ENGINE, *([] if "--precision" in case else ["--precision", "bf16"]), *case], 60)
        sums = {}
        for line in csv.DictReader(l for l in text.splitlines() if l.startswith('"')):
            sums.setdefault(line["Kernel Name"].split("(")[0][-60:], []).append(float(line["Metric Value"].replace(",", "")) / 1e3)
        rows.append({"case": " ".join(case), "kernels": [{"kernel": k, "launches": len(v), "mean_us": sum(v) / len(v), "share": sum(v) / sum(map(sum, sums.values()))}
                                                         for k, v in sorted(sums.items(), key=lambda x: -sum(x[1]))[:12]]})
    return rows


def beside_step(row, best):
    """A training step of the same layers in PyTorch, bf16, gradients in f32 left out: seconds. Factors where there is a rank, all weights else."""
    import torch
    import torch.nn.functional as F
    L, D, H, K, hd, ff, V = SHAPES[row["shape"]]
    rank, B, T = row["rank"], int(row["batch"]), int(row["window"])
    trained = []

    def make(*size, train=False):
        t = (torch.randn(*size, device="cuda", dtype=torch.float32) * 0.02).bfloat16()
        if train:
            trained.append(t.requires_grad_())
        return t

    def linear(out, cols):
        w = make(out, cols, train=rank == 0)
        return (w, make(rank, cols, train=True), make(out, rank, train=True)) if rank else (w,)

    def apply(x, m):
        y = F.linear(x, m[0])
        return y + F.linear(F.linear(x, m[1]), m[2]) if rank else y
    layers = [[linear(*size) for size in ((H * hd, D), (K * hd, D), (K * hd, D), (D, H * hd), (ff, D), (ff, D), (D, ff))] for _ in range(L)]
    table, ones = make(V, D, train=rank == 0), torch.ones(D, device="cuda", dtype=torch.bfloat16)
    ids = torch.randint(0, V, (B, T), device="cuda")

    def work():
        x = F.embedding(ids, table)
        for q, k, v, o, gate, up, down in layers:
            n = F.rms_norm(x, (D,), ones)
            a = [apply(n, m).view(B, T, -1, hd).transpose(1, 2) for m in (q, k, v)]
            x = x + apply(F.scaled_dot_product_attention(*a, enable_gqa=H != K).transpose(1, 2).reshape(B, T, -1), o)
            n = F.rms_norm(x, (D,), ones)
            x = x + apply(F.silu(apply(n, gate)) * apply(n, up), down)
        F.cross_entropy(F.linear(F.rms_norm(x, (D,), ones), table).view(B * T, V), ids.view(-1)).backward()
        for t in trained:
            t.grad = None
    try:
        seconds = best(work, 5)
    except torch.OutOfMemoryError:
        seconds = None
    del layers, table, trained
    torch.cuda.empty_cache()
    return seconds


def steps(peak):
    """Training steps: tokens and share of the peak, PyTorch's own beside them."""
    rows = []
    for shape, rank, batches in STEPS:
        status, text = run([PROGRAM, "bench", "--json", "--answers", "0", "--engine", ENGINE, "--train", "--rank", str(rank), "--shape", shape, "--windows",
                            "16" if TINY else "128", "--batches", batches, "--repeats", "1" if TINY else "5", *([] if TINY else ["--precision", "bf16"])])
        found = [json.loads(line) for line in text.splitlines() if line.startswith("{")] if status == 0 else []
        for row in found:
            keep = {k: row[k] for k in ("case", "shape", "precision", "window", "batch", "seconds", "flops_per_second") if k in row}
            keep.update(rank=rank, tokens_per_second=row["window"] * row["batch"] / row["seconds"])
            if peak:
                keep["share_of_flops"] = row.get("flops_per_second", 0) / peak["bf16"]
                if left() > 30:
                    keep["pytorch_seconds"] = beside_step(keep, peak["best"])
            rows.append(keep)
        if not found:
            rows.append({"case": f"train {shape}, rank {rank}", "said": text[-300:]})
    return rows


# model, settings beside those of all runs, largest relative difference of the losses
RUNS = [("tests/golden/models/train-tiny", ["precision=f32", "lora_rank=4"], 1e-4), ("tests/golden/models/train-tiny", ["precision=f32", "trainable=all"], 1e-4),
        ("tests/golden/models/train-qwen3", ["precision=f32", "lora_rank=4", "gate=answer", "objective=blocks", "loss_on=answer"], 1e-4),
        ("tests/golden/models/train-tiny", ["precision=bf16", "lora_rank=4"], 2e-2)]


def losses():
    """Runs of some updates on the engine beside the processor's: the losses and gradient norms of every update."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "rows.jsonl")
        with open(data, "w") as f:
            for i in range(40):
                f.write(json.dumps({"prompt": f"{i}?", "answer": f"{i + 1}."}) + "\n")
        for number, (model, more, bound) in enumerate(RUNS):
            row = {"model": model, "settings": " ".join(more), "bound": bound, "difference": 1e9}
            found = []
            for engine in ("cpu", ENGINE):
                settings = [f"model={model}", f"data={data}", "window=48", "batch=4", "updates=4", "warmup=1", "log_every=1", "validate_rows=0", f"engine={engine}",
                            f"out={folder}/{engine}{number}", *more]
                status, text = run([PROGRAM, "train", "--json", "-q", *(f"--set={s}" for s in settings)])
                lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")] if status == 0 else []
                found.append([(r["loss"], r["grad_norm"]) for r in lines if "grad_norm" in r] or text)
            if all(isinstance(f, list) for f in found) and len(found[0]) == len(found[1]):
                row["difference"] = max(abs(x - y) / abs(x) for a, b in zip(*found) for x, y in zip(a, b))
            else:
                row["said"] = str([f for f in found if isinstance(f, str)])[-500:]
            rows.append(row)
    return rows


def times(peak):
    rows = []
    for case in TIMES:
        with Memory() as memory:
            status, text = run([PROGRAM, "bench", "--json", "--answers", "0", "--engine", ENGINE, *([] if TINY or "--precision" in case else ["--precision", "bf16"]), *case])
        found = [json.loads(line) for line in text.splitlines() if line.startswith("{")] if status == 0 else []
        for row in found:
            keep = {"device_memory_bytes": memory.most} if memory.most else {}
            keep |= {k: row[k] for k in ("case", "shape", "precision", "window", "batch", "seconds", "flops_per_second", "weight_bytes_per_second", "reused_positions", "passes_per_answer") if k in row}
            if peak:
                keep["share_of_flops"] = row.get("flops_per_second", 0) / peak["bf16"]
                keep["share_of_bytes"] = row.get("weight_bytes_per_second", 0) / peak["bytes"]
                if left() > 30 and row["precision"] == "bf16" and row["case"] != "written":
                    keep["pytorch_seconds"] = beside(row, peak["best"])
            rows.append(keep)
        if not found:
            rows.append({"case": " ".join(case), "said": text[-300:]})
    return rows


def table(report):
    lines = [f"engine {report['engine']}, {report.get('card', 'no card')}, {report['seconds']:.0f} s, {report['failed']} failed"]
    for row in report["tests"] + report["sanitizer"] + report["answers"]:
        lines.append("  ".join(f"{k} {v}" for k, v in row.items() if k != "said"))
    for row in report["losses"]:
        lines.append(f"{row['model']} trained, {row['settings']}: off by {row['difference']:.2g}, at most {row['bound']:.2g}")
    for row in report["logits"]:
        lines.append(f"{row['model']} {row['precision']}: off by {row['difference']:.2g}, at most {row['bound']:.2g}")
    for row in report["times"] + report["steps"]:
        row = {k: f"{100 * v:.1f}% of the measured peak" if k.startswith("share_of") else v for k, v in row.items()}
        lines.append("  ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items()))
    for row in report["kernels"]:
        lines.append(f"kernels of {row['case']}")
        lines += [f"  {k['share'] * 100:5.1f}%  {k['launches']:4} x {k['mean_us']:8.1f} us  {k['kernel']}" for k in row["kernels"]]
    return "\n".join(lines) + "\n"


def main():
    out = sys.argv[1]
    report = {"engine": ENGINE}
    stages = {"tests": tests, "logits": scores, "losses": losses, "answers": answers, "steps": lambda: steps(peak), "times": lambda: times(peak),
              "sanitizer": sanitizer, "kernels": kernels}  # what is slow comes last
    wanted = os.environ.get("STAGES", ",".join(stages)).split(",")
    for name in wanted:
        if name not in stages:
            sys.exit(f"STAGES: there is no {name!r}; there are {', '.join(stages)}")
    peak = peaks()
    if peak:
        report.update(card=peak["card"], peak_flops=peak["bf16"], peak_bytes=peak["bytes"])
    for name, stage in stages.items():
        report[name] = stage() if name in wanted else []
    report["failed"] = sum(r["status"] != 0 for r in report["tests"] + report["sanitizer"]) + sum(not r["same"] for r in report["answers"])
    report["failed"] += sum(not r["difference"] <= r["bound"] for r in report["logits"] + report["losses"]) + sum("said" in r for r in report["times"] + report["steps"])
    report["seconds"] = time.monotonic() - STARTED
    with open(os.path.join(out, "check.json"), "w") as f:
        json.dump(report, f, indent=1)
    with open(os.path.join(out, "check.txt"), "w") as f:
        f.write(table(report))
    print(table(report), end="")
    return report["failed"] > 0


if __name__ == "__main__":
    sys.exit(main())
