#!/bin/sh
# What `make tini` runs: data, base, adapter in four parts, and the files of models/tini. Interrupted training goes on where it
# stopped when this is run again.
set -eu
redraft=$1
data=${TINI_DATA:-../shared/data}
[ -d "$data" ] || {
  echo "tini: $data is not there; tools/tini/sources.tsv names each file, its checksum and its public source" >&2
  exit 1
}
python3 tools/tini/build.py --data "$data" --out out/tini-data
train() { # train NAME RUN: a finished run is left alone
  [ ! -d "$2/final" ] || return 0
  if [ -d "$2" ]; then "$redraft" train "models/tini/$1.yaml" --resume; else "$redraft" train "models/tini/$1.yaml"; fi
}
train base out/tini-base
train lora out/tini-lora
train redraft out/tini-redraft
[ -d out/tini-bf16 ] || "$redraft" convert -m out/tini-base/final --to bf16 -o out/tini-bf16
train grow out/tini-grow
train finish out/tini-finish
rm -rf out/tini-adapter
"$redraft" convert --adapter out/tini-finish/final --to bf16 -o out/tini-adapter
cp out/tini-bf16/config.json out/tini-bf16/model.safetensors models/tini/
mkdir -p models/tini/adapter
cp out/tini-adapter/* models/tini/adapter/
