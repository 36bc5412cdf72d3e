#!/bin/bash
# An adapter with a gate, from its training to its use: prompts stay the model's own, answers are learnt; what is left of a
# run goes on to the same bits; the model checks what the adapter drafts.
program=$1
folder=$(mktemp -d)
servers=()
trap 'kill "${servers[@]}" 2>/dev/null; rm -rf "$folder"' EXIT
. tests/expect.bash
model=tests/golden/models/llama-mha
echo '{"prompt":"ab","answer":"cd ef"}' > "$folder/one.jsonl"
train() { # train FOLDER ARGUMENTS...
  "$program" train -q --model $model --data "$folder/one.jsonl" --out "$folder/$1" --gate answer --objective mixed --mask-token '~' \
    --loss-on answer --lora-rank 4 --train-norms --window 40 --batch 4 --updates 200 --learning-rate 0.01 --warmup 1 --held-out 0 \
    --validate-rows 0 --checkpoint-every 100 --threads 1 "${@:2}"
}
for precision in f32 bf16; do
  train $precision --precision $precision --own-drafts 0.3; check "a run in $precision" 0 $?
  adapter=$folder/$precision/final
  check "the gate" "answer False 0" \
    "$(python3 -c "import json; r=json.load(open('$adapter/redraft.json')); print(r['gate'], r['shift'], r['block'])")"
  answer() { "$program" generate -m $model --precision $precision --no-watch -q --threads 1 --seed 1 --tokens 12 "$@" ab; }
  for sampler in lad threshold; do
    check "its answer, $sampler, $precision" "cd ef" "$(answer --adapter "$adapter" --sampler $sampler --temperature 0)"
  done
  own=$(answer --sampler ar)
  for way in "--sampler ar" "--verify" "--sampler jacobi"; do
    check "the model's own answer, $way, $precision" "$own" "$(answer --adapter "$adapter" $way)"
  done
  own=$(answer --sampler ar --temperature 1)
  check "and drawn, $precision" "$own" "$(answer --adapter "$adapter" --verify --temperature 1)"
done
# Interrupted and gone on with: the same bytes. An adapter keeps its gate when it is trained on.
train halves --own-drafts 0.3 --precision f32 >/dev/null; rm -r "$folder/halves/final" "$folder/halves/checkpoint-200"
train halves --own-drafts 0.3 --precision f32 --resume; check "resumed" 0 $?
cmp "$folder/f32/final/adapter_model.safetensors" "$folder/halves/final/adapter_model.safetensors" || failed=1
"$program" train -q --model $model --adapter "$folder/f32/final" --data "$folder/one.jsonl" --out "$folder/on" --loss-on answer \
  --window 40 --batch 2 --updates 1 --held-out 0 --validate-rows 0 --threads 1; check "trained on" 0 $?
grep -q '"gate": *"answer"' "$folder/on/final/redraft.json" || check "the gate is kept" yes no
check "a loss of it" 0 "$("$program" eval --task loss --objective mixed -m $model --adapter "$folder/f32/final" --window 40 \
  --data "$folder/one.jsonl" -q --json >"$folder/loss" 2>&1; echo $?)"
# Scores of given ids: the model's own, or those of a draft behind a gate.
for way in base: "prompt:--adapter $folder/f32/final" "draft:--gate 2 --adapter $folder/f32/final" "all:--gate 0 --adapter $folder/f32/final"; do
  # shellcheck disable=SC2086
  "$program" logits -q -m $model --precision f32 --ids 97,98,126,126 ${way#*:} -o "$folder/${way%%:*}.npy"; check "scores, $way" 0 $?
done
cmp "$folder/base.npy" "$folder/prompt.npy" || failed=1
check "rows of a draft" "True True False False False" "$(python3 - "$folder" <<'PYTHON'
import array, sys
def rows(name):
    with open(f"{sys.argv[1]}/{name}.npy", "rb") as f:
        numbers = array.array("f", f.read()[128:])
    return [numbers[i:i + 288] for i in range(0, len(numbers), 288)]
base, draft, everywhere = rows("base"), rows("draft"), rows("all")
near = lambda a, b: max(abs(x - y) for x, y in zip(a, b)) < 1e-4
print(*[near(a, b) for a, b in zip(base, draft)], near(draft[2], everywhere[2]))
PYTHON
)"
refuses "a gate of none" 2 "no adapter with a gate" logits -m $model --ids 1,2 --gate 1 -o "$folder/x.npy"
# What makes no sense.
refuses "prompts in the loss" 2 "leaves prompts to the model" train --model $model --data "$folder/one.jsonl" --out "$folder/x" \
  --gate answer --mask-token '~'
refuses "all weights" 2 "is for adapters" train --model $model --data "$folder/one.jsonl" --out "$folder/x" --gate answer \
  --mask-token '~' --loss-on answer --trainable all
refuses "merging" 1 "cannot be merged" convert -m $model --adapter "$folder/f32/final" --merge -o "$folder/merged"
refuses "nobody reads" 2 "no adapter with a gate" generate -m $model --sampler lad --mask-token '~' --base-weight 0.5 ab
refuses "what it means nothing to" 2 "it is for lad, lad-generic, threshold, factor" generate -m $model --adapter "$folder/f32/final" --sampler ar --base-weight 1 ab
refuses "nothing drafts" 2 "no adapter with a gate" generate -m $model --verify ab
# Served, and counted.
serving "$folder/out" "$program" serve -m $model --adapter "$folder/f32/final" --threads 1 --port 0 2>"$folder/log"
servers+=("$server")
ask='{"prompt":"ab","tokens":12,"seed":1,"verify":true,"temperature":0}'
curl -s -m 300 "${url}api/denoise" -d "$ask" | sed -n 's/^data: //p' >"$folder/events"
check "verified over HTTP" "$(answer --sampler ar)" "$(tail -1 "$folder/events" | python3 -c 'import json,sys; print(json.load(sys.stdin)["text"])')"
check "and counted" "$(tail -1 "$folder/events" | python3 -c 'import json,sys; r=json.load(sys.stdin); print(r.get("drafted",0), r.get("accepted",0))')" \
  "$(curl -s "${url}metrics" | sed -n 's/^redraft_drafted_total //p; s/^redraft_accepted_total //p' | xargs)"
# The base has its say: all of it, and some, the same on the command line and over HTTP.
serving "$folder/out" "$program" serve -m $model --precision f32 --adapter "$folder/f32/final" --threads 2 --port 0 2>"$folder/log"
servers+=("$server")
mixed() { answer --precision f32 --adapter "$folder/f32/final" --no-noise --iterations 40 --temperature 0 --base-weight "$1"; }
check "the base alone, by drafts" "$(answer --precision f32 --sampler ar)" "$(mixed 1)"
check "the adapter alone, by drafts" "$(answer --precision f32 --adapter "$folder/f32/final" --no-noise --iterations 40 --temperature 0)" "$(mixed 0)"
ask='{"prompt":"ab","tokens":12,"seed":1,"no_noise":true,"iterations":40,"temperature":0,"base_weight":0.5}'
check "some of it over HTTP" "$(mixed 0.5)" \
  "$(curl -s -m 300 "${url}api/denoise" -d "$ask" | sed -n 's/^data: //p' | tail -1 | python3 -c 'import json,sys; print(json.load(sys.stdin)["text"])')"
exit $failed
