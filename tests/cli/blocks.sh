#!/bin/bash
# An adapter of blocks behind a gate (objective blocks): trained onto the model's own distribution, gone on with to the same
# bytes, measured, used; what makes no sense is refused.
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
. tests/expect.bash
model=tests/golden/models/llama-mha
printf '%s\n' '{"prompt":"ab","answer":"cd ef gh"}' '{"prompt":"why","answer":"so it is, so it was"}' > "$folder/two.jsonl"
train() { # train FOLDER ARGUMENTS...
  "$program" train -q --model $model --data "$folder/two.jsonl" --out "$folder/$1" --gate answer --objective blocks --mask-token '~' \
    --loss-on answer --lora-rank 8 --train-norms --block-lengths 4,6 --align 0.5 --window 64 --batch 4 --updates 120 --learning-rate 0.01 \
    --warmup 1 --held-out 0 --validate-rows 0 --checkpoint-every 60 --log-every 20 --threads 1 "${@:2}"
}
remembered() { python3 -c "import json; r=json.load(open('$1/redraft.json')); print(r['gate'], r['shift'], r['block'])"; }
lower() { # lower FOLDER: is the loss of the last updates below that of the first?
  python3 - "$folder/$1/metrics.jsonl" <<'PYTHON'
import json, sys
rows = [r["loss"] for r in map(json.loads, open(sys.argv[1])) if "loss" in r]
print("lower" if rows[-1] < 0.98 * rows[0] else rows)
PYTHON
}
for precision in f32 bf16; do
  train $precision --precision $precision; check "a run in $precision" 0 $?
  check "learnt in $precision" lower "$(lower $precision)"
  adapter=$folder/$precision/final
  check "the gate" "answer True 4" "$(remembered "$adapter")"
  answer() { "$program" generate -m $model --adapter "$adapter" --precision $precision --no-watch -q --threads 1 --seed 1 --tokens 12 "$@" ab; }
  check "checked, $precision" "$(answer --sampler ar)" "$(answer --verify)"
  answer --sampler threshold >/dev/null; check "a draft, $precision" 0 $?
done
# Branches beside blocks, with own drafts: learnt, and words drafted in the pass that checks are right.
train branches --precision f32 --branches 0.6 --own-drafts 0.3; check "branches" 0 $?
check "branches are learnt" lower "$(lower branches)"
"$program" generate -m $model --adapter "$folder/branches/final" --precision f32 --threads 1 --seed 1 --tokens 12 --json --verify --block-length 2 ab | tail -1 >"$folder/done"
check "fewer passes than words" fewer \
  "$(python3 -c 'import json, sys; r = json.load(open(sys.argv[1])); print("fewer" if r["accepted"] > 0 and r["passes"] < len(r["ids"]) else r)' "$folder/done")"
# Interrupted and gone on with: the same bytes. Trained on, the adapter keeps its gate.
train halves --precision f32 >/dev/null; rm -r "$folder/halves/final" "$folder/halves/checkpoint-120"
train halves --precision f32 --resume; check "resumed" 0 $?
cmp "$folder/f32/final/adapter_model.safetensors" "$folder/halves/final/adapter_model.safetensors" || failed=1
train on --adapter "$folder/f32/final" --lora-rank 0 --updates 2 --checkpoint-every 2 --block-lengths 6 --precision f32; check "trained on" 0 $?
check "the gate is kept" "answer True 4" "$(remembered "$folder/on/final")"
train whole --updates 2 --checkpoint-every 2 --block-lengths 0 --no-block-shift --own-drafts 0.5; check "whole answers" 0 $?
check "their gate" "answer False 0" "$(remembered "$folder/whole/final")"
# Running text is one answer: its first block begins where the text does.
printf '%s\n' '{"text":"ab cd ef gh"}' '{"text":"so it is, so it was"}' > "$folder/texts.jsonl"
train texts --updates 4 --data "$folder/texts.jsonl" --precision f32; check "texts" 0 $?
train texts-whole --updates 4 --data "$folder/texts.jsonl" --no-block-shift --precision f32; check "texts, without a shift" 0 $?
# Measured: an adapter that has learnt is nearer to the model than one that has not.
loss() { "$program" eval --task loss --objective blocks -m $model --adapter "$1" --precision f32 --window 64 --data "$folder/two.jsonl" -q --json |
  python3 -c 'import json,sys; print(next(r for r in map(json.loads, sys.stdin) if "loss" in r)["loss"])'; }
train first --precision f32 --updates 1 --learning-rate 0.000001 --checkpoint-every 1
check "nearer to the model" 1 "$(python3 -c 'import sys; print(int(float(sys.argv[1]) < float(sys.argv[2])))' "$(loss "$folder/f32/final")" "$(loss "$folder/first/final")")"
# What makes no sense.
refuses "no gate" 2 "needs gate: answer" train --model $model --data "$folder/two.jsonl" --out "$folder/x" --objective blocks --mask-token '~' --loss-on answer
refuses "branches without a shift" 2 "only objective blocks with block_shift" train --model $model --data "$folder/two.jsonl" --out "$folder/x" --objective blocks \
  --gate answer --mask-token '~' --loss-on answer --no-block-shift --branches 0.5
refuses "branches of something else" 2 "only objective blocks with block_shift" train --model $model --data "$folder/two.jsonl" --out "$folder/x" --mask-token '~' --branches 0.5
refuses "no length" 2 "numbers from 2 on" train --model $model --data "$folder/two.jsonl" --out "$folder/x" --objective blocks --gate answer \
  --mask-token '~' --loss-on answer --block-lengths 8,1
refuses "no room" 2 "a larger batch" train --model $model --data "$folder/two.jsonl" --out "$folder/x" --objective blocks --gate answer --mask-token '~' \
  --loss-on answer --window 40 --batch 1 --updates 1 --held-out 0 --threads 1
refuses "a gate that stays" 2 "block_shift: the gate" train --model $model --adapter "$folder/f32/final" --data "$folder/two.jsonl" --out "$folder/x" --gate answer \
  --objective blocks --loss-on answer --train-norms --lora-rank 0 --no-block-shift
refuses "room in blocks" 2 "goes without --room" generate -m $model --adapter "$folder/f32/final" --sampler lad --room 8 ab
refuses "another objective" 1 "objective blocks" train --model $model --adapter "$folder/f32/final" --data "$folder/two.jsonl" --out "$folder/y" \
  --objective mixed --loss-on answer --window 64 --train-norms
refuses "words of others" 2 "wrong words" train --model $model --data "$folder/two.jsonl" --out "$folder/z" --objective blocks --gate answer \
  --mask-token '~' --loss-on answer --mix-answers 0.5
exit $failed
