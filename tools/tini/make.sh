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
[ -f out/tini-data/counts.json ] || python3 tools/tini/build.py --data "$data" --out out/tini-data --eval models/tini/eval/sets
train() { # train NAME: a finished run is left alone
  [ ! -d "out/tini-$1/final" ] || return 0
  if [ -d "out/tini-$1" ]; then
    "$redraft" train "tools/tini/train/tini-$1.yaml" --resume
  else
    "$redraft" train "tools/tini/train/tini-$1.yaml"
  fi
}
train base
train masks
train drafts
train finish
rm -rf out/tini-model out/tini-adapter
"$redraft" convert -m out/tini-base/final --to bf16 -o out/tini-model
"$redraft" convert --adapter out/tini-finish/final --to bf16 -o out/tini-adapter
cp out/tini-model/* models/tini/
mkdir -p models/tini/adapter
cp out/tini-adapter/* models/tini/adapter/
