#!/bin/sh
# ranks.sh PROGRAM PYTHON: rank against quality at one budget. The adapter that ships, cut to ranks 8 and 32 (cut.py; PYTHON has numpy), as it is, and grown
# to 128 and to 384, which is every matrix whole; each learns for the same 110 updates (train/tini-ranks.yaml) and is asked the same questions, alone and with
# the base's lead. Rows of broad.py are wanted in out/tini-broad. Results in out/tini-ranks.
set -eu
cd "$(dirname "$0")/../.."
program=$1
python=$2
out=out/tini-ranks
mkdir -p "$out"
[ -d "$out/model" ] || "$program" convert -m models/tini/model.gguf --to bf16 -o "$out/model"
for rank in 64 8 32 128 384; do
  from=models/tini/adapter
  [ "$rank" -ge 64 ] || from=$out/cut$rank
  [ -d "$from" ] || "$python" tools/tini/cut.py models/tini/adapter "$rank" "$from"
  [ -d "$out/$rank/final" ] || "$program" train tools/tini/train/tini-ranks.yaml --set adapter="$from" --set lora_rank="$rank" --set out="$out/$rank" --overwrite
  for options in "base_weight=0 base_lead=false" "base_weight=0.2 base_lead=true"; do
    # shellcheck disable=SC2046,SC2086
    python3 tools/tini/score.py "$program" --settings lad --drafts --sets facts,second --limit 50 -m models/tini --adapter "$out/$rank/final" \
      $(printf -- '--option %s ' room=64 patience=2 $options) >"$out/$rank-${options##*=}.txt"
  done
done
