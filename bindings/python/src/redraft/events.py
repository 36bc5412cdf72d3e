# SPDX-License-Identifier: MIT
"""What happens while an answer is written, and the answer: copies, which stay when the library goes on."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ._library import ffi, lib, take_text, text

KINDS = ("start", "noise", "draft", "done")


def array(pointer: Any, count: int, kind: type = np.int32) -> np.ndarray:
    if count <= 0 or pointer == ffi.NULL:
        return np.empty(0, kind)
    return np.frombuffer(ffi.buffer(pointer, count * np.dtype(kind).itemsize), kind).copy()


@dataclass(frozen=True)
class Event:
    """One moment: `kind` is "start", "noise" (masks were put in), "draft" (a pass was made) or "done"."""

    kind: str
    iteration: int
    text: str  # of a draft so far, or of the answer; "" at the start
    ids: np.ndarray  # the answer's region; of the prompt at the start
    confidence: np.ndarray  # draft: the probability of each token when it was chosen
    masked: np.ndarray  # noise: positions masked now
    changed: np.ndarray  # draft: positions that differ from the draft before
    retained: np.ndarray
    locked: np.ndarray
    drafted: int  # where the base checks: places drafted, those it accepts, those it does not
    accepted: int
    rejected: int

    @classmethod
    def copy(cls, event: Any) -> Event:
        e = event[0]
        start = e.kind == lib.RD_EVENT_START
        return cls(kind=KINDS[e.kind], iteration=e.iteration,
                   text="" if start else take_text(lib.rd_event_text(event)),
                   ids=array(e.prompt_ids, e.prompt_count) if start else array(e.ids, e.count),
                   confidence=array(e.confidence, e.count if e.kind == lib.RD_EVENT_DRAFT else 0, np.float32),
                   masked=array(e.masked, e.masked_count), changed=array(e.changed, e.changed_count),
                   retained=array(e.retained, e.retained_count), locked=array(e.locked, e.locked_count),
                   drafted=e.drafted, accepted=e.accepted, rejected=e.rejected)


@dataclass(frozen=True)
class Answer:
    """What was written. Not `converged`: the draft was still changing, do not trust it."""

    text: str
    ids: np.ndarray
    iterations: int
    passes: int
    seconds: float
    seed: int
    stopped: str  # "converged", "iterations", "deadline", "cancelled"
    converged: bool
    warning: str

    @classmethod
    def copy(cls, result: Any) -> Answer:
        r = result[0]
        return cls(text(r.text), array(r.ids, r.tokens), r.iterations, r.passes, r.seconds, r.seed, text(r.stopped),
                   bool(r.converged), text(r.warning))
