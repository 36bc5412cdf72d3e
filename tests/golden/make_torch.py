# SPDX-License-Identifier: MIT
"""Files of torch.save and what is in them: torch/NAME.pt with torch/NAME.safetensors (type, shape and
bytes of every tensor, in order), and NAME.pt in torch_refused.zip, files that lie, crash readers or run
code where pickles are believed.  The C test holds the list of messages.

Needs torch from PyPI (2.15.0, any build); its files differ between versions only in small entries."""

import io
import json
import os
import pickle
import struct
import zipfile
from collections import OrderedDict

import torch

from formats import pack

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "torch")
REFUSED = os.path.join(os.path.dirname(HERE), "torch_refused")  # packed when it is whole
TYPES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.float64: "F64",
         torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8",
         torch.bool: "BOOL", torch.complex64: "C64", torch.uint16: "U16", torch.float8_e4m3fn: "F8_E4M3",
         torch.float8_e5m2: "F8_E5M2"}


# --- what is read --------------------------------------------------------------------------------


def raw(t):
    return bytes(t.detach().clone(memory_format=torch.contiguous_format).untyped_storage())


def shape(t):
    """At most 8 sizes: more multiply into the first."""
    s = list(t.shape)
    while len(s) > 8:
        s[:2] = [s[0] * s[1]]
    return s


