# SPDX-License-Identifier: MIT
"""libredraft itself, opened, and its errors as exceptions."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ._ffi import ffi

lib = ffi.dlopen(str(Path(__file__).with_name("libredraft.so")))


class Error(Exception):
    """What the library says when it fails: one sentence, and in `code` the name of its kind ("RD_BAD_INPUT")."""

    def __init__(self, message: str, code: str):
        super().__init__(message)
        self.code = code


class Cancelled(Error):
    """The generation was cancelled from another thread; `answer` holds the last draft."""

    answer: Any = None


def check(code: int, error: Any) -> None:
    if code != lib.RD_OK:
        kind = Cancelled if code == lib.RD_CANCELLED else Error
        raise kind(ffi.string(error.message).decode("utf-8", "replace"), ffi.typeof("rd_code").elements[code])


def call(function: Any, *arguments: Any) -> None:
    """Call a function whose last argument is an rd_error."""
    error = ffi.new("rd_error *")
    check(function(*arguments, error), error)


def text(string: Any) -> str:
    return ffi.string(string).decode("utf-8", "replace")


def take_text(string: Any) -> str:
    """A string that the library made for us."""
    if string == ffi.NULL:
        raise MemoryError("redraft: no memory for a text")
    try:
        return text(string)
    finally:
        lib.free(string)


def version() -> str:
    return text(lib.rd_version())


def options() -> list[dict[str, Any]]:
    """The rows of all options of generation: name, kind, default, range, help."""
    return json.loads(take_text(lib.rd_session_options()))
