# SPDX-License-Identifier: MIT
"""Models and sessions: the library's own two things, with Python's manners."""
from __future__ import annotations

import os
import warnings
from numbers import Number
from typing import TYPE_CHECKING, Any, Callable, Iterable, Mapping, Optional, Sequence, Union

import numpy as np

from ._library import Cancelled, call, check, ffi, lib, take_text, text
from .events import Answer, Event, array

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._options import Options, Sampler

Observer = Callable[[Event], Optional[bool]]
Prompt = Union[str, Sequence[Mapping[str, str]], Sequence[int], np.ndarray]


def load(path: Optional[Union[str, os.PathLike]] = None,
         adapter: Optional[Union[str, os.PathLike]] = None) -> Model:
    """Open a Hugging Face folder, a file of weights in one, or a .gguf file; without a path what $REDRAFT_MODEL names.

    `adapter`: a PEFT folder; "none" leaves the one in the model's own folder adapter/ away. What the files ask for and
    is not done (settings of generation_config.json) comes as a warning.
    """
    path = path or os.environ.get("REDRAFT_MODEL")
    if not path:
        raise ValueError("redraft.load: name a model, or set REDRAFT_MODEL")
    out = ffi.new("rd_model **")
    call(lib.rd_model_load, out, c_text(os.fsencode(path)), c_text(os.fsencode(adapter)) if adapter else ffi.NULL)
    model = Model(out[0])
    for remark in take_text(lib.rd_model_remarks(model._handle)).splitlines():
        warnings.warn(remark, stacklevel=2)
    return model


def encode_ids(ids: Iterable[int]) -> np.ndarray:
    """As the library wants them; numbers that are no such ids are refused, not rounded or cut."""
    given = np.asarray(ids if isinstance(ids, np.ndarray) else list(ids)).reshape(-1)
    if given.size and given.dtype.kind not in "iu":
        raise TypeError(f"token ids are whole numbers, not {given.dtype}")
    fits = (given >= np.iinfo(np.int32).min) & (given <= np.iinfo(np.int32).max)
    if not fits.all():
        raise ValueError(f"token id {given[~fits][0]} is outside of any vocabulary")
    return np.ascontiguousarray(given, np.int32)


def are_ids(prompt: Union[list, np.ndarray]) -> bool:
    """Token ids, and no conversation; a list of nothing is one without messages."""
    return isinstance(prompt, np.ndarray) or any(isinstance(item, Number) for item in prompt[:1])


def c_text(words: Union[str, bytes]) -> bytes:
    """A text as C has it, which ends at a NUL."""
    data = words.encode() if isinstance(words, str) else words
    if b"\0" in data:
        raise ValueError("a text with a NUL character")
    return data


def pointer(ids: np.ndarray) -> Any:
    return ffi.from_buffer("int32_t[]", ids)


class Model:
    """A model; read-only, and threads may share it. `load` makes one."""

    def __init__(self, handle: Any):
        self._handle = ffi.gc(handle, lambda h: lib.rd_model_close(ffi.new("rd_model **", h)))

    @property
    def vocab(self) -> int:
        """Token ids are below this number."""
        return lib.rd_model_vocab(self._handle)

    @property
    def positions(self) -> int:
        """Tokens of prompt and answer together, at most."""
        return lib.rd_model_positions(self._handle)

    @property
    def causal(self) -> bool:
        """Is it written from left to right where no sampler is named?"""
        return lib.rd_model_causal(self._handle)

    @property
    def eos(self) -> Optional[int]:
        """The id that ends an answer."""
        id = lib.rd_model_eos(self._handle)
        return id if id >= 0 else None

    def encode(self, words: Union[str, Sequence[Mapping[str, str]]]) -> np.ndarray:
        """Token ids of a text, or of a conversation in the model's chat template."""
        ids, count = ffi.new("int32_t **"), ffi.new("int64_t *")
        if isinstance(words, str):
            data = words.encode()
            call(lib.rd_model_encode, self._handle, data, len(data), ids, count)
        else:
            messages, kept = conversation(words)
            call(lib.rd_model_encode_messages, self._handle, messages, len(kept), ids, count)
        try:
            return array(ids[0], count[0])
        finally:
            lib.free(ids[0])

    def decode(self, ids: Iterable[int]) -> str:
        """The text of token ids."""
        ids = encode_ids(ids)
        out, size = ffi.new("char **"), ffi.new("size_t *")
        call(lib.rd_model_decode, self._handle, pointer(ids), len(ids), out, size)
        try:
            return bytes(ffi.buffer(out[0], size[0])).decode("utf-8", "replace")
        finally:
            lib.free(out[0])

    def logits(self, ids: Iterable[int], attention: Optional[str] = None, gate: int = -1) -> np.ndarray:
        """The scores of one pass, (tokens, vocab) in float32; the library writes them into the array that you get.

        `attention`: "causal", "bidirectional", "block:N"; None: as the model reads. `gate`: the first id for which an
        adapter with a gate counts; -1: for none.
        """
        ids = encode_ids(ids)
        out = np.empty((len(ids), self.vocab), np.float32)
        call(lib.rd_model_logits, self._handle, pointer(ids), len(ids), c_text(attention) if attention else ffi.NULL,
             gate, ffi.from_buffer("float[]", out, require_writable=True) if out.size else ffi.NULL)
        return out

    def likelihoods(self, answers: Sequence[tuple[Sequence[int], Sequence[int]]], draws: Optional[int] = None,
                    seed: int = 0) -> list[tuple[float, bool]]:
        """For each (prompt ids, answer ids): log p(answer | prompt), and whether the best token stands at each place.

        `draws` 0: from left to right; more: by so many draws of masks, as denoisers are measured, where nothing is
        said of the best tokens. None: 0 for a causal model, else 128.
        """
        draws = (0 if self.causal else 128) if draws is None else draws
        scored, kept = ffi.new("rd_scored[]", len(answers)), []
        for row, (prompt, answer) in zip(scored, answers):
            ids = encode_ids([*prompt, *answer])
            row.ids, row.prompt, row.count = pointer(ids), len(prompt), len(ids)
            kept.append(ids)
        call(lib.rd_model_likelihoods, self._handle, scored, len(answers), draws, seed)
        return [(row.nats, bool(row.greedy)) for row in scored]

    def session(self, sampler: Optional[Sampler] = None, **options: Unpack[Options]) -> Session:
        """Working memory and options for answers one after another: what a conversation's next prompt shares with the
        last one is not computed again."""
        return Session(self, sampler, options)

    def generate(self, prompt: Prompt, on_event: Optional[Observer] = None, *, sampler: Optional[Sampler] = None,
                 **options: Unpack[Options]) -> Answer:
        """Answer a text, a conversation ([{"role": "user", "content": ".."}, ..]), or token ids as they are.

        `on_event` is called with every Event; returning False ends the generation with the draft that stands.
        Options are those of the command line, with underscores; `redraft.options()` lists them. None is as not given.
        """
        return Session(self, sampler, options).generate(prompt, on_event)


