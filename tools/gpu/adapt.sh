#!/bin/sh
# adapt.sh OUT [MINUTES]: a chat model adapted for some minutes (10) with checkpoints, and asked. Its own answers, from which the adapter learns,
# the training, and what is asked in the end are the engine's work. Run again with the same OUT it goes on where it was stopped.
#   PROGRAM=build/redraft   MODEL=models/smol/SmolLM2-135M-Instruct.Q4_1.gguf   ENGINE=cuda, or emulated to try it over a tiny model
# OUT gets adapted/ (answers, stages, adapter), said.txt, and adapter.tar.gz to be brought back.
set -eu
cd "$(dirname "$0")/../.."
out=$1
minutes=${2:-10}
program=${PROGRAM:-build/redraft}
engine=${ENGINE:-cuda}
model=${MODEL:-models/smol/SmolLM2-135M-Instruct.Q4_1.gguf}
few=""
if [ "$engine" = emulated ]; then
  model=${MODEL:-tests/golden/models/llama-mha}
  few="--answers 16 --tokens 6 --updates 4 --rank 4 --set checkpoint_every=2"
fi
[ -e "$model" ] || {
  echo "adapt.sh: $model is not there; make smol fetches it, and MODEL=PATH names another" >&2
  exit 1
}
mkdir -p "$out"
again=""
[ ! -d "$out/adapted" ] || again=--resume
# shellcheck disable=SC2086 # lists of options
"$program" adapt "$model" -o "$out/adapted" --engine "$engine" --minutes "$minutes" $few $again
for question in "What is the capital of France?" "Why is the sky blue?" "Give me three tips for saving money."; do
  printf '%s\n' "$question"
  "$program" generate -q --no-watch --seed 1 -m "$model" --adapter "$out/adapted/adapter" --engine "$engine" ${few:+--tokens 6} "$question"
done >"$out/said.txt"
tar -C "$out/adapted" -czf "$out/adapter.tar.gz" adapter
cat "$out/said.txt"
