# SPDX-License-Identifier: MIT
"""Puts libredraft, the declarations of redraft.h and the option rows into the wheel.

The library is the one that $REDRAFT_LIBRARY names, else the one that `make` left in build/, else the installed one.
"""
import ctypes
import ctypes.util
import json
import os
import shutil
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:
    from wheel.bdist_wheel import bdist_wheel

HERE = Path(__file__).resolve().parent
TYPES = {"flag": "bool", "int": "int", "real": "float", "text": "str"}


def find_library():
    named = os.environ.get("REDRAFT_LIBRARY")
    built = HERE.parent.parent / "build" / "libredraft.so"
    found = named or (str(built) if built.exists() else ctypes.util.find_library("redraft"))
    if not found:
        raise SystemExit("redraft: there is no libredraft.so: run `make` first, or name it in REDRAFT_LIBRARY")
    library = ctypes.CDLL(found)  # a name alone is found where the system's loader looks
    if "/" in found:
        return library, Path(found).resolve()
    with open("/proc/self/maps") as maps:
        return library, Path(next(line.split()[-1] for line in maps if "libredraft.so" in line))


def option_rows(library):
    library.rd_session_options.restype = ctypes.c_char_p
    return json.loads(library.rd_session_options())


def options_source(rows):
    """A TypedDict with a key for each option row but the sampler, so that editors and type checkers know them."""
    sampler = next(row for row in rows if row["name"] == "sampler")
    rows = [row for row in rows if row is not sampler]
    lines = ['"""Written by setup.py from the option rows of the library."""', "from typing import Literal, Optional, TypedDict", "",
             f"Sampler = Literal{json.dumps(sampler['choices'])}", "", "", "class Options(TypedDict, total=False):", '    """']
    lines += [f"    {row['name'].replace('-', '_')}: {row['help']}" for row in rows]
    lines += ['    """', ""]
    for row in rows:
        kind = TYPES.get(row["kind"]) or f"Literal{json.dumps(row['choices'])}"
        lines.append(f"    {row['name'].replace('-', '_')}: Optional[{kind}]")
    return "\n".join(lines) + "\n"


class BuildWithLibrary(build_py):
    def run(self):
        super().run()
        library, path = find_library()
        library.rd_version.restype = ctypes.c_char_p
        target = Path(self.build_lib) / "redraft"
        shutil.copyfile(path, target / "libredraft.so")
        (target / "_options.py").write_text(options_source(option_rows(library)))
        # Python reads .pth files at every start: this one makes `lm_eval --model redraft` known, and costs one small module.
        shutil.copyfile(HERE / "redraft_lm_eval.pth", Path(self.build_lib) / "redraft_lm_eval.pth")


class WithLibrary(Distribution):
    def has_ext_modules(self):
        return True


class AnyPython(bdist_wheel):
    """The library is of one machine's kind, and of no one Python."""

    def get_tag(self):
        return "py3", "none", super().get_tag()[2]


def version():
    text = (HERE.parent.parent / "CMakeLists.txt").read_text()
    return text.split("project(redraft VERSION ")[1].split()[0]


setup(version=version(), package_dir={"": "src"}, packages=["redraft"], py_modules=["_redraft_lm_eval"], package_data={"redraft": ["py.typed"]},
      cffi_modules=["build_ffi.py:ffi"], distclass=WithLibrary,
      cmdclass={"build_py": BuildWithLibrary, "bdist_wheel": AnyPython})
