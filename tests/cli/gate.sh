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
# In blocks, a pass that checks drafts too.
mkdir "$folder/blocks" && cp "$folder/f32/final"/adapter_* "$folder/blocks"
sed 's/"shift": *false/"shift": true/; s/"block": *0/"block": 8/' "$folder/f32/final/redraft.json" >"$folder/blocks/redraft.json"
for precision in f32 bf16; do
  for more in "" "--block-length 2" "--block-length 4 --threads 2"; do
    # shellcheck disable=SC2086
    check "drafted in passes that check, $precision $more" "$(answer --precision $precision --sampler ar)" \
      "$(answer --precision $precision --adapter "$folder/blocks" --verify $more)"
  done
done
# Interrupted and gone on with: the same bytes. An adapter keeps its gate when it is trained on.
train halves --own-drafts 0.3 --precision f32 >/dev/null; rm -r "$folder/halves/final" "$folder/halves/checkpoint-200"
train halves --own-drafts 0.3 --precision f32 --resume; check "resumed" 0 $?
cmp "$folder/f32/final/adapter_model.safetensors" "$folder/halves/final/adapter_model.safetensors" || failed=1
"$program" train -q --model $model --adapter "$folder/f32/final" --data "$folder/one.jsonl" --out "$folder/on" --loss-on answer \
  --window 40 --batch 2 --updates 1 --held-out 0 --validate-rows 0 --threads 1 --train-norms; check "trained on" 0 $?
refuses "norms that would be lost" 2 "train_norms goes on with them" train -q --model $model --adapter "$folder/f32/final" --data "$folder/one.jsonl" \
  --out "$folder/lost" --window 40 --updates 1
refuses "an alpha that changes nothing" 2 "lora_alpha" train -q --model $model --adapter "$folder/f32/final" --data "$folder/one.jsonl" --out "$folder/lost" \
  --window 40 --updates 1 --loss-on answer --train-norms --lora-alpha 3
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
refuses "an adapter of another shape" 1 "adapter models/tini/adapter: tensor" generate -m models/stories260K/stories260K.gguf --adapter models/tini/adapter hi
refuses "a gate of none" 2 "no adapter with a gate" logits -m $model --ids 1,2 --gate 1 -o "$folder/x.npy"
# A head for drafted words beside the adapter: opened with it, carried with it, listed; the answers stay the model's own.
python3 - "$model" "$folder" <<'PYTHON'
import json, struct, sys
width = json.load(open(f"{sys.argv[1]}/config.json"))["hidden_size"]
def write(name, columns):
    fc1 = b"".join(struct.pack("<f", ((i * 37) % 101 - 50) / 100)[2:] for i in range(8 * columns))
    fc2 = b"".join(struct.pack("<f", ((i * 53) % 97 - 48) / 40)[2:] for i in range(width * 8))
    head = json.dumps({"fc1.weight": {"dtype": "BF16", "shape": [8, columns], "data_offsets": [0, len(fc1)]},
                       "fc2.weight": {"dtype": "BF16", "shape": [width, 8], "data_offsets": [len(fc1), len(fc1) + len(fc2)]}}).encode()
    with open(f"{sys.argv[2]}/{name}", "wb") as f:
        f.write(struct.pack("<Q", len(head)) + head + fc1 + fc2)
write("head", 2 * width)
write("narrow", width)
PYTHON
cp -r "$folder/blocks" "$folder/headed"; cp "$folder/head" "$folder/headed/sampler_head.safetensors"
for precision in f32 bf16; do
  for length in 1 3 8; do
    check "a head drafts $length in $precision" "$(answer --precision $precision --sampler ar)" \
      "$(answer --precision $precision --adapter "$folder/headed" --verify --block-length $length)"
  done
done
drafted() { # by an engine: words, and how many of the drafted ones stood
  "$program" generate -m $model --precision f32 --seed 1 --tokens 12 --json --adapter "$folder/$1" --verify --block-length 3 --engine "$2" ab |
    tail -1 | python3 -c "import json, sys; r = json.load(sys.stdin); print(r['text'], r['drafted'], r['accepted'], r['passes'])"
}
for drafts in blocks headed; do
  check "$drafts on a card's kernels" "$(drafted $drafts cpu)" "$(drafted $drafts emulated)"
