# SPDX-License-Identifier: MIT
"""redraft.h as cffi reads it: comments, what the preprocessor does and C++ left out."""
import re
from pathlib import Path

from cffi import FFI

header = (Path(__file__).resolve().parent.parent.parent / "include" / "redraft.h").read_text()
header = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
header = re.sub(r'#ifdef __cplusplus.*?#endif', "", header, flags=re.S)
header = re.sub(r"^#.*$", "", header, flags=re.M).replace("RD_API", "")

ffi = FFI()
ffi.cdef(header + "\nvoid free(void *);\n")
ffi.set_source("redraft._ffi", None)
