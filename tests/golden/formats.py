# SPDX-License-Identifier: MIT
"""File formats that the golden files use, written from their public descriptions: safetensors
(read and write), GGUF v3 (write) and the ggml block quantisations (both directions).  Everything
that is written is a pure function of its arguments, so running a generator twice gives the same
bytes."""

import json
import os
import shutil
import struct
import zipfile

import numpy as np

# --- archives --------------------------------------------------------------------------------


def pack(folder):
    """FOLDER.zip of the files under it, by path; the folder goes.  The build unpacks it into its golden/."""
    with zipfile.ZipFile(folder + ".zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(os.path.relpath(os.path.join(at, name), folder) for at, _, names in os.walk(folder) for name in names):
            with open(os.path.join(folder, name), "rb") as f:
                archive.writestr(zipfile.ZipInfo(name), f.read(), zipfile.ZIP_DEFLATED, 9)
    shutil.rmtree(folder)


# --- 16-bit floats ---------------------------------------------------------------------------


def to_bf16(x):
    """float -> bfloat16 bits (uint16), round to nearest, ties to even."""
    bits = np.ascontiguousarray(x, dtype=np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def from_bf16(bits):
    return (np.ascontiguousarray(bits, dtype=np.uint16).astype(np.uint32) << 16).view(np.float32)


# --- safetensors -----------------------------------------------------------------------------
# u64 header length, JSON header {name: {dtype, shape, data_offsets}}, data.

NUMPY_OF = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4"}


def encode(array, dtype):
    if dtype == "BF16":
        return to_bf16(array).astype("<u2").tobytes()
    return np.ascontiguousarray(array).astype(NUMPY_OF[dtype]).tobytes()


def write_safetensors(path, tensors, dtypes="F32", metadata=None):
    """tensors: {name: array}; dtypes: one name for all, or {name: dtype} (default F32)."""
    header, blobs, at = {}, [], 0
    if metadata:
        header["__metadata__"] = metadata
    for name in sorted(tensors):
        dtype = dtypes if isinstance(dtypes, str) else dtypes.get(name, "F32")
        blob = encode(tensors[name], dtype)
        header[name] = {"dtype": dtype, "shape": list(np.shape(tensors[name])),
                        "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def read_safetensors(path):
    """{name: array}; BF16 comes back as float32."""
    with open(path, "rb") as f:
        raw = f.read()
    (n,) = struct.unpack("<Q", raw[:8])
    tensors = {}
    for name, t in json.loads(raw[8:8 + n]).items():
        if name == "__metadata__":
            continue
        begin, end = (8 + n + o for o in t["data_offsets"])
        array = np.frombuffer(raw[begin:end], NUMPY_OF[t["dtype"]])
        tensors[name] = (from_bf16(array) if t["dtype"] == "BF16" else array).reshape(t["shape"])
    return tensors


# --- ggml quantisation -----------------------------------------------------------------------
# Each quantiser takes float64 rows whose length is a multiple of the block and returns bytes; each
# dequantiser takes the bytes back to float32.  The quantisers are simple (no error search): what the
# golden files fix is the meaning of the bytes, so every code value should occur, not the best ones.


def f16(x):
    return np.asarray(x, dtype=np.float64).astype("<f2")


def as_bytes(x):
    """(blocks, n) array of any plain dtype -> (blocks, bytes) uint8."""
    x = np.ascontiguousarray(x)
    return x.view(np.uint8).reshape(x.shape[0], -1)


def split_halves(q):
    """(blocks, 32) codes of 4 bits -> (blocks, 16): element j low, element j + 16 high nibble."""
    q = q.astype(np.uint8)
    return (q[:, :16] & 15) | ((q[:, 16:] & 15) << 4)


def join_halves(b):
    return np.concatenate([b & 15, b >> 4], axis=1).astype(np.int32)


def fifth_bits(q):
    """(blocks, 32) codes of 5 bits -> u32 whose bit j is bit 4 of code j."""
    bits = (q.astype(np.uint32) >> 4) & 1
    return (bits << np.arange(32, dtype=np.uint32)).sum(axis=1, dtype=np.uint32).reshape(-1, 1)


def codes_symmetric(x, low, high):
    """d such that the entry of largest magnitude becomes the code `low` (a negative number)."""
    extreme = np.take_along_axis(x, np.abs(x).argmax(1)[:, None], 1)
    d = f16(extreme / low)
    safe = np.where(d == 0, 1, d.astype(np.float64))
    return d, np.clip(np.rint(x / safe), low, high).astype(np.int32)


def codes_affine(x, high):
    """d, m, codes 0..high with x ~ d q + m."""
    m = f16(x.min(1, keepdims=True))
    d = f16((x.max(1, keepdims=True) - m.astype(np.float64)) / high)
    safe = np.where(d == 0, 1, d.astype(np.float64))
    return d, m, np.clip(np.rint((x - m.astype(np.float64)) / safe), 0, high).astype(np.int32)


def q8_0(x):
    x = x.reshape(-1, 32)
    d = f16(np.abs(x).max(1, keepdims=True) / 127)
    safe = np.where(d == 0, 1, d.astype(np.float64))
    q = np.clip(np.rint(x / safe), -127, 127).astype(np.int8)
    return np.concatenate([as_bytes(d), as_bytes(q)], 1)


def un_q8_0(b):
    d = b[:, :2].copy().view("<f2").astype(np.float32)
    return d * b[:, 2:].copy().view(np.int8).astype(np.float32)


def q4_0(x):
    d, q = codes_symmetric(x.reshape(-1, 32), -8, 7)
    return np.concatenate([as_bytes(d), split_halves(q + 8)], 1)


def un_q4_0(b):
    d = b[:, :2].copy().view("<f2").astype(np.float32)
    return d * (join_halves(b[:, 2:]) - 8).astype(np.float32)


def q4_1(x):
    d, m, q = codes_affine(x.reshape(-1, 32), 15)
    return np.concatenate([as_bytes(d), as_bytes(m), split_halves(q)], 1)


def un_q4_1(b):
    d, m = (b[:, i:i + 2].copy().view("<f2").astype(np.float32) for i in (0, 2))
    return d * join_halves(b[:, 4:]).astype(np.float32) + m


def q5_0(x):
    d, q = codes_symmetric(x.reshape(-1, 32), -16, 15)
    return np.concatenate([as_bytes(d), as_bytes(fifth_bits(q + 16)), split_halves(q + 16)], 1)


def join_fifth(high, low):
    bits = (high.copy().view("<u4") >> np.arange(32, dtype=np.uint32)) & 1
    return join_halves(low) | (bits.astype(np.int32) << 4)


def un_q5_0(b):
    d = b[:, :2].copy().view("<f2").astype(np.float32)
    return d * (join_fifth(b[:, 2:6], b[:, 6:]) - 16).astype(np.float32)


def q5_1(x):
    d, m, q = codes_affine(x.reshape(-1, 32), 31)
    return np.concatenate([as_bytes(d), as_bytes(m), as_bytes(fifth_bits(q)), split_halves(q)], 1)


def un_q5_1(b):
    d, m = (b[:, i:i + 2].copy().view("<f2").astype(np.float32) for i in (0, 2))
    return d * join_fifth(b[:, 4:8], b[:, 8:]).astype(np.float32) + m


def q4_k(x):
    """256 weights: f16 d, f16 dmin, 8 scales and 8 mins of 6 bits in 12 bytes, 128 bytes of nibbles.
    x = d scale q - dmin min in sub-blocks of 32."""
    x = x.reshape(-1, 8, 32)
    low = np.maximum(0, -x.min(2))                       # what a min may subtract is never negative
    step = (x.max(2) + low) / 15
    d, dmin = f16(step.max(1) / 63), f16(low.max(1) / 63)
    d64, m64 = d.astype(np.float64)[:, None], dmin.astype(np.float64)[:, None]
    sc = np.clip(np.rint(step / np.where(d64 == 0, 1, d64)), 0, 63).astype(np.uint8)
    mn = np.clip(np.rint(low / np.where(m64 == 0, 1, m64)), 0, 63).astype(np.uint8)
    width = d64 * sc
    q = (x + (m64 * mn)[:, :, None]) / np.where(width == 0, 1, width)[:, :, None]
    q = np.clip(np.rint(q), 0, 15).astype(np.uint8)
    packed = np.zeros((len(x), 12), np.uint8)
    packed[:, 0:4] = sc[:, :4] | ((sc[:, 4:] >> 4) << 6)
    packed[:, 4:8] = mn[:, :4] | ((mn[:, 4:] >> 4) << 6)
    packed[:, 8:12] = (sc[:, 4:] & 15) | ((mn[:, 4:] & 15) << 4)
    q = q.reshape(-1, 4, 2, 32)                          # each 64 weights share 32 bytes
    nibbles = (q[:, :, 0] | (q[:, :, 1] << 4)).reshape(len(x), 128)
    return np.concatenate([as_bytes(d[:, None]), as_bytes(dmin[:, None]), packed, nibbles], 1)


def un_q4_k(b):
    d, dmin = (b[:, i:i + 2].copy().view("<f2").astype(np.float32) for i in (0, 2))
    p = b[:, 4:16]
    sc = np.concatenate([p[:, 0:4] & 63, (p[:, 8:12] & 15) | ((p[:, 0:4] >> 6) << 4)], 1)
    mn = np.concatenate([p[:, 4:8] & 63, (p[:, 8:12] >> 4) | ((p[:, 4:8] >> 6) << 4)], 1)
    nibbles = b[:, 16:].reshape(-1, 4, 32)
    q = np.stack([nibbles & 15, nibbles >> 4], 2).reshape(-1, 8, 32).astype(np.float32)
    scale, least = d * sc.astype(np.float32), dmin * mn.astype(np.float32)
    return (scale[:, :, None] * q - least[:, :, None]).reshape(-1, 256)


def q6_k(x):
    """256 weights: 128 bytes of low nibbles, 64 of high pairs, 16 int8 scales, f16 d.
    x = d scale (q - 32) in sub-blocks of 16."""
    x = x.reshape(-1, 16, 16)
    extreme = np.take_along_axis(x, np.abs(x).argmax(2)[:, :, None], 2)[:, :, 0]
    step = extreme / -32
    d = f16(np.take_along_axis(step, np.abs(step).argmax(1)[:, None], 1) / -128)
    d64 = d.astype(np.float64)
    sc = np.clip(np.rint(step / np.where(d64 == 0, 1, d64)), -128, 127).astype(np.int8)
    width = (d64 * sc)[:, :, None]
    q = np.clip(np.rint(x / np.where(width == 0, 1, width)), -32, 31).astype(np.int32) + 32
    q = q.reshape(-1, 2, 4, 32).astype(np.uint8)         # halves of 128, each four runs of 32
    low = np.concatenate([(q[:, :, 0] & 15) | ((q[:, :, 2] & 15) << 4),
                          (q[:, :, 1] & 15) | ((q[:, :, 3] & 15) << 4)], 2)
    high = sum(((q[:, :, i] >> 4) << (2 * i)) for i in range(4)).astype(np.uint8)
    n = len(x)
    return np.concatenate([low.reshape(n, 128), high.reshape(n, 64), as_bytes(sc), as_bytes(d)], 1)


def un_q6_k(b):
    low, high = b[:, :128].reshape(-1, 2, 2, 32), b[:, 128:192].reshape(-1, 2, 32)
    sc = b[:, 192:208].copy().view(np.int8).astype(np.float32)
    d = b[:, 208:210].copy().view("<f2").astype(np.float32)
    runs = [low[:, :, 0] & 15, low[:, :, 1] & 15, low[:, :, 0] >> 4, low[:, :, 1] >> 4]
    q = [(r | (((high >> (2 * i)) & 3) << 4)).astype(np.int32) - 32 for i, r in enumerate(runs)]
    q = np.stack(q, 2).reshape(-1, 16, 16).astype(np.float32)
    return ((d * sc)[:, :, None] * q).reshape(-1, 256)


# name -> (ggml type number, block, quantise, dequantise)
QUANTS = {
    "F32": (0, 1, lambda x: as_bytes(x.reshape(-1, 1).astype("<f4")), lambda b: b.copy().view("<f4")),
    "F16": (1, 1, lambda x: as_bytes(f16(x.reshape(-1, 1))),
            lambda b: b.copy().view("<f2").astype(np.float32)),
    "BF16": (30, 1, lambda x: as_bytes(to_bf16(x.reshape(-1, 1))),
             lambda b: from_bf16(b.copy().view("<u2"))),
    "Q8_0": (8, 32, q8_0, un_q8_0),
    "Q4_0": (2, 32, q4_0, un_q4_0),
    "Q4_1": (3, 32, q4_1, un_q4_1),
    "Q5_0": (6, 32, q5_0, un_q5_0),
    "Q5_1": (7, 32, q5_1, un_q5_1),
    "Q4_K": (12, 256, q4_k, un_q4_k),
    "Q6_K": (14, 256, q6_k, un_q6_k),
}


def quantise(x, kind):
    """(bytes, what those bytes mean as float32 in the shape of x)."""
    x = np.asarray(x, dtype=np.float64)
    _, block, put, get = QUANTS[kind]
    assert x.shape[-1] % block == 0, (x.shape, kind)
    blocks = put(x)
    return blocks.tobytes(), get(blocks).reshape(x.shape).astype(np.float32)


# --- GGUF v3 ---------------------------------------------------------------------------------

GGUF_PLAIN = {"u8": (0, "<B"), "u32": (4, "<I"), "i32": (5, "<i"), "f32": (6, "<f"), "bool": (7, "<?")}


def gguf_string(s):
    s = s.encode()
    return struct.pack("<Q", len(s)) + s


def gguf_value(kind, value):
    """bytes of type and value; kind 'str', a plain kind, or 'array:KIND'."""
    def body(k, v):
        return gguf_string(v) if k == "str" else struct.pack(GGUF_PLAIN[k][1], v)

    def number(k):
        return 8 if k == "str" else GGUF_PLAIN[k][0]

    if kind.startswith("array:"):
        k = kind[6:]
        return struct.pack("<IIQ", 9, number(k), len(value)) + b"".join(body(k, v) for v in value)
    return struct.pack("<I", number(kind)) + body(kind, value)


def write_gguf(path, keys, tensors, alignment=32):
    """keys: [(name, kind, value)]; tensors: [(name, array, quant name)].
    Returns {name: float32 array that the stored bytes mean}."""
    infos, data, meaning = b"", b"", {}
    for name, array, kind in tensors:
        blob, meaning[name] = quantise(array, kind)
        dims = list(reversed(np.shape(array)))           # GGUF lists the fastest dimension first
        infos += gguf_string(name) + struct.pack("<I", len(dims))
        infos += b"".join(struct.pack("<Q", d) for d in dims)
        infos += struct.pack("<IQ", QUANTS[kind][0], len(data))
        data += blob + b"\0" * (-len(blob) % alignment)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys))
    head += b"".join(gguf_string(n) + gguf_value(k, v) for n, k, v in keys) + infos
    head += b"\0" * (-len(head) % alignment)
    with open(path, "wb") as f:
        f.write(head + data)
    return meaning