done
# While the base leads it tells the head its word: other drafts, the same answer.
for adapter in headed blocks; do
  check "led with $adapter" "$(answer --precision f32 --sampler ar)" \
    "$(answer --precision f32 --adapter "$folder/$adapter" --sampler lad --no-noise --temperature 0 --base-lead --trace "$folder/$adapter.trace")"
done
check "the head is heard" differ "$(diff <(grep '"draft"' "$folder/headed.trace") <(grep '"draft"' "$folder/blocks.trace") >/dev/null && echo same || echo differ)"
check "it is listed" "sampler     head of 8 numbers, which tells drafted words the ones before" \
  "$("$program" inspect "$folder/headed" | grep ^sampler)"
check "with its tensors" 2 "$("$program" inspect "$folder/headed" --tensors | grep -c sampler_head.fc)"
"$program" convert --adapter "$folder/headed" --to bf16 -o "$folder/carried" >/dev/null; check "converted" 0 $?
cmp "$folder/head" "$folder/carried/sampler_head.safetensors" || failed=1
"$program" train -q --model $model --adapter "$folder/headed" --data "$folder/one.jsonl" --out "$folder/headed-on" --loss-on answer \
  --objective blocks --window 40 --batch 2 --updates 1 --held-out 0 --validate-rows 0 --threads 1 --train-norms; check "trained on with its head" 0 $?
cmp "$folder/head" "$folder/headed-on/final/sampler_head.safetensors" || failed=1
cp "$folder/narrow" "$folder/headed/sampler_head.safetensors"
refuses "a head of another width" 1 "fc1.weight is BF16" generate -m $model --adapter "$folder/headed" --verify ab
# What makes no sense.
refuses "prompts in the loss" 2 "leaves prompts to the model" train --model $model --data "$folder/one.jsonl" --out "$folder/x" \
  --gate answer --mask-token '~'
refuses "all weights" 2 "is for adapters" train --model $model --data "$folder/one.jsonl" --out "$folder/x" --gate answer \
  --mask-token '~' --loss-on answer --trainable all
# Defaults of another sampler stand under its name.
cp -r "$folder/f32/final" "$folder/told"; rm -f "$folder/told/checksums.json"
python3 - "$folder/told/redraft.json" <<'PYTHON'
import json, sys
r = json.load(open(sys.argv[1]))
r["defaults"] = {"sampler": "verify", "temperature": 0, "lad": {"temperature": 0, "no_noise": True, "iterations": 40, "base_weight": 1}}
json.dump(r, open(sys.argv[1], "w"))
PYTHON
for way in "" "--sampler lad" "--sampler threshold --base-weight 1 --temperature 0"; do
  # shellcheck disable=SC2086
  check "the base alone by defaults, $way" "$(answer --precision f32 --sampler ar)" "$(answer --precision f32 --adapter "$folder/told" $way)"
done
sed -i 's/"base_weight": 1/"bas_weight": 1/' "$folder/told/redraft.json"
refuses "no such option" 1 "there is no option bas-weight" generate -m $model --adapter "$folder/told" --sampler lad ab
refuses "merging" 1 "cannot be merged" convert -m $model --adapter "$folder/f32/final" --merge -o "$folder/merged"
refuses "nobody reads" 2 "no adapter with a gate" generate -m $model --sampler lad --mask-token '~' --base-weight 0.5 ab
refuses "nobody leads" 2 "without --base-lead" generate -m $model --sampler lad --mask-token '~' --base-lead ab
refuses "what it means nothing to" 2 "it is for lad, lad-generic, threshold, factor" generate -m $model --adapter "$folder/f32/final" --sampler ar --base-weight 1 ab
refuses "what was typed" 2 "--no-base-lead means nothing to --sampler threshold" generate -m $model --adapter "$folder/f32/final" --sampler threshold --no-base-lead ab
refuses "nothing drafts" 2 "no adapter with a gate" generate -m $model --verify ab
refuses "more words than are drafted at a time" 2 "at most 8 words at a time" generate -m $model --adapter "$folder/f32/final" --verify --block-length 99 ab
# Served, and counted.
serving "$folder/out" "$program" serve -m $model --adapter "$folder/f32/final" --threads 1 --port 0 2>"$folder/log"
servers+=("$server")
ask='{"prompt":"ab","tokens":12,"seed":1,"verify":true,"temperature":0}'
curl -s -m 300 "${url}api/denoise" -d "$ask" | sed -n 's/^data: //p' >"$folder/events"
check "verified over HTTP" "$(answer --sampler ar)" "$(tail -1 "$folder/events" | python3 -c 'import json,sys; print(json.load(sys.stdin)["text"])')"
check "and counted" "$(tail -1 "$folder/events" | python3 -c 'import json,sys; r=json.load(sys.stdin); print(r.get("drafted",0), r.get("accepted",0))')" \
  "$(curl -s "${url}metrics" | sed -n 's/^redraft_drafted_total //p; s/^redraft_accepted_total //p' | xargs)"
