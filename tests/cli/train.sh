#!/bin/bash
# redraft train: runs, interrupted, and told nonsense.
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
updates: 40
warmup: 3
learning_rate: 0.01
checkpoint_every: 5
validate_every: 20
held_out: 0.1
threads: 1
END
base() { "$program" train "$folder/base.yaml" "$@" 2> "$folder/messages"; }
base --out "$folder/whole"; check "a run" 0 $?
for name in config.yaml metrics.jsonl checkpoint-40/state.json best/model.safetensors final/config.json; do
  [ -e "$folder/whole/$name" ] || check "$name is there" yes no
done
"$program" train "$folder/base.yaml" --out "$folder/stopped" --updates 100000 --checkpoint-every 0 2> /dev/null &
pid=$!
eventually [ -s "$folder/stopped/metrics.jsonl" ]
kill -INT $pid
wait $pid; check "interrupted" 130 $?
check "a checkpoint of it" 1 "$(ls -d "$folder"/stopped/checkpoint-* | wc -l)"

cat > "$folder/lora.yaml" <<END
model: "$folder/whole/final"
data: ["$folder/rows.jsonl"]
out: "$folder/lora"
objective: mixed
loss_on: answer
lora_rank: 4
train_norms: true
window: 32
batch: 2
updates: 3
threads: 1
END
for objective in structural mask mixed; do
  "$program" train "$folder/lora.yaml" --overwrite --objective $objective 2>/dev/null; check "$objective" 0 $?
done
[ -e "$folder/lora/final/adapter_model.safetensors" ] || check "an adapter" yes no
# a model whose rows predict the next position learns an answer, and then gives it
echo '{"prompt":"ab","answer":"cd ef"}' > "$folder/one.jsonl"
"$program" train -q --model tests/golden/models/dream --data "$folder/one.jsonl" --out "$folder/dream" --objective mixed \
  --loss-on answer --own-drafts 0.3 --lora-rank 4 --window 24 --batch 2 --updates 60 --learning-rate 0.01 --warmup 1 --held-out 0 \
  --validate-rows 0 --threads 1; check "a shifted model" 0 $?
