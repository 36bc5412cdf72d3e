#!/bin/sh
# What `make tini` runs: data, base, adapter, and the files of models/tini. Interrupted training goes on where it stopped when this
# is run again. The recipes are tools/tini/train/*.yaml; PLAN.md says why they are as they are.
set -eu
redraft=$1
data=${TINI_DATA:-../shared/data}
[ -d "$data" ] || {
  echo "tini: $data is not there; tools/tini/sources.tsv names each file, its checksum and its public source" >&2
  exit 1
}
once() { # once MARK COMMAND..: what came to its end, its checks too, is left alone
  mark=$1
  shift
  [ -f "$mark" ] || { "$@" && touch "$mark"; }
}
once out/tini-data/built python3 tools/tini/build.py --data "$data" --out out/tini-data --eval tools/tini/sets
train() { # train NAME: a finished run is left alone
  [ ! -d "out/tini-$1/final" ] || return 0
  if [ -d "out/tini-$1" ]; then
    "$redraft" train "tools/tini/train/tini-$1.yaml" --resume
  else
    "$redraft" train "tools/tini/train/tini-$1.yaml"
  fi
}
mix() { [ -f "$1/model.safetensors" ] || python3 tools/tini/mix.py "$@"; } # mix OUT SHARE FOLDER ..: a mean that is there is left alone
train base
# The base goes on with what it was weak at, and what ships lies between the two: nearer the first, which knows its sums.
once out/tini-data/more python3 tools/tini/more.py --data "$data" --out out/tini-data
train more
train again
mix out/tini-mixed 0.6 out/tini-base/final 0.4 out/tini-again/final
# Then what visitors say, every small fact by itself, and what is asked of all animals: rows in far more forms.
once out/tini-broad/drawn python3 tools/tini/broad.py --data "$data" --out out/tini-broad --scale 0.3
train sayings
train refusals
train guests
train others
train everyday
train grid
# At a constant rate it is nowhere at rest: the mean of what it passes through is better than any of it. Then the small facts, and a mean again.
train forms
set -- 0.2 out/tini-grid/final
for c in out/tini-forms/checkpoint-*; do set -- "$@" 0.06 "$c"; done
mix out/tini-mean "$@"
train known
mix out/tini-settled 0.2 out/tini-grid/final 0.4 out/tini-mean 0.4 out/tini-known/final
train small
mix out/tini-rested 0.15 out/tini-grid/final 0.25 out/tini-settled 0.3 out/tini-known/final 0.3 out/tini-small/final
# Copying as such, all kinds once more while the rate falls, and the small facts, which the feed-forward keeps.
train echo
set -- 0.2 out/tini-rested
for c in 1800 2100 2400 2700 3000 3300; do set -- "$@" 0.1333 "out/tini-echo/checkpoint-$c"; done
mix out/tini-copying "$@"
train calm
mix out/tini-settling 0.15 out/tini-rested 0.25 out/tini-calm/checkpoint-4200 0.6 out/tini-calm/final
train last
mix out/tini-whole 0.2/0.3 out/tini-rested 0.1/0.6 out/tini-calm/final 0.7/0.1 out/tini-last/final
# What is typed first, in parts, each from a mean; then the small facts again.
train firsts
mix out/tini-begun 0.5 out/tini-whole 0.5 out/tini-firsts/final
train firsts-more
mix out/tini-met 0.2 out/tini-whole 0.2 out/tini-firsts/final 0.6 out/tini-firsts-more/final
train firsts-calm
mix out/tini-open 0.1 out/tini-whole 0.55 out/tini-met 0.35 out/tini-firsts-calm/final
train firsts-facts
mix out/tini-visited 0.05/0.15 out/tini-whole 0.3/0.55 out/tini-met 0.65/0.3 out/tini-firsts-facts/final
# Another way from the same weights, with more forms of everyday explanations; then the mean of both, which is better than either.
train why
mix out/tini-asked 0.5 out/tini-whole 0.5 out/tini-why/final
train why-more
mix out/tini-told 0.35 out/tini-whole 0.15 out/tini-why/final 0.5 out/tini-why-more/final
train why-facts
mix out/tini-answered 0.15/0.3 out/tini-whole 0.25/0.3 out/tini-told 0.6/0.4 out/tini-why-facts/final
mix out/tini-both 0.25/0.5 out/tini-visited 0.75/0.5 out/tini-answered
train gaps
mix out/tini-filled 0.6 out/tini-both 0.4 out/tini-gaps/final
train gaps-facts
mix out/tini-grown 0.467/0.623 out/tini-both 0.078/0.182 out/tini-gaps/final 0.455/0.195 out/tini-gaps-facts/final
# What visitors asked for and no table had: first in factors of the feed-forward, then beside all else, then while the rate falls, each from a mean with
# what was there before, which brings back what the new rows cost; then conversations, small talk, and the small facts again.
train knowledge
[ -d out/tini-learnt ] || "$redraft" convert -m out/tini-grown --adapter out/tini-knowledge/final --merge --to bf16 -o out/tini-learnt
mix out/tini-begun-anew 0.15 out/tini-grown 0.85 out/tini-learnt
train told
mix out/tini-passed 0.2 out/tini-grown 0.2 out/tini-told/checkpoint-5400 0.2 out/tini-told/checkpoint-6000 0.4 out/tini-told/final
train told-calm
mix out/tini-heard 0.15 out/tini-grown 0.25 out/tini-passed 0.6 out/tini-told-calm/final
train talks
mix out/tini-spoken 0.1/0.2 out/tini-grown 0.2 out/tini-told-calm/final 0.7/0.6 out/tini-talks/final
train talks-calm
mix out/tini-talking 0.03/0.105 out/tini-grown 0.05/0.045 out/tini-passed 0.12/0.15 out/tini-told-calm/final 0.6/0.5 out/tini-spoken 0.2 out/tini-talks-calm/final
train talks-facts
mix out/tini-refreshed 0.1 out/tini-grown 0.75/0.8 out/tini-talking 0.15/0.1 out/tini-talks-facts/final
train talks-things
mix out/tini-ships 0.8/0.9 out/tini-refreshed 0.2/0.1 out/tini-talks-things/final
# The adapter learns beside the numbers that ship, those of the Q8_0 file; training reads folders, so they are written out again.
if [ ! -f out/tini-model/done ]; then
  rm -rf out/tini.gguf out/tini-model
  "$redraft" convert -m out/tini-ships --gguf --to q8_0 -o out/tini.gguf
  "$redraft" convert -m out/tini.gguf --to bf16 -o out/tini-model
  touch out/tini-model/done
fi
train masks
train drafts
train finish
rm -rf out/tini-adapter
"$redraft" convert --adapter out/tini-finish/final --to bf16 -o out/tini-adapter
mkdir -p models/tini/adapter
cp out/tini.gguf models/tini/model.gguf
cp out/tini-data/tokenizer/tokenizer.json out/tini-data/tokenizer/tokenizer_config.json models/tini/
# redraft.json stays: it is written by hand, and says what the run's says (gate: answer) beside defaults and examples.
cp out/tini-adapter/adapter_config.json out/tini-adapter/adapter_model.safetensors models/tini/adapter/