def conversation(messages: Iterable[Mapping[str, str]]) -> tuple[Any, list[Any]]:
    """rd_message[], and what it points at."""
    kept = [(ffi.new("char[]", c_text(m["role"])), ffi.new("char[]", c_text(m["content"]))) for m in messages]
    return ffi.new("rd_message[]", kept), kept


def option_text(name: str, value: Any) -> bytes:
    """An option's value as the command line has it: a text, a path, a number or a truth, of Python's or numpy's kinds."""
    if isinstance(value, (bool, np.bool_)):
        return b"true" if value else b"false"
    if isinstance(value, (int, float, np.integer, np.floating)):
        return c_text(str(value))
    if isinstance(value, (str, os.PathLike)):
        return c_text(os.fsencode(value) if isinstance(value, os.PathLike) else value)
    raise TypeError(f"{name}: {value!r} is neither a text nor a number nor a truth")


class Session:
    """One generation at a time, in one thread; `cancel` may be called from any."""

    def __init__(self, model: Model, sampler: Optional[str] = None, options: Mapping[str, Any] = {}):
        self.model = model
        out = ffi.new("rd_session **")
        call(lib.rd_session_open, out, model._handle, c_text(sampler) if sampler else ffi.NULL)
        self._handle = ffi.gc(out[0], lambda h, model=model: lib.rd_session_close(ffi.new("rd_session **", h)))
        given = ((name, value) for name, value in options.items() if value is not None)
        for name, value in given:
            call(lib.rd_session_set, self._handle, c_text(name), option_text(name, value))

    def cancel(self) -> None:
        """Stop a running generation at its next iteration; its thread gets Cancelled."""
        lib.rd_session_cancel(self._handle)

    def generate(self, prompt: Prompt, on_event: Optional[Observer] = None) -> Answer:
        """As Model.generate, with the session's sampler and options."""
        raised: list[BaseException] = []
        stopped = False
        if not isinstance(prompt, (str, np.ndarray)):
            prompt = list(prompt)

        # Ctrl-C may come before the first line of this function: it comes out of the call below all the same.
        @ffi.callback("rd_code(void *, const rd_event *)", error=lib.RD_CANCELLED,
                      onerror=lambda _kind, exception, _trace: raised.append(exception))
        def observe(_context: Any, event: Any) -> int:
            nonlocal stopped
            if not stopped and not raised:
                told = on_event(Event.copy(event)) if on_event else None
                stopped = isinstance(told, (bool, np.bool_)) and not told
            return lib.RD_CANCELLED if raised or stopped else lib.RD_OK

        result, error = ffi.new("rd_result *"), ffi.new("rd_error *")
        tail = (observe, ffi.NULL, result, error)
        if isinstance(prompt, str):
            code = lib.rd_generate(self._handle, c_text(prompt), *tail)
        elif are_ids(prompt):
            ids = encode_ids(prompt)
            code = lib.rd_generate_ids(self._handle, pointer(ids), len(ids), *tail)
        else:
            messages, kept = conversation(prompt)
            code = lib.rd_generate_messages(self._handle, messages, len(kept), *tail)
        try:
            if raised:
                raise raised[0]
            if stopped and code == lib.RD_CANCELLED:
                return Answer.copy(result)
            try:
                check(code, error)
            except Cancelled as cancelled:
                cancelled.answer = Answer.copy(result) if result.text != ffi.NULL else None
                raise
            return Answer.copy(result)
        finally:
            lib.rd_result_drop(result)