def write_expected(name, tensors):
    header, blobs, at = {}, [], 0
    for key in sorted(tensors):
        t = tensors[key]
        blob = raw(t)
        header[key] = {"dtype": TYPES[t.dtype], "shape": shape(t), "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(HERE, name + ".safetensors"), "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def flat(value, path=""):
    if isinstance(value, torch.Tensor):
        return {path: value}
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []
    out = {}
    for key, item in pairs:
        out.update(flat(item, f"{path}.{key}" if path else str(key)))
    return out


def state():
    g = torch.Generator().manual_seed(1)
    base = torch.randn(6, 8, generator=g)
    return OrderedDict([
        ("plain", torch.randn(3, 5, generator=g)),
        ("half", torch.randn(4, 3, generator=g).half()),
        ("brain", torch.randn(7, generator=g).bfloat16()),
        ("double", torch.randn(2, 2, generator=g).double()),
        ("integers", {"long": torch.arange(5), "int": torch.arange(3, dtype=torch.int32),
                      "short": torch.arange(-3, 3, dtype=torch.int16), "char": torch.tensor([-1, 5], dtype=torch.int8),
                      "byte": torch.tensor([255], dtype=torch.uint8), "bool": torch.tensor([True, False, True])}),
        ("rare", [torch.tensor([1 + 2j]), torch.tensor([1, 65535], dtype=torch.uint16),
                  torch.randn(4, generator=g).to(torch.float8_e4m3fn), torch.randn(3, generator=g).to(torch.float8_e5m2)]),
        ("shared", {"all": base, "turned": base.t(), "rows": base[2:4], "column": base[:, 3], "every": base[::2, 1::3],
                    "once": base[5:6, 2:3].t(), "same": base}),
        ("repeated", torch.tensor([1.5, -2.5]).reshape(2, 1, 1).expand(2, 3, 2)),
        ("halfturned", torch.randn(3, 4, generator=g).bfloat16().t()),
        ("scalar", torch.tensor(0.25)),
        ("nothing", torch.zeros(0, 4)),
        ("many", torch.arange(2 * 3 * 2, dtype=torch.float32).reshape(2, 1, 1, 3, 1, 1, 1, 1, 1, 2).transpose(0, 3)),
        (7, {"exp_avg": torch.ones(2)}),
        ("facts", {"step": 10 ** 30, "minus": -5, "far": -(2 ** 40), "rate": 1e-5, "text": "é" * 200, "none": None,
                   "set": {1, 2}, "tuple": (1, (2, 3)), "dtype": torch.bfloat16, "size": torch.Size([1, 2]),
                   "device": torch.device("cpu")}),
    ])


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.q_proj = torch.nn.Linear(4, 4, bias=False)
        self.norm = torch.nn.LayerNorm(4)
        self.act = torch.nn.SiLU()
        self.scale = torch.nn.Parameter(torch.ones(1), requires_grad=False)
        self.scale.note = "an attribute"
        self.register_buffer("mask", torch.ones(2, 2, dtype=torch.bool))
        self.register_buffer("angles", torch.ones(2), persistent=False)
        self.register_buffer("absent", None)


class Tiny(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = torch.nn.Embedding(5, 4)
        self.layers = torch.nn.ModuleList([Block(), Block()])
        self.lists = torch.nn.ParameterList([torch.ones(2), torch.zeros(3)])
        self.head = torch.nn.Linear(4, 5, bias=False)
        self.head.weight = self.embed.weight
        self.config = {"loose": torch.ones(9), "parent": self}
        self.method = self.layers[0].forward


def rewrite(name, out, change=lambda n, data: data, method=zipfile.ZIP_STORED):
    """The archive with its entries changed, unaligned unless luck has it."""
    with zipfile.ZipFile(os.path.join(HERE, name + ".pt")) as old, zipfile.ZipFile(out, "w", method) as new:
        for info in old.infolist():
            data = change(info.filename, old.read(info))
            if data is not None:
                new.writestr(zipfile.ZipInfo(info.filename), data, method)


def turned(name, data):
    """The entries as a big-endian machine writes them; all storages of BIG hold 4-byte numbers."""
    if name.endswith("/byteorder"):
        return b"big"
    if "/data/" in name:
        return b"".join(data[i:i + 4][::-1] for i in range(0, len(data), 4))
    return data


def write_read():
    os.makedirs(HERE, exist_ok=True)
    s = state()
    for protocol in (2, 4, 5):
        torch.save(s, os.path.join(HERE, f"state{protocol}.pt"), pickle_protocol=protocol)
    write_expected("state", flat(s))
    rewrite("state2", os.path.join(HERE, "deflated.pt"), method=zipfile.ZIP_DEFLATED)
    rewrite("state2", os.path.join(HERE, "askew.pt"), lambda n, d: None if n.endswith("order") else d)
    torch.manual_seed(2)
    tiny = Tiny()
    for protocol in (2, 4):
        torch.save(tiny, os.path.join(HERE, f"module{protocol}.pt"), pickle_protocol=protocol)
    write_expected("module", tiny.state_dict())
    torch.save({"w": torch.arange(6.).reshape(2, 3).t(), "b": torch.arange(3.)}, os.path.join(HERE, "big.pt"))
    rewrite("big", os.path.join(HERE, "turned.pt"), turned)
    os.replace(os.path.join(HERE, "turned.pt"), os.path.join(HERE, "big.pt"))
    write_expected("big", {k: v.detach() for k, v in torch.load(os.path.join(HERE, "big.pt")).items()})
    torch.save(torch.arange(3.), os.path.join(HERE, "lone.pt"))
    write_expected("lone", {"tensor": torch.arange(3.)})


# --- what is refused -----------------------------------------------------------------------------


def archive(name, pkl, storages=(), **more):
    """A file as torch lays it out."""
    with zipfile.ZipFile(os.path.join(REFUSED, name + ".pt"), "w") as z:
        z.writestr(zipfile.ZipInfo("archive/data.pkl"), pkl)
        for key, data in storages:
            z.writestr(zipfile.ZipInfo(f"archive/data/{key}"), data)
        for entry, data in more.items():
            z.writestr(zipfile.ZipInfo(f"archive/{entry}"), data)


class Call:
    def __init__(self, f, *args):
        self.f, self.args = f, args

    def __reduce__(self):
        return self.f, self.args


def text(s):
    return b"X" + struct.pack("<I", len(s)) + s.encode()


def number(n):
    return b"\x8a\x09" + n.to_bytes(9, "little", signed=True) if abs(n) >= 2 ** 63 else b"\x8a\x08" + struct.pack("<q", n)


def tensor(offset, size, stride, count, key="0", cls=b"ctorch\nFloatStorage\n", kind="storage", more=b""):
    """A pickle of one tensor with any numbers in it."""
    place = b"(" + text(kind) + cls + text(key) + text("cpu") + number(count) + b"tQ"
    sizes = b"(" + b"".join(map(number, size)) + b"t" + b"(" + b"".join(map(number, stride)) + b"t"
    call = b"ctorch._utils\n_rebuild_tensor_v2\n(" + place + number(offset) + sizes + b"\x89N" + more + b"tR"
    return b"\x80\x02}" + text("w") + call + b"s."


def laughs():
    """Lists of ten times the list before, thirty deep: a page of pickle, 10^30 paths."""
    out = b"\x80\x02]q\x00"
    for i in range(30):
        out += b"0](" + b"h" + bytes([i]) + (b"h" + bytes([i])) * 9 + b"eq" + bytes([i + 1])
    return out + b"."


def patched(name, source, old, new):
    with open(os.path.join(HERE, source + ".pt"), "rb") as f:
        data = f.read()
    assert old in data
    with open(os.path.join(REFUSED, name + ".pt"), "wb") as f:
        f.write(data.replace(old, new))


def write_refused():
    os.makedirs(REFUSED, exist_ok=True)
    floats = [("0", struct.pack("<4f", 1, 2, 3, 4))]
    # code
    archive("system", pickle.dumps({"w": Call(os.system, "touch /tmp/pwned")}, 2))
    archive("eval", pickle.dumps(Call(eval, "1"), 4))
    archive("import", pickle.dumps(Call(__import__, "os"), 5))
    archive("exec2", pickle.dumps([Call(exec, "1")], 2))
    archive("getattr", b"\x80\x02cbuiltins\ngetattr\nctorch.nn.modules.linear\nLinear\n" + text("__init__") + b"\x86R)R.")
    archive("escape", b"\x80\x02c\x1b[2Jos\x07\nsystem\n.")
    archive("reader", b"\x80\x02ctorch.serialization\nload\n(" + text("x") + b"tR.")
    archive("inst", b"\x80\x02(ios\nsystem\n.")
    archive("old_global", b"\x80\x02cos\nsystem.")
    archive("object", b"\x80\x02ctorch.nn.modules.linear\nLinear\n)\x81" + text("x") + b"R.")
    archive("protocol0", pickle.dumps({"a": 1}, 0))
    archive("protocol9", b"\x80\x09N.")
    # shape of the machine
    archive("memo", b"\x80\x02Nr\xff\xff\xff\xff.")
    archive("memo_get", b"\x80\x02h\x07.")
    archive("itself", b"\x80\x02]q\x00h\x00a.")
    archive("dict_itself", b"\x80\x02}q\x00" + text("k") + b"h\x00s.")
    archive("deep", b"\x80\x02" + b"]" * 5000 + b"a" * 4999 + b".")
    archive("laughs", laughs())
    archive("no_stop", b"\x80\x02}")
    archive("two_values", b"\x80\x02}}.")
    archive("more", b"\x80\x02}.N.")
    archive("empty", b"")
    archive("no_stack", b"\x80\x02s.")
    archive("no_mark", b"\x80\x02t.")
    archive("long_text", b"\x80\x02X\xff\xff\xff\x7fabc.")
    archive("long_text8", b"\x80\x04\x8d" + b"\xff" * 8 + b"abc.")
    archive("no_list", b"\x80\x02NNa.")
    archive("no_pairs", b"\x80\x02}(Nu.")
    archive("odd_dict", b"\x80\x02(Nd.")
    archive("few", b"\x80\x02N\x87.")
    # tensors
    archive("offset", tensor(3, [2], [1], 4), floats)
    archive("offset_minus", tensor(-1, [2], [1], 4), floats)
    archive("size", tensor(0, [5], [1], 4), floats)
    archive("size_minus", tensor(0, [-1], [1], 4), floats)
    archive("size_product", tensor(0, [2 ** 40, 2 ** 40], [0, 0], 4), floats)
    archive("stride", tensor(0, [2, 2], [4, 1], 4), floats)
    archive("stride_minus", tensor(3, [2], [-1], 4), floats)
    archive("stride_far", tensor(0, [2], [2 ** 62], 4), floats)
    archive("stride_few", tensor(0, [2, 2], [1], 4), floats)
    archive("repeats", tensor(0, [2 ** 20, 2 ** 14], [0, 0], 4), floats)
    archive("repeats_far", tensor(0, [2 ** 62], [0], 4), floats)
    archive("count", tensor(0, [4], [1], 5), floats)
    archive("count_far", tensor(0, [4], [1], 2 ** 62), floats)
    archive("count_minus", tensor(0, [4], [1], -4), floats)
    archive("missing", tensor(0, [4], [1], 4, key="1"), floats)
    archive("climbing", tensor(0, [4], [1], 4, key="../data.pkl"), floats)
    archive("untyped", tensor(0, [4], [1], 4, cls=b"ctorch.storage\nUntypedStorage\n"), floats)
    archive("no_class", tensor(0, [4], [1], 4, cls=b"N"), floats)
    archive("module_kind", tensor(0, [4], [1], 4, kind="module"), floats)
    archive("negative", tensor(0, [4], [1], 4, more=b"}" + text("neg") + b"\x88s"), floats)
    archive("deep_parameter", b"\x80\x02" + b"ctorch._utils\n_rebuild_parameter\n(" * 500 + b"N" + b"\x89NtR" * 500 + b".")
    archive("nul", tensor(0, [4], [1], 4).replace(text("w"), text("w\0x")), floats)
    archive("long_name", tensor(0, [4], [1], 4).replace(text("w"), text("w" * 1100)), floats)
    archive("same_name", b"\x80\x02}" + tensor(0, [4], [1], 4)[3:-1] * 2 + b".", floats)
    # what is no tensor, no torch, no zip
    archive("no_tensors", pickle.dumps({"epoch": 3}, 2))
    archive("sparse", saved(torch.ones(2, 2).to_sparse()))
    archive("numpy", pickle.dumps({"w": torch.ones(2).numpy()}, 2))
    archive("script", pickle.dumps({}, 2), **{"constants.pkl": b""})
    archive("order", pickle.dumps({}, 2), byteorder=b"middle")
    with zipfile.ZipFile(os.path.join(REFUSED, "no_pickle.pt"), "w") as z:
        z.writestr(zipfile.ZipInfo("archive/version"), b"3\n")
    old = io.BytesIO()
    torch.save({"w": torch.ones(2)}, old, _use_new_zipfile_serialization=False)
    for name, data in {"legacy": old.getvalue()[:64], "bare": pickle.dumps({}, 2), "text": b"weights", "nothing": b"", "zip_magic": b"PK\3\4"}.items():
        with open(os.path.join(REFUSED, name + ".pt"), "wb") as f:
            f.write(data)
    # archives
    rewrite("lone", os.path.join(REFUSED, "method.pt"), method=zipfile.ZIP_BZIP2)
    rewrite("lone", os.path.join(REFUSED, "bomb.pt"), method=zipfile.ZIP_DEFLATED)
    path = os.path.join(REFUSED, "bomb.pt")
    with open(path, "rb") as f:
        data = f.read()
    at = data.rindex(b"PK\1\2", 0, data.rindex(b"lone/data/0"))  # of the directory: sizes at 20 and 24
    with open(path, "wb") as f:
        f.write(data[:at + 24] + struct.pack("<I", 2 ** 31) + data[at + 28:])
    with open(os.path.join(HERE, "lone.pt"), "rb") as f:
        data = f.read()
    at = data.rindex(b"PK\1\2", 0, data.rindex(b"lone/data.pkl"))
    with open(os.path.join(REFUSED, "encrypted.pt"), "wb") as f:
        f.write(data[:at + 8] + b"\1" + data[at + 9:])
    with open(os.path.join(REFUSED, "cut.pt"), "wb") as f:
        f.write(data[:len(data) // 2])
    patched("checksum", "lone", b"_rebuild_tensor_v2", b"_rebuild_tensor_v3")


def saved(value):
    """The pickle that torch.save writes."""
    f = io.BytesIO()
    torch.save(value, f)
    with zipfile.ZipFile(f) as z:
        return z.read("archive/data.pkl")


def write_model():
    """models/llama-mha as torch.save writes a state dict."""
    with open(os.path.join(HERE, "..", "models", "llama-mha", "model.safetensors"), "rb") as f:
        data = f.read()
    size = struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, row in json.loads(data[8:8 + size]).items():
        if name != "__metadata__":
            first, end = (8 + size + at for at in row["data_offsets"])
            tensors[name] = torch.frombuffer(bytearray(data[first:end]), dtype=torch.float32).reshape(row["shape"]).clone()
    torch.save(tensors, os.path.join(HERE, "llama-mha.bin"))


write_read()
write_refused()
pack(REFUSED)
write_model()
