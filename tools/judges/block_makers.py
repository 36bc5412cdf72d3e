#!/usr/bin/env python3
"""Answers of block models, written by their makers' own sampling loops, beside redraft's.

  tools/judges/block_makers.py PROGRAM [--sdar DIR] [--dllm DIR] [--sdlm DIR] [--wedlm DIR]

DIR: clones of JetAstra/SDAR, ZHZisZZ/dllm, OpenGVLab/SDLM, Tencent/WeDLM. Their loops are run as they are, at temperature 0, over the
golden models; the passes that they ask for are those of tests/golden/reference.py (float64), under the attention that
their masks and caches amount to. Needs torch, transformers and numpy."""
import argparse, importlib, importlib.util, json, os, subprocess, sys, types

import torch

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GOLDEN = os.path.join(ROOT, "tests", "golden")
sys.path.insert(0, GOLDEN)
import reference as ref

TEXTS = ["a", "Hi", "the", "it is", "a capital", "of the capital", "on it", "What is the capital", "er in on an at re",
         "Amsterdam", "a b c d e f", "Hello there, who are you"]
MASK, ENDS = 285, {281, 287}


def answer(program, model, text, *options):
    """(prompt ids, answer ids) of redraft."""
    out = subprocess.run([program, "generate", "-m", os.path.join(GOLDEN, "models", model), "--raw", "--json",
                          "--precision", "f32", "--threads", "1", "--seed", "1", *options, text],
                         check=True, capture_output=True, text=True).stdout
    events = [json.loads(line) for line in out.rstrip("\n").split("\n")]
    return events[0]["prompt_ids"], events[-1]["ids"]


def rows(model, ids, attention, last, positions=None):
    return torch.tensor(ref.forward(model, ids, attention, positions)[-last:])[None]


def cut(ids, most):
    out = []
    for t in ids[:most]:
        if t in ENDS:
            break
        out.append(int(t))
    return out


