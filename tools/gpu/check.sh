#!/bin/sh
# check.sh OUT: what a first run on a machine with a card should be, in at most LIMIT seconds (450). Writes OUT/check.json and
# OUT/check.txt; fails where a check does. ENGINE=emulated tries all of it without a card, over tiny sizes.
#   PROGRAM=build/redraft   the program; tests beside it are run too, and fail where they are not built. CARRIED=FILE.tar.xz: those that carry.sh
#                           put together elsewhere
#   STAGES=tests,logits,... these alone
#   MODEL=PATH              one more model whose scores are compared
set -eu
cd "$(dirname "$0")/../.."
mkdir -p "$1"
out=$(cd "$1" && pwd)
if [ -n "${CARRIED:-}" ]; then
  tar -xJf "$CARRIED" -C "$out"
  PROGRAM=$out/carried/redraft
  export CARRIED_LIBRARIES="$out/carried/lib" # of the program alone: check.py's own are the machine's
  source=$(cat "$out/carried/source") # where tests look for tests/golden
  [ -e "$source" ] || { mkdir -p "$(dirname "$source")" && ln -s "$PWD" "$source"; }
fi
PROGRAM=${PROGRAM:-build/redraft}
export PROGRAM ENGINE="${ENGINE:-cuda}"
folder=$(dirname "$PROGRAM")
if [ "$ENGINE" = cuda ] && ! command -v nvidia-smi >/dev/null; then
  echo "check.sh: no card here (there is no nvidia-smi); ENGINE=emulated tries all but the card" >&2
  exit 1
fi
if [ "$ENGINE" = cuda ] && [ ! -f "$folder/libredraft-cuda.so" ]; then
  card=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -1 | tr -d .)
  ./tools/gpu/nvcc.sh "$folder" "$card"
fi
exec python3 tools/gpu/check.py "$out"
