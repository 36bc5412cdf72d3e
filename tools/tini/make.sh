#!/bin/sh
# What `make tini` runs: data, base, adapter in two parts, and the files of models/tini. Interrupted training goes on where it
# stopped when this is run again.
set -eu
redraft=$1
data=${TINI_DATA:-../shared/data}
[ -d "$data" ] || {
  echo "tini: $data is not there; tools/tini/sources.tsv names each file, its checksum and its public source" >&2
  exit 1
}
python3 tools/tini/build.py --data "$data" --out out/tini-data
train() { # train CONFIG RUN
  if [ -d "$2" ]; then "$redraft" train "$1" --resume; else "$redraft" train "$1"; fi
}
[ -f out/tini-base/final/model.safetensors ] || train models/tini/base.yaml out/tini-base
[ -f out/tini-lora/final/adapter_model.safetensors ] || train models/tini/lora.yaml out/tini-lora
[ -f out/tini-redraft/final/adapter_model.safetensors ] || train models/tini/redraft.yaml out/tini-redraft
rm -rf out/tini-bf16
"$redraft" convert -m out/tini-base/final --to bf16 -o out/tini-bf16
cp out/tini-bf16/config.json out/tini-bf16/model.safetensors models/tini/
mkdir -p models/tini/adapter
cp out/tini-redraft/final/adapter_config.json out/tini-redraft/final/adapter_model.safetensors models/tini/adapter/