# A server that is told to verify does, and one whose adapter's file says so; a request that names another sampler gets that.
cp -r "$folder/f32/final" "$folder/verified"; rm -f "$folder/verified/checksums.json"
python3 - "$folder/verified/redraft.json" <<'PYTHON'
import json, sys
r = json.load(open(sys.argv[1]))
r["defaults"] = {"verify": True}
json.dump(r, open(sys.argv[1], "w"))
PYTHON
check "verified by defaults" "$(answer --sampler ar)" "$(answer --adapter "$folder/verified" --json | tail -1 | python3 -c 'import json,sys; r=json.load(sys.stdin); assert r["drafted"] > 0; print(r["text"])')"
for way in "--adapter $folder/f32/final --verify" "--adapter $folder/verified"; do
  # shellcheck disable=SC2086
  serving "$folder/out" "$program" serve -m $model $way --threads 1 --port 0 -q 2>"$folder/log"
  servers+=("$server")
  curl -s -m 300 "${url}api/denoise" -d '{"prompt":"ab","tokens":12,"seed":1}' >"$folder/events"
  check "served, $way" 1 "$(grep -c '"event":"start".*"sampler":"verify"' "$folder/events")"
  curl -s -m 300 "${url}api/denoise" -d '{"prompt":"ab","tokens":12,"seed":1,"sampler":"lad","iterations":2}' >"$folder/events"
  check "another sampler, $way" 1 "$(grep -c '"event":"start".*"sampler":"lad"' "$folder/events")"
  kill -TERM $server; wait $server
done
# The base has its say: all of it, and some, the same on the command line and over HTTP. An adapter that is called as its model is served in its place.
own="$folder/$(basename $model)"; mkdir "$own" && cp -r "$folder/f32/final" "$own/adapter"
serving "$folder/out" "$program" serve -m $model --precision f32 --adapter "$own/adapter" --threads 2 --port 0 2>"$folder/log"
servers+=("$server")
check "one model of that name" "$(basename $model)" "$(curl -s "${url}v1/models" | python3 -c 'import json,sys; print(*[m["id"] for m in json.load(sys.stdin)["data"]])')"
mixed() { answer --precision f32 --adapter "$folder/f32/final" --no-noise --iterations 40 --temperature 0 --base-weight "$1"; }
check "the base alone, by drafts" "$(answer --precision f32 --sampler ar)" "$(mixed 1)"
led() { answer --precision "$1" --adapter "$folder/f32/final" --sampler lad --temperature 0 --base-lead; }
for precision in f32 bf16; do
  check "the base leads, in $precision" "$(answer --precision $precision --sampler ar)" "$(led $precision)"
done
check "the adapter alone, by drafts" "$(answer --precision f32 --adapter "$folder/f32/final" --no-noise --iterations 40 --temperature 0)" "$(mixed 0)"
ask='{"prompt":"ab","tokens":12,"seed":1,"no_noise":true,"iterations":40,"temperature":0,"base_weight":0.5}'
check "some of it over HTTP" "$(mixed 0.5)" \
  "$(curl -s -m 300 "${url}api/denoise" -d "$ask" | sed -n 's/^data: //p' | tail -1 | python3 -c 'import json,sys; print(json.load(sys.stdin)["text"])')"
exit $failed
