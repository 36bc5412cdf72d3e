#!/bin/bash
# redraft bench on the tini shape and a small model: rows as table, JSON and CSV, in every precision; the plot
# of the CSV; --profile; int8 everywhere but in training.
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
. tests/expect.bash
field() { # field NAME: of the JSON rows on standard input, one a line
  python3 -c 'import json, sys
for line in sys.stdin: print(json.loads(line).get(sys.argv[1]))' "$1"
}
bench=(bench --shape tini --repeats 1 --threads 1)
csv=$folder/bench.csv

for precision in f32 bf16 int8; do
  "$program" "${bench[@]}" --windows 16,32 --precision $precision --csv "$csv" --commit one --json > "$folder/rows"
  check "$precision" 0 $?
  check "$precision: rows" "16 32" "$(field window < "$folder/rows" | xargs)"
  check "$precision: its name" $precision "$(field precision < "$folder/rows" | sort -u)"
  check "$precision: growth, of the second window alone" "None" "$(field time_over_predicted < "$folder/rows" | head -1)"
  for name in seconds cpu_seconds canvas_tokens_per_second flops_per_second peak_flops_per_second peak_memory_bytes; do
    field $name < "$folder/rows" | grep -vq '^[0-9]' && check "$precision: $name" "numbers" "$(field $name < "$folder/rows")"
  done
done
check "CSV: one head, six rows" "1 6" "$(grep -c ^case "$csv") $(grep -c '^iteration,tini,' "$csv")"
check "CSV: commit" 6 "$(grep -c ',one$' "$csv")"
"$program" plot "$csv" -o "$folder/bench.svg" > "$folder/plot"; check "plot" 0 $?
check "plot: three curves" 3 "$(grep -c polyline "$folder/bench.svg")"
cp "$folder/bench.svg" "$folder/keep.svg"
refuses "more batches than are kept" 2 "more than 16" bench --shape tini --batches 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17
"$program" bench -m models/stories260K/stories260K.gguf --windows 16 --repeats 1 --answers 1 --threads 1 --json > "$folder/rows"
check "answers of a model that writes from left to right" "0 2" "$? $(wc -l < "$folder/rows")"
refuses "no batch" 2 "no number" bench --shape tini --batches ""
refuses "over itself" 2 "would be written over" plot "$csv" -o "$csv"
mkdir "$folder/far"; echo '{"update":100000000000000000,"loss":1}' > "$folder/far/metrics.jsonl"
"$program" plot "$folder/far" > /dev/null; check "one number far out" 0 $?
(ulimit -f 1; "$program" plot "$csv" -o "$folder/keep.svg" > /dev/null 2> "$folder/said"); check "plot: no room: status" 1 $?
grep -q "keep.svg: cannot write: File too large; nothing was replaced" "$folder/said" || check "plot: no room" "nothing was replaced" "$(cat "$folder/said")"
cmp "$folder/bench.svg" "$folder/keep.svg" || failed=1
mkdir "$folder/empty"
absolute=$(realpath "$program")
(cd "$folder/empty" && "$absolute" plot "$csv") > "$folder/plot2"; check "plot, in the terminal alone" 0 $?
cmp "$folder/plot" "$folder/plot2" || failed=1
check "plot, in the terminal alone: no file" "" "$(ls "$folder/empty")"
grep -q "tini int8 batch 1" "$folder/plot" || check "plot: names" "tini int8 batch 1" "$(cat "$folder/plot")"

# Answers of a model with a tokenizer, and where their time goes.
"$program" bench --windows 16 --repeats 1 --threads 1 --answers 1 --json --profile > "$folder/rows" 2> "$folder/profile"
check "answers" 0 $?
check "answers: cases" "iteration answer" "$(field case < "$folder/rows" | xargs)"
field passes_per_answer < "$folder/rows" | tail -1 | grep -q '^[1-9]' || check "answers: passes" "a number" none
check "answers: no rate of a canvas that they do not have" None "$(field canvas_tokens_per_second < "$folder/rows" | tail -1)"
for name in attention head proposal norm; do
  grep -q "^$name  " "$folder/profile" || check "profile" "$name" "$(cat "$folder/profile")"
done

