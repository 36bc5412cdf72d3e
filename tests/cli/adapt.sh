#!/bin/bash
# redraft adapt: a chat model made a denoiser by one command; stopped and gone on with to the same bytes; told nonsense.
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
. tests/expect.bash
model=tests/golden/models/llama-mha
adapt() { # adapt FOLDER ARGUMENTS...
  "$program" adapt $model -o "$folder/$1" --answers 20 --tokens 8 --updates 10 --rank 4 --threads 1 --set checkpoint_every=2 "${@:2}"
}
adapt whole -q; check "a run" 0 $?
check "answers" "19 1" "$(wc -l <"$folder/whole/answers.jsonl") $(wc -l <"$folder/whole/held.jsonl")"
check "the model's own" "$(python3 - "$folder/whole/answers.jsonl" <<'PYTHON'
import json, sys
row = json.loads(open(sys.argv[1]).readline())
print(json.dumps(row["messages"][0]["content"]), json.dumps(row["messages"][1]["content"]))
PYTHON
)" "$(python3 - "$program" $model "$folder/whole/answers.jsonl" <<'PYTHON'
import json, subprocess, sys
program, model, rows = sys.argv[1:]
prompt = json.loads(open(rows).readline())["messages"][0]["content"]
out = subprocess.run([program, "generate", "-m", model, "--sampler", "ar", "--temperature", "0", "--tokens", "8", "--json", "--threads", "1", prompt],
                     capture_output=True, text=True, check=True).stdout
print(json.dumps(prompt), json.dumps(json.loads(out.splitlines()[-1])["text"]))
PYTHON
)"
grep -q '| `verify` (drafted by the adapter, checked by the model) | 1 of 1 |' "$folder/whole/report.md" || check "a report" yes "$(cat "$folder/whole/report.md")"
grep -q '<svg' "$folder/whole/loss.svg" || check "curves" yes no
answer() { "$program" generate -m $model --no-watch -q --threads 1 --seed 1 --tokens 8 --temperature 0 "$@" "Hello"; }
check "checked by default" "$(answer --sampler ar)" "$(answer --adapter "$folder/whole/adapter")"

# Stopped in the midst of a stage, or of the answers, with half a line written, and gone on with: the same bytes.
"$program" adapt $model -o "$folder/stopped" --answers 20 --tokens 8 --updates 100000 --threads 1 --set checkpoint_every=2 >/dev/null 2>&1 &
pid=$!
eventually compgen -G "$folder/stopped/masks/checkpoint-*" >/dev/null # the second one is soon gone again
kill -INT $pid
wait $pid; check "interrupted" 130 $?
refuses "a run is there" 2 "--resume goes on with it" adapt $model -o "$folder/stopped"
refuses "another rank" 2 "has rank 4, and now it is 8" adapt $model -o "$folder/whole" --answers 20 --tokens 8 --rank 8 --threads 1 --set checkpoint_every=2 --resume
same=(adapt $model -o "$folder/whole" --answers 20 --tokens 8 --rank 4 --threads 1 --set checkpoint_every=2 -q --resume)
refuses "another number of updates" 2 "the run there has updates 10, and now it is 12: give the value of before, or --overwrite" "${same[@]}" --updates 12
refuses "other minutes" 2 "the run there has minutes 180, 10 updates, and now it is 5: give the value of before" "${same[@]}" --minutes 5
"$program" "${same[@]}"; check "as many updates as before" 0 $?
grep -q '"minutes"' "$folder/whole/adapt.json" || check "the minutes are kept" yes no
mkdir "$folder/halves"
cp "$folder/whole/adapt.json" "$folder/halves"
head -n 9 "$folder/whole/answers.jsonl" >"$folder/halves/answers.jsonl"
printf '{"messages":[{"role":"us' >>"$folder/halves/answers.jsonl"
adapt halves -q --resume; check "gone on with" 0 $?
for name in answers.jsonl held.jsonl adapter/adapter_model.safetensors; do cmp "$folder/whole/$name" "$folder/halves/$name" || failed=1; done
rm -r "$folder/halves/adapter" "$folder/halves/drafts" "$folder/halves/masks/final" "$folder/halves/masks/checkpoint-7"
adapt halves -q --resume; check "a stage gone on with" 0 $?
cmp "$folder/whole/adapter/adapter_model.safetensors" "$folder/halves/adapter/adapter_model.safetensors" || failed=1
adapt halves -q --overwrite --answers 17 --updates 2; check "anew" 0 $?
check "fewer answers" 16 "$(wc -l <"$folder/halves/answers.jsonl")"

# Other prompts: a file's, one's own.
printf 'Why?\n\nHow so?\n' >"$folder/prompts.txt"
adapt file -q --prompts "$folder/prompts.txt" --answers 16 --updates 2; check "a file of prompts" 0 $?
check "its prompts" "Why?, How so?, Why?" "$(python3 -c 'import json,sys; print(*[json.loads(r)["messages"][0]["content"] for r in sys.stdin][:3], sep=", ")' <"$folder/file/answers.jsonl")"
adapt long -q --answers 16 --updates 2 --set window=256 --set block_lengths=4; check "samples of more blocks than 32" 0 $?
adapt own -q --prompts self --answers 18 --updates 2; check "questions of its own" 0 $?
check "and their number" 17 "$(wc -l <"$folder/own/answers.jsonl")"

adapt none --dry-run 2>/dev/null | grep -q '^training  *10 updates' || check "a dry run" yes no
[ -e "$folder/none" ] && check "it leaves nothing" no yes
refuses "a comma" 2 "name a folder without a comma" adapt $model -o "$folder/a,b"
refuses "a comma, on a dry run" 2 "name a folder without a comma" adapt $model -o "$folder/a,b" --dry-run
[ -e "$folder/a,b" ] && check "no folder with a comma" no yes
refuses "no model" 2 "name the chat model" adapt
refuses "a denoiser" 2 "this one is none" adapt tests/golden/models/llada -o "$folder/x"
refuses "no template" 2 "it has no chat template" adapt models/stories260K -o "$folder/x"
touch "$folder/empty.txt"
refuses "a file of no prompts" 1 "holds no prompt" adapt $model -o "$folder/typo" --answers 16 --tokens 4 --updates 2 --prompts "$folder/empty.txt"
refuses "no prompts" 1 "no-such" adapt $model -o "$folder/x" --prompts "$folder/no-such"
refuses "an unknown key" 2 "unknown key ranks" adapt $model -o "$folder/typo" --answers 16 --tokens 4 --set ranks=3
check "nothing was begun" no "$([ -e "$folder/typo/adapt.json" ] && echo yes || echo no)"
exit $failed
