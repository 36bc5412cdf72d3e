#!/bin/sh
# curve.sh PROGRAM [QUESTIONS [TOKENS]]: more iterations, better? The likelihood under the parent of what models/smol answers, against the number of
# iterations, noiseless and with noise between them, and of what the parent itself writes: out/smol-curve.svg and the rows that it is made of.
# Needs the parent (make smol). Questions of tools/smol/open.txt, from the first on.
set -eu
cd "$(dirname "$0")/../.."
program=$1
questions=${2:-20}
tokens=${3:-32}
out=out/smol-curve
mkdir -p "$out/adapter"
cp models/smol/adapter/* "$out/adapter"
sed -i "s/\"block\": [0-9]*/\"block\": $tokens/" "$out/adapter/redraft.json" # one block, so that one iteration is enough for a row
sed -i 's/"base_lead": true/"base_weight": 0.9/' "$out/adapter/redraft.json" # the adapter's own curve: led by the base, answers end in the parent's words
head -n "$questions" tools/smol/open.txt | python3 -c 'import json, sys
for line in sys.stdin:
    print(json.dumps({"prompt": line.strip()}))' >"$out/questions.jsonl"
ask() { # ask NAME OPTIONS..
  name=$1
  shift
  "$program" eval -q --json --task perplexity --judge models/smol/SmolLM2-135M-Instruct.Q4_1.gguf --data "$out/questions.jsonl" -m models/smol/SmolLM2-135M-Instruct.Q4_1.gguf --adapter "$out/adapter" --tokens "$tokens" --seed 1 -t 0 "$@" >"$out/$name.jsonl"
}
ask noiseless --sampler lad --no-noise --iterations 1,2,4,8,16,32,64
ask noise --sampler lad --noise --iterations 1,2,4,8,16,32,64
ask parent --sampler ar
"$program" plot "$out/noiseless.jsonl" "$out/noise.jsonl" "$out/parent.jsonl" -o out/smol-curve.svg