"$program" "${bench[@]}" --windows 16 --train --rank 4 > "$folder/table"; check "train" 0 $?
grep -q "^train-lora tini" "$folder/table" || check "train: a row" train-lora "$(cat "$folder/table")"
# Over remembered positions: one token, a window; beside a busy process.
"$program" "${bench[@]}" --decode --json > "$folder/rows"; check "decode" 0 $?
check "decode: the case" "decode 1 256" "$(for name in case window reused_positions; do field $name < "$folder/rows"; done | xargs)"
field weight_bytes_per_second < "$folder/rows" | grep -q '^[1-9]' || check "decode: bytes" "a number" none
# A model whose positions are no more than 256; a pair that it has none for is refused before anything is measured.
"$program" bench -m models/tini --repeats 1 --threads 1 --decode --json > "$folder/rows"; check "decode of tini" 0 $?
check "decode of tini: as many as there are" "decode 1 255" "$(for name in case window reused_positions; do field $name < "$folder/rows"; done | xargs)"
at_most=(bench -m models/tini --repeats 1 --threads 1)
refuses "over too many" 2 "1 positions behind 256 that are remembered: tini knows 256 in all" "${at_most[@]}" --decode --reuse 256
refuses "a window too long over some" 2 "200 positions behind 100 that are remembered" "${at_most[@]}" --windows 8,200+100
refuses "an answer too long over some" 2 "208 positions behind 100 that are remembered" "${at_most[@]}" --windows 8+100:208
check "nothing was measured" "" "$("$program" "${at_most[@]}" --windows 8,200+100 2>/dev/null)"
# Every position that is remembered is met once by a token: 6 layers of 288 numbers, 4 operations.
pairs() { "$program" "${bench[@]}" --windows 1 --reuse "$1" --json > "$folder/rows" && paste <(field seconds < "$folder/rows") <(field flops_per_second < "$folder/rows") | awk '{printf "%.0f\n", $1 * $2}'; }
check "pairs of attention" 1 "$(echo "$(pairs 8) $(pairs 24)" | awk '{d = $2 - $1 - 16 * 4 * 6 * 288; print (d < 2000 && d > -2000)}')"
# Large matrices in bf16 are held in 12 bits where rows come one at a time and the processor multiplies them.
"$program" bench --shape smollm2-135m --precision bf16 --decode --repeats 1 -v > "$folder/table" 2> "$folder/said"; check "decode of bf16" 0 $?
if grep -q avx512bf16 "$folder/table"; then
  check "decode of bf16: what is said" "redraft: 211 matrices in bf16 are held in 12 bits a number, without loss; 0 are not, whose exponents differ too much" "$(cat "$folder/said")"
else
  check "decode of bf16: nothing is said" "" "$(cat "$folder/said")"
fi
"$program" "${bench[@]}" --windows 4,8 --batches 2 --reuse 12 --busy 1 --json > "$folder/rows"; check "reuse" 0 $?
check "reuse: the cases" "reuse reuse 4 8 12 12" "$(for name in case window reused_positions; do field $name < "$folder/rows"; done | xargs)"
field time_beside_busy < "$folder/rows" | grep -vq '^[0-9]' && check "reuse: beside a busy process" "numbers" "$(cat "$folder/rows")"
"$program" "${bench[@]}" --windows 8 --reuse 12 --written 16 --json > "$folder/rows"; check "written" 0 $?
check "written: the case" "written 8 12 8" "$(for name in case window reused_positions passes_per_answer; do field $name < "$folder/rows"; done | xargs)"
"$program" "${bench[@]}" --windows 8,4+12,1+12,8+12:16 --precision q4 --json > "$folder/rows"; check "windows of their own" 0 $?
check "windows of their own: the cases" "iteration reuse decode written 8 4 1 8 None 12 12 12 q4 q4 q4 q4" "$(for name in case window reused_positions precision; do field $name < "$folder/rows"; done | xargs)"
refuses "a window over nothing" 2 "N+R" "${bench[@]}" --windows 8+
refuses "a block that is not whole, of its own" 2 "whole blocks" "${bench[@]}" --windows 8+12:20
refuses "a block that is not whole" 2 "whole blocks" "${bench[@]}" --windows 8 --reuse 12 --written 20
# Fewer logits are less work: of 16 positions all, 16, 99 and the last one; over remembered positions too.
work() { "$program" "${bench[@]}" --windows 16 --batches 2 --json "$@" > "$folder/rows" && paste <(field seconds < "$folder/rows") <(field flops_per_second < "$folder/rows") | awk '{printf "%.4g\n", $1 * $2 / 1e6}'; }
all=$(work) && [ -n "$all" ] || check "logits: a number" "a number" "$all"
check "logits: 16 are all" "$all" "$(work --logits 16)"
check "logits: 99 are all" "$all" "$(work --logits 99)"
check "logits: the last one is less" 1 "$(echo "$(work --logits 1) $all" | awk '{print ($1 < $2)}')"
check "logits: less over remembered positions" 1 "$(echo "$(work --logits 1 --reuse 8) $(work --reuse 8)" | awk '{print ($1 < $2)}')"
refuses "training with logits of some" 2 "every position" "${bench[@]}" --train --logits 1
refuses "an answer with logits of some" 2 "every position" "${bench[@]}" --windows 8 --reuse 12 --written 16 --logits 1
refuses "training over remembered positions" 2 "remembers nothing" "${bench[@]}" --train --decode
refuses "training in int8" 2 "inference" "${bench[@]}" --train --precision int8
refuses "train --precision int8" 2 "int8" train --precision int8
refuses "another shape" 2 "llada-8b" bench --shape giant
# What would change nothing is refused by name.
while IFS='|' read -r name rest; do
  # shellcheck disable=SC2086
  refuses "$name" 2 "--$name means nothing" "${bench[@]}" $rest
