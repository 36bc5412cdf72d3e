# SPDX-License-Identifier: MIT
"""redraft as a model of EleutherAI's lm-evaluation-harness, without a server:

    lm_eval --model redraft --model_args pretrained=models/tini,draws=32 --tasks arc_easy --limit 100

Of --model_args `pretrained`, `adapter`, `draws` (of masks for a likelihood; 0: from left to right), `seed` and
`max_gen_toks` are read here; all others are options of generation (`sampler=lad,iterations=16`). A task that asks for longer answers than the prompt leaves room for gets shorter ones.
"""
from __future__ import annotations

import warnings
from typing import Any, Optional

from lm_eval import utils
from lm_eval.api.model import TemplateLM
from tqdm import tqdm

from .model import load

BATCH = 32  # answers that are scored by one call


class RedraftLM(TemplateLM):
    def __init__(self, pretrained: str, adapter: Optional[str] = None, draws: Optional[int] = None, seed: int = 0,
                 max_gen_toks: int = 128, sampler: Optional[str] = None, batch_size: Any = None, device: Any = None,
                 max_batch_size: Any = None, **options: Any):
        super().__init__()
        self.model = load(pretrained, adapter)
        self.name, self.draws, self.seed = pretrained, draws, seed
        self.max_gen_toks, self.sampler, self.options = max_gen_toks, sampler, options

    @property
    def eot_token_id(self) -> int:
        return self.model.eos if self.model.eos is not None else 0

    @property
    def max_length(self) -> int:
        return self.model.positions

    @property
    def tokenizer_name(self) -> str:
        return self.name.replace("/", "__")

    def tok_encode(self, string: str, add_special_tokens: Optional[bool] = None, **kwargs: Any) -> list[int]:
        return self.model.encode(string).tolist()

    def tok_decode(self, tokens: list[int], **kwargs: Any) -> str:
        return self.model.decode(tokens)

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        if not add_generation_prompt:
            raise NotImplementedError("redraft lays out conversations to be answered; none that end in an answer")
        return self.model.decode(self.model.encode(chat_history))

    def _loglikelihood_tokens(self, requests: list, disable_tqdm: bool = False, **kwargs: Any) -> list[tuple[float, bool]]:
        found: list[tuple[float, bool]] = []
        for first in tqdm(range(0, len(requests), BATCH), disable=disable_tqdm, desc="likelihoods"):
            pairs = []
            for _, context, continuation in requests[first:first + BATCH]:
                # the end of what is too long, with one token given at least
                context = context[-max(1, self.max_length - len(continuation)):]
                pairs.append((context, continuation[-(self.max_length - len(context)):]))
            found += self.model.likelihoods(pairs, self.draws, self.seed)
        for request, answer in zip(requests, found):
            if request[0] is not None:
                self.cache_hook.add_partial("loglikelihood", request[0], answer)
        return found

    def loglikelihood_rolling(self, requests: list, disable_tqdm: bool = False) -> list[float]:
        found = []
        for (text,) in (request.args for request in requests):
            windows = utils.get_rolling_token_windows(token_list=self.tok_encode(text), prefix_token=self.eot_token_id,
                                                      max_seq_len=self.max_length - 1, context_len=1)
            rows = [(None, *utils.make_disjoint_window(window)) for window in windows]
            found.append(sum(nats for nats, _ in self._loglikelihood_tokens(rows, disable_tqdm=True)))
            self.cache_hook.add_partial("loglikelihood_rolling", (text,), found[-1])
        return found

    def generate_until(self, requests: list, disable_tqdm: bool = False) -> list[str]:
        found = []
        for context, asked in tqdm([request.args for request in requests], disable=disable_tqdm, desc="answers"):
            until = asked.get("until") or []
            prompt = self.model.encode(context)
            tokens = max(1, min(int(asked.get("max_gen_toks", self.max_gen_toks)), self.max_length - len(prompt)))
            if len(prompt) >= self.max_length:
                warnings.warn(f"a prompt of {len(prompt)} tokens fills the model's {self.max_length} positions: its "
                              f"first {len(prompt) - self.max_length + 1} are left out, and its answer has one token")
                prompt = prompt[-(self.max_length - 1):]
            options = {"seed": self.seed, "tokens": tokens, "window": len(prompt) + tokens,
                       "temperature": asked.get("temperature", 0.0) if asked.get("do_sample") else 0, **self.options}
            text = self.model.generate(prompt, sampler=self.sampler, **options).text
            for end in [until] if isinstance(until, str) else until:
                text = text.split(end)[0] if end else text
            found.append(text)
            self.cache_hook.add_partial("generate_until", (context, asked), text)
        return found
