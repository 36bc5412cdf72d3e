#!/bin/sh
# Quality against iterations, for the card and doc/quality.svg: every fifth fact, and as many sayings of small talk beside them.
# curve.sh PROGRAM OUT [-m MODEL ..]: writes OUT/noiseless.jsonl, noise.jsonl, left-to-right.jsonl and all-*.jsonl
set -eu
program=$1
out=$2
shift 2
mkdir -p "$out"
here=$(dirname "$0")
rows() { # rows SET ..: a hundred of each at most, as rows with their answer
  python3 - "$here" "$@" <<'PYTHON'
import json, sys
sys.path.insert(0, sys.argv[1])
import setfiles
for name in sys.argv[2:]:
    asked = [row for row in setfiles.read(sys.argv[1] + "/sets", name) if "equals" in row["right"]]
    for row in asked[::-(-len(asked) // 100)]:
        print(json.dumps({"prompt": row["messages"][-1]["content"], "answer": row["right"]["equals"][0]}))
PYTHON
}
rows facts >"$out/facts.rows.jsonl"
rows facts talk >"$out/all.rows.jsonl"
curve() { # curve FILE OPTION ..: of the rows of $part
  file=$out/$name$1.jsonl
  shift
  "$program" eval --task exact --data "$out/$part.rows.jsonl" "$@" --json -q |
    sed "s|\"data\": *\"[^\"]*\"|\"data\": \"$part of tools/tini/sets\"|; s|\"model\": *\"[^\"]*\"|\"model\": \"tini\"|" >"$file"
}
for part in facts all; do
  name=$([ $part = facts ] || echo all-)
  curve noiseless "$@" --no-noise -n 1,2,4,8,16,32,64
  curve noise "$@" --noise -n 2,4,8,16,32,64
  curve left-to-right "$@" --sampler ar
done