done <<'END'
model|-m models/tini
adapter|--adapter none
rank|--rank 8
windows|--sweep --windows 16
batches|--sweep --batches 2
windows|--decode --windows 16
decode|--sweep --decode
answers|--answers 1
reuse|--windows 8+8,4+8 --reuse 4
written|--windows 8+8:8 --written 16
commit|--commit one
END
refuses "answers without words" 2 "--answers means nothing to a model without a tokenizer" bench -m tests/golden/peft/llama --windows 8 --repeats 1 --answers 2
refuses "windows" 2 "numbers" "${bench[@]}" --windows 16,x
# The limits of the machine take seconds and are said first: nothing is said where nothing can be measured.
at_once() { # at_once WHAT ARGUMENTS...
  check "$1: nothing was measured" "" "$("$program" bench "${@:2}" 2>/dev/null)"
}
export REDRAFT_CPU=sse9
refuses "an instruction set that is none" 2 "REDRAFT_CPU: unknown instruction set sse9; there are scalar, avx2" "${bench[@]}" --windows 16
export REDRAFT_CPU=scalar
check "one that is" 16 "$("$program" "${bench[@]}" --windows 16 --json | field window)"
unset REDRAFT_CPU
at_once "another shape" --shape giant
at_once "another shape, in int8 too" --shape giant --sweep
at_once "no model" -m "$folder/none"
at_once "windows" --shape tini --windows 16,x
refuses "a CSV that cannot be written" 1 "cannot write" "${bench[@]}" --windows 16 --csv /nowhere/bench.csv
echo "other,file" > "$folder/other.csv"
"$program" "${bench[@]}" --windows 16 --csv "$folder/commit.csv" --commit $'\xff' > /dev/null; check "a commit that is no text" 0 $?
check "its column" $'\xef\xbf\xbd' "$(tail -1 "$folder/commit.csv" | sed 's/.*,//')"
refuses "a CSV of other columns" 2 "its columns are others" "${bench[@]}" --windows 16 --csv "$folder/other.csv"
refuses "a plot of nothing" 2 "name at least one run" plot
sed 's/,tini,/,"mini",/' "$csv" > "$folder/mini.csv"
"$program" plot "$csv" "$folder/mini.csv" -o "$folder/twice.svg" > /dev/null; check "plot of two" 0 $?
check "plot of two: six curves" 6 "$(grep -c polyline "$folder/twice.svg")"
mkdir "$folder/run"; echo '{"update":1,"loss":1}' > "$folder/run/metrics.jsonl"
refuses "a plot of two kinds" 2 "those before are loss against updates" plot "$folder/run" "$csv"
refuses "a run's metrics over themselves" 2 "would be written over" plot "$folder/run" -o "$folder/run/metrics.jsonl"
refuses "a run's metrics over themselves, beside another" 2 "would be written over" plot "$folder/run" "$folder/far" -o "$folder/run/metrics.jsonl"
check "they stand" '{"update":1,"loss":1}' "$(cat "$folder/run/metrics.jsonl")"
refuses "a run's metrics by their name" 1 "a training run, which is drawn by its folder: plot $folder/run" plot "$folder/run/metrics.jsonl"
echo '{"exact":1,"iterations":1}' > "$folder/results.json"
refuses "results of another ending" 2 "results.json: neither the folder of a run, nor a table of bench (FILE.csv), nor results of eval (FILE.jsonl)" plot "$folder/results.json"
refuses "an empty name" 2 "an empty path: neither the folder of a run" plot ""
for columns in 71 72; do # as far apart as numbers are, and as near
  printf '{"update":1,"loss":1e308}\n{"update":2,"loss":-1e308}\n' > "$folder/run/metrics.jsonl"
  refuses "losses too far apart" 1 "-1e+308 to 1e+308 are too far apart" plot "$folder/run" --columns $columns
  printf '{"update":1,"loss":0}\n{"update":2,"loss":5e-324}\n' > "$folder/run/metrics.jsonl"
  "$program" plot "$folder/run" --columns $columns -o "$folder/near.svg" > "$folder/near"; check "losses too near" 0 $?
  check "they have a place" 0 "$(cat "$folder/near" "$folder/near.svg" | grep -c nan)"
done
refuses "a CSV of something else" 1 "not the CSV of bench" plot "$folder/other.csv" -o "$folder/x.svg"
exit $failed
