# SPDX-License-Identifier: MIT
"""Text by iterative refinement: a thin binding over libredraft.

    import redraft

    model = redraft.load("models/tini")
    answer = model.generate("What's the capital of France?", on_event=print, iterations=16)
    print(answer.text)
"""
from ._library import Cancelled, Error, options, version
from .events import Answer, Event
from .model import Model, Session, load

__all__ = ["Answer", "Cancelled", "Error", "Event", "Model", "Session", "load", "options", "version"]
__version__ = version()
