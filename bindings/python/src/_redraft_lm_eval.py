# SPDX-License-Identifier: MIT
"""Makes `lm_eval --model redraft` known.

lm-eval looks up models in a table of its own and has no other door. So this module, which Python imports when it starts,
waits for that table's module and adds a row to it; redraft itself is imported when the row is used.
"""
import importlib.abc
import importlib.machinery
import sys

TABLE = "lm_eval.models"


class Loader(importlib.abc.Loader):
    def __init__(self, own):
        self.own = own

    def create_module(self, spec):
        return self.own.create_module(spec)

    def exec_module(self, module):
        self.own.exec_module(module)
        try:
            from lm_eval.api.registry import model_registry
        except ImportError:  # an lm-eval before 0.4.10, which somebody uses without redraft
            return
        if "redraft" not in model_registry:
            model_registry.register("redraft", target="redraft.lm_eval:RedraftLM")


class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != TABLE:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec and spec.loader:
            spec.loader = Loader(spec.loader)
        return spec


sys.meta_path.insert(0, Finder())
