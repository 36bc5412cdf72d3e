#!/bin/bash
# redraft train against SIGKILL at random moments, a full disk, and a limit on the size of files.
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
. tests/expect.bash
for i in $(seq 60); do
  echo "{\"prompt\":\"What is $i and one?\",\"answer\":\"It is $((i + 1)).\"}"
done > "$folder/rows.jsonl"
cat > "$folder/base.yaml" <<END
init: {tokenizer: models/tini, width: 32, layers: 2, heads: 2, ff: 64, positions: 64}
data: ["$folder/rows.jsonl"]
objective: next-token
trainable: all
window: 64
batch: 2
updates: 60
warmup: 3
learning_rate: 0.01
checkpoint_every: 5
log_every: 1
validate_every: 20
held_out: 0.1
threads: 1
END
base() { "$program" train "$folder/base.yaml" "$@" 2> "$folder/messages"; }
base --out "$folder/whole"; check "a run" 0 $?

# A run killed at random moments, begun anew whenever it gets to its end: always the same weights.
kills=3
[ -n "$RD_TEST_ALL" ] && kills=20
losses() { sed -n 's/.*\("update":[0-9]*,"[a-z_]*loss":[^,]*\).*/\1/p' "$folder/$1/metrics.jsonl"; }
reached() { grep -q "\"update\":$1," "$folder/killed/metrics.jsonl" 2> /dev/null; }
same() {
  for name in best final; do
    cmp -s "$folder/whole/$name/model.safetensors" "$folder/killed/$name/model.safetensors"
    check "after $killed kills: the same $name weights" 0 $?
  done
  check "after $killed kills: the same losses" "$(losses whole)" "$(losses killed)"
  rm -rf "$folder/killed"
}
killed=0
ends=0
while [ $killed -lt $kills ] && [ $ends -lt 40 ]; do
  "$program" train "$folder/base.yaml" --out "$folder/killed" --resume 2> /dev/null &
  pid=$!
  # at the start, at any update or a little later, or not at all
  at=$((RANDOM % 75))
  while [ $at -gt 0 ] && kill -0 $pid 2> /dev/null && ! reached $at; do :; done
  sleep "0.00$((RANDOM % 10))"
  kill -9 $pid 2> /dev/null
  wait $pid 2> /dev/null
  status=$?
  [ $status == 137 ] && killed=$((killed + 1))
  [ $status == 0 ] && ends=$((ends + 1)) && same
done
check "kills" $kills $killed
base --out "$folder/killed" --resume; check "the run that was killed last" 0 $?
same
echo "$killed kills; $((ends + 1)) runs got to their end"

# A file that may not grow further: one message, the checkpoint before whole, and the run goes on.
full() { # full WHAT STATUS FOLDER CHECKPOINT
  check "$1: status" 1 "$2"
  check "$1: one message" 1 "$(grep -c '^redraft train: .*cannot write' "$folder/messages")"
  check "$1: nothing half-written" "" "$(find "$3" -name '*.part' -o -name '*.old')"
  [ -e "$3/checkpoint-$4/state.json" ]; check "$1: the checkpoint is there" 0 $?
}
cp -r "$folder/whole" "$folder/limited"
rm -rf "$folder"/limited/{final,best,checkpoint-60}
(ulimit -f 8; base --out "$folder/limited" --resume)
full "a limit on files" $? "$folder/limited" 55
base --out "$folder/limited" --resume; check "after a limit" 0 $?
cmp -s "$folder/whole/final/model.safetensors" "$folder/limited/final/model.safetensors"
check "a limit changes nothing" 0 $?

# A disk with room for two checkpoints and a half, where one can be mounted; then on elsewhere.
cat > "$folder/disk.sh" <<'END'
mount -t tmpfs -o size=$1 tmpfs "$2/disk" || exit 77
"$3" train "$2/base.yaml" --out "$2/disk/run" --keep 4 2> "$2/messages"
status=$?
cp -r "$2/disk/run" "$2/full"
exit $status
END
mkdir "$folder/disk"
checkpoint_kb=$(du -sk "$folder/whole/checkpoint-60" | cut -f1)
unshare -rm bash "$folder/disk.sh" $((checkpoint_kb * 5 / 2))k "$folder" "$program" 2> "$folder/mounting"
status=$?
if [ ! -e "$folder/full" ]; then
  echo "skipped: a full disk: $(cat "$folder/mounting")"
else
  full "a full disk" $status "$folder/full" 5
  check "a full disk: the checkpoints" "checkpoint-10 checkpoint-5" "$(ls "$folder/full" | grep checkpoint | xargs)"
  base --out "$folder/full" --resume; check "after a full disk" 0 $?
  cmp -s "$folder/whole/final/model.safetensors" "$folder/full/final/model.safetensors"
  check "a full disk changes nothing" 0 $?
fi
exit $failed