def load(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sdar(folder, model):
    """low_confidence_dynamic; top_k 1 is their way to the best token, with which its confidence is 1: so the loop's
    sampling is replaced by the best token with its probability."""
    maker = load(os.path.join(folder, "generate.py"), "sdar_generate")
    maker.sample_with_temperature_topk_topp = lambda logits, **_: torch.softmax(logits, -1).max(-1)[::-1]
    kept = []

    class Model:
        device = "cpu"
        eval = lambda self: None

        def __call__(self, x, store_kv, **_):
            ids = x[0].tolist()
            out = types.SimpleNamespace(logits=rows(model, kept + ids, "block:4", len(ids)))
            if store_kv:
                kept.extend(ids)
            return out

    def run(prompt, tokens):
        del kept[:]
        x = maker.block_diffusion_generate(Model(), {"input_ids": torch.tensor([prompt])}, MASK, gen_length=tokens,
                                           block_length=4, denoising_steps=4, confidence_threshold=0.3,
                                           stopping_criteria_idx=sorted(ENDS))
        return cut(x[0, len(prompt):].tolist(), tokens)
    return run, ["--threshold", "0.3", "--temperature", "0"]


def dllm(folder, model, block=8, steps=None):
    for name in ("dllm", "dllm.core", "dllm.core.samplers"):
        package = types.ModuleType(name)
        package.__path__ = [os.path.join(folder, *name.split("."))]
        sys.modules[name] = package
    maker = importlib.import_module("dllm.core.samplers.bd3lm")
    pad = 286                                           # no prompt has it

    class Model:
        device = "cpu"

        def __call__(self, x, past_key_values=None, **_):
            x = x[0].tolist()
            ids = [t for t in (past_key_values or []) + x if t != pad]
            origin = (self.prompt) % block
            count = sum(t != pad for t in x)
            out = rows(model, ids, "block:%d:%d" % (block, origin), count)
            blank = torch.zeros(1, len(x) - count, out.shape[-1], dtype=out.dtype)
            return types.SimpleNamespace(logits=torch.cat([blank, out], 1), past_key_values=(past_key_values or []) + x)

    tokenizer = types.SimpleNamespace(mask_token_id=MASK, bos_token_id=280, pad_token_id=pad, eos_token_id=287)

    def run(prompt, tokens):
        m = Model()
        m.prompt = len(prompt)
        x = maker.BD3LMSampler(model=m, tokenizer=tokenizer).sample(
            [prompt], max_new_tokens=tokens, block_size=block, steps_per_block=steps or block, return_dict=False)
        return cut(x[0, -(-len(prompt) // block) * block:].tolist(), tokens)
    more = ["--block-steps", str(steps)] if steps else []
    return run, ["--sampler", "bd3lm", "--block-length", str(block), *more]


def sdlm(folder, model, window=4):
    maker = load(os.path.join(folder, "sdlm_inference.py"), "sdlm_inference")
    maker.EOS_TOKEN_IDS, maker.print = sorted(ENDS), lambda *_: None

    class Model:
        config = types.SimpleNamespace(text_mask_token_id=MASK, block_size=window, causal_attn=False)
        model = types.SimpleNamespace()

        def __call__(self, input_ids, **_):
            ids = input_ids[0].tolist()
            return types.SimpleNamespace(logits=rows(model, ids, "ahead:%d:%d" % (window, len(ids) - window), len(ids)))

    class Tokenizer:
        model_max_length = 10 ** 6
        batch_decode = staticmethod(lambda ids, **_: ids[0].tolist())

    class Inputs(dict):
        input_ids = None

    def run(prompt, tokens):
        inputs = Inputs()
        inputs.input_ids = torch.tensor([prompt])
        ids = maker.SDLM_generate(Model(), Tokenizer(), inputs, max_gen_len=tokens, threshold=0.3,
                                  n_future_tokens=window, use_cache=False)
        return cut(ids, tokens)
    return run, ["--threshold", "0.3"]


def wedlm(folder, model, window=6, bound=2.2, penalty=0.1):
    """The engine's decoder and sampler; how much room for keys there is never bounds a window here."""
    for name in ("wedlm", "wedlm.engine"):
        package = types.ModuleType(name)
        package.__path__ = [os.path.join(folder, *name.split("."))]
        sys.modules[name] = package
    sequence = sys.modules["wedlm.engine.sequence"] = types.ModuleType("wedlm.engine.sequence")
    sequence.Sequence = object
    sequence.WeDLMState = types.SimpleNamespace
    maker = importlib.import_module("wedlm.engine.wedlm_decoder")
    decoder = maker.WeDLMDecoder(MASK, 256, window, importlib.import_module("wedlm.engine.sampler").Sampler())

    class Sequence:
        kv_budget, temperature, top_p, top_k = 10 ** 6, 0.0, 1.0, 0
        wedlm_entropy_threshold, wedlm_pos_penalty_factor, stop_token_ids = bound, penalty, ENDS

        def __init__(self, prompt, tokens):
            self.num_prompt_tokens, self.max_tokens = len(prompt), tokens

        def __len__(self):
            return self.num_prompt_tokens

    def run(prompt, tokens):
        seq, written = Sequence(prompt, tokens), []
        state = seq.wedlm_state = decoder.init_wedlm_state(seq)
        while not state.is_finished:
            decoder._refill_window_masks(seq, state)
            flags = state.window_mask_flags
            order = [i for i, mask in enumerate(flags) if not mask] + [i for i, mask in enumerate(flags) if mask]
            places = list(range(state.current_seq_len)) + [state.current_seq_len + i for i in order]
            logits = rows(model, prompt + written + [state.window_tokens[i] for i in order], "causal", len(order), places)
            prepared = types.SimpleNamespace(active_seqs=[seq], active_states=[state], active_indices=[0],
                                             per_seq_num_non_mask=[flags.count(False)])
            written += decoder.process_decode_outputs([seq], prepared, logits[0])[0] or []
        return cut(written, tokens)
    return run, ["--sampler", "sliding", "--block-length", str(window), "--entropy-bound", str(bound), "--distance", str(penalty)]


def compare(program, name, folder, make, model, tokens=18, **more):
    run, options = make(folder, ref.load(os.path.join(GOLDEN, "models", model)), **more)
    same = 0
    for text in TEXTS:
        prompt, ours = answer(program, model, text, "--tokens", str(tokens), *options)
        theirs = run(prompt, tokens)
        same += ours == theirs
        if ours != theirs:
            print("%s, %r: %s, theirs %s" % (name, text, ours, theirs))
    print("%s%s: %d of %d answers are the same" % (name, more or "", same, len(TEXTS)))
    return same == len(TEXTS)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    for name in ("sdar", "dllm", "sdlm", "wedlm"):
        parser.add_argument("--" + name)
    a = parser.parse_args()
    good = True
    if a.sdar:
        good &= compare(a.program, "SDAR", a.sdar, sdar, "block-sdar")
    if a.dllm:
        for more in ({}, {"steps": 3}, {"block": 5}):
            good &= compare(a.program, "BD3-LM (dLLM)", a.dllm, dllm, "block-a2d-qwen3", **more)
    if a.sdlm:
        good &= compare(a.program, "SDLM", a.sdlm, sdlm, "block-sdlm")
    if a.wedlm:
        for more in ({}, {"window": 16, "bound": 1.5, "penalty": 0.02}):
            good &= compare(a.program, "WeDLM", a.wedlm, wedlm, "block-sdlm", **more)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