check "its answer" '"got": "cd ef"' "$("$program" eval -m tests/golden/models/dream --adapter "$folder/dream/final" --window 24 \
  --data "$folder/one.jsonl" -q -o /dev/stdout | grep -o '"got": "[^"]*"')"
quiet=$("$program" train "$folder/lora.yaml" --out "$folder/rows" --log-every 1 --json -q 2> "$folder/quiet.err")
check "rows on standard output" "$(cat "$folder/rows/metrics.jsonl")" "$quiet"
check "nothing on standard error" "" "$(cat "$folder/quiet.err")"
says() { # says WHAT STATUS PATTERN ARGUMENTS...
  local what=$1 status=$2 pattern=$3
  shift 3
  local found
  found=$("$program" train "$@" 2>&1); check "$what: status" "$status" $?
  grep -q -- "$pattern" <<< "$found" || check "$what" "$pattern" "$found"
}
says "a key with a slip" 2 "did you mean learning_rate" "$folder/lora.yaml" --set lerning_rate=1
says "a projection that is not there" 2 "no projection c_attn" "$folder/lora.yaml" --overwrite --lora-targets c_attn
echo '{"prompt":"a question that is longer than a window of four tokens","answer":"b"}' > "$folder/over.jsonl"
says "rows that are too long" 1 "of 1 rows none is left: 1 cut off, or too long with their prompt for the window .*; the window has 4 tokens" \
  "$folder/lora.yaml" --overwrite --data "$folder/over.jsonl" --window 4
printf 'window: 64\nbatch: 2\nwindow: 32\n' > "$folder/twice.yaml"
says "a key twice" 1 "twice.yaml: line 3: the key window is there twice$" "$folder/twice.yaml"
says "a missing file" 1 "cannot open" "$folder/lora.yaml" --overwrite --data "$folder/none.jsonl"
says "no data" 2 "data: name" --model "$folder/whole/final" --out "$folder/x"
says "another library's name" 2 "did you mean lora_rank" "$folder/lora.yaml" --set lora_r=8
# what computes the passes
says "an engine that there is not" 2 "unknown engine abacus; there are cuda, cpu and emulated" "$folder/lora.yaml" --engine abacus
REDRAFT_CUDA=$folder/none.so says "no library for cards" 1 "make CUDA=1 builds the library" "$folder/lora.yaml" --out "$folder/card" --engine cuda
for engine in cpu emulated; do
  "$program" train "$folder/lora.yaml" --out "$folder/$engine" --engine $engine --log-every 1 --json -q > "$folder/$engine.rows"; check "$engine" 0 $?
done
python3 - "$folder/cpu.rows" "$folder/emulated.rows" <<'END'
import json, sys
here, there = ([json.loads(line)["loss"] for line in open(path) if '"loss"' in line] for path in sys.argv[1:])
assert len(here) == len(there) > 2 and here != [], (here, there)
assert all(abs(x - y) < 0.03 * x for x, y in zip(here, there)), (here, there)
END
check "losses near the processor's" 0 $?
# what is said later counts, whether by an option or by --set; `none` is no adapter, and what one start was told is no setting
dry() { "$program" train "$folder/base.yaml" --out "$folder/dry" --dry-run "$@" 2>&1 | sed -n 's/^updates *\([0-9]*\) of.*/\1/p'; }
check "--set behind an option" 3 "$(dry --updates 4 --set updates=3)"
check "an option behind --set" 4 "$(dry --set updates=3 --updates 4)"
check "one between two" 5 "$(dry --set=updates=3 --updates 4 --set=updates=5)"
says "--set without a value" 2 "--set needs a value" "$folder/base.yaml" --set
says "two files" 2 "expected one configuration file" "$folder/base.yaml" --set updates=2 "$folder/lora.yaml"
says "no adapter" 0 "" "$folder/lora.yaml" --out "$folder/no-adapter" --adapter none
check "nothing of one start" "" "$(grep -E '^(overwrite|resume|dry_run|json|quiet):' "$folder/lora/config.yaml")"
# a folder that holds a run is nobody else's
says "a run is there" 2 "holds a run (checkpoint-40): --resume goes on with it, --overwrite" "$folder/base.yaml" --out "$folder/whole"
check "nothing was overwritten" 40 "$(sed -n 's/^updates: //p' "$folder/whole/config.yaml")"
base --out "$folder/anew" --updates 9 --keep 9; check "a longer run" 0 $?
base --out "$folder/anew" --updates 6 --overwrite; check "a shorter one in its place" 0 $?
check "only its own checkpoints" "checkpoint-5 checkpoint-6" "$(ls "$folder/anew" | grep checkpoint | xargs)"
check "only its own metrics" "" "$(grep '"update":9' "$folder/anew/metrics.jsonl")"
rm -r "$folder"/anew/checkpoint-*
says "a run without checkpoints" 2 "holds a run (final): --overwrite" "$folder/base.yaml" --out "$folder/anew"
says "what it begins with" 2 "anew/final lies in .*anew/final, which this run takes the place of" --model "$folder/anew/final" --trainable all \
  --data "$folder/rows.jsonl" --window 32 --updates 1 --out "$folder/anew" --overwrite
check "nothing of it went" 0 "$("$program" inspect "$folder/anew/final" > /dev/null 2>&1; echo $?)"
says "nothing to go on from" 2 "without a checkpoint to go on from" "$folder/base.yaml" --out "$folder/anew" --resume
says "a foreign checkpoint beside" 2 "holds a run (checkpoint-77)" "$folder/base.yaml" --out "$(mkdir -p "$folder/foreign/checkpoint-77" && echo "$folder/foreign")"
"$program" train "$folder/base.yaml" --out "$folder/busy" --updates 100000 --keep 1 2> /dev/null &
pid=$!
eventually [ -s "$folder/busy/metrics.jsonl" ]
mkdir "$folder/busy/checkpoint-200000" # not of this run
says "two in one folder" 1 "in use by process $pid" "$folder/base.yaml" --out "$folder/busy" --resume
says "nor over it" 1 "in use by process $pid" "$folder/base.yaml" --out "$folder/busy" --overwrite
kill -INT $pid
wait $pid
check "what was just written stays" 2 "$(ls "$folder/busy" | grep -c checkpoint)"
says "another seed" 2 "seed was" "$folder/base.yaml" --out "$folder/whole" --resume --seed 9
newest() { ls "$1" | sed -n 's/checkpoint-//p' | sort -n | tail -1; }
explodes=(--learning-rate 10 --weight-decay 10 --clip 0 --schedule constant --updates 400)
says "a loss that explodes" 1 "update [0-9]*: loss.* not a number.* are good" "$folder/base.yaml" \
  --out "$folder/nan" --checkpoint-every 1 "${explodes[@]}"
at=$("$program" train "$folder/base.yaml" --out "$folder/nan2" --checkpoint-every 1 "${explodes[@]}" 2>&1 | sed -n 's/.*update \([0-9]*\): loss.*/\1/p')
check "the checkpoint that led there goes, one before stays" $((at - 2)) "$(newest "$folder/nan2")"
says "the only one led there" 1 "not a number any more; start anew (--overwrite) with a lower .*the only checkpoint there has the weights" "$folder/base.yaml" \
  --out "$folder/nan3" --checkpoint-every 1 --keep 1 "${explodes[@]}"
base --out "$folder/late" --updates 5
says "a run that explodes later" 1 "not a number" "$folder/base.yaml" --out "$folder/late" --resume --checkpoint-every 0 "${explodes[@]}"
check "its checkpoint stays" 5 "$(newest "$folder/late")"
says "on with a lower rate" 0 "going on from update 5" "$folder/base.yaml" --out "$folder/late" --resume --updates 8
# rows and settings as people write them
printf 'Question;Reply\n"What, 1?";"It is ""1""."\nWhat is 2?;It is 2.\n' > "$folder/table.csv"
"$program" convert -q -m models/tini --to bf16 -o "$folder/tini"
cat > "$folder/table.yaml" <<END
model: $folder/tini
data: "$folder/table.csv"
columns: {prompt: Question, answer: Reply}
out: "$folder/table"
objective: mask
window: 64
batch: 1
updates: 1
warmup: 0
held_out: 0
validate_rows: 0
log_every: 1
lora_rank: 2
train_norms: True
allow_bad: yes
turns: last
END
says "a table" 0 "table.csv: 2 rows, 0 bad" "$folder/table.yaml"
check "the only update learns" 0.0003 "$(sed -n 's/.*"learning_rate":\([^,]*\).*/\1/p' "$folder/table/metrics.jsonl")"
check "True and yes" "train_norms: true allow_bad: true" "$(grep -h 'train_norms\|allow_bad' "$folder/table/config.yaml" | xargs)"
says "columns that are none" 2 "columns: Question: expected KEY=NAME" "$folder/table.yaml" --out "$folder/x" --columns Question
says "a key that rows have not" 2 "columns: promt=Question: rows have no key promt; did you mean prompt?" "$folder/table.yaml" --out "$folder/x" --columns promt=Question
says "a column that the data has not" 2 "columns: system=Sys: no row has Sys" "$folder/table.yaml" --out "$folder/x" \
  --columns "prompt=Question,answer=Reply,system=Sys"
printf 'PAR1....PAR1' > "$folder/rows.parquet"
says "Parquet" 1 "a Parquet file, not rows or text; python3 -c.*read_parquet" "$folder/table.yaml" --out "$folder/x" --data "$folder/rows.parquet"
says "what it takes" 0 "memory in all" "$folder/base.yaml" --out "$folder/dry" --dry-run
check "a dry run writes nothing" 0 "$(ls -d "$folder/dry" 2>/dev/null | wc -l)"
for i in $(seq 50); do cat "$folder/rows.jsonl"; done > "$folder/many.jsonl"
if grep -q __asan_init "$program" || [ ! -r /proc/self/status ]; then
  echo "skipped: memory against its estimate: not under a sanitizer, and only with /proc"
else
  sized=(train "$folder/base.yaml" --data "$folder/many.jsonl" --out "$folder/sized" --set init.width=192
    --set init.ff=512 --set init.positions=256 --window 256 --batch 8 --updates 4)
  estimate=$("$program" "${sized[@]}" --dry-run | sed -n 's/^memory in all *\([0-9]*\).*/\1/p')
  peak=$(python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)' "$program" "${sized[@]}")
  [ $((100 * (peak > estimate ? peak - estimate : estimate - peak))) -le $((10 * peak)) ]
  check "memory: $estimate MB estimated, $peak MB used" 0 $?
fi
echo nonsense >> "$folder/many.jsonl"
says "a bad row in 3001" 0 "many.jsonl:3001" "$folder/lora.yaml" --overwrite --data "$folder/many.jsonl"
for i in $(seq 40); do echo nonsense; done >> "$folder/many.jsonl"
says "41 bad rows" 1 "41 of 3041 rows are bad" "$folder/lora.yaml" --overwrite --data "$folder/many.jsonl"
says "41 bad rows, allowed" 0 "41 bad" "$folder/lora.yaml" --overwrite --data "$folder/many.jsonl" --allow-bad
"$program" plot "$folder/whole" -o "$folder/loss.svg" > "$folder/drawing"; check "plot" 0 $?
check "polylines" 2 "$(grep -c '<polyline' "$folder/loss.svg")"
echo '{"prompt":"x","answer":"y"}' >> "$folder/rows.jsonl"
says "changed data" 1 "is not the file of the checkpoint" "$folder/base.yaml" --out "$folder/whole" --resume
exit $failed
