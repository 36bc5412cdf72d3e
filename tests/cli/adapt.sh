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
sides() { # sides FOLDER: rows in all; is some of them held out, and no prompt both learnt and held out?
  python3 - "$folder/$1" <<'PYTHON'
import json, sys
def prompts(name):
    rows = [json.loads(line) for line in open(f"{sys.argv[1]}/{name}.jsonl")]
    return [row["messages"][0]["content"] if "messages" in row else row["prompt"] for row in rows]
learnt, held = prompts("answers"), prompts("held")
print(len(learnt) + len(held), "apart" if learnt and held and not set(learnt) & set(held) else (learnt, held))
PYTHON
}
check "answers" "20 apart" "$(sides whole)"
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
grep -q '| `verify` (drafted by the adapter, checked by the model) | \([0-9]*\) of \1 |' "$folder/whole/report.md" || check "a report" yes "$(cat "$folder/whole/report.md")"
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
head -n 1 "$folder/whole/held.jsonl" >"$folder/halves/held.jsonl" # the first prompt is held out
head -n 9 "$folder/whole/answers.jsonl" >"$folder/halves/answers.jsonl"
printf '{"messages":[{"role":"us' >>"$folder/halves/answers.jsonl"
adapt halves -q --resume; check "gone on with" 0 $?
for name in answers.jsonl held.jsonl adapter/adapter_model.safetensors; do cmp "$folder/whole/$name" "$folder/halves/$name" || failed=1; done
rm -r "$folder/halves/adapter" "$folder/halves/drafts" "$folder/halves/masks/final" "$folder/halves/masks/checkpoint-7"
adapt halves -q --resume; check "a stage gone on with" 0 $?
cmp "$folder/whole/adapter/adapter_model.safetensors" "$folder/halves/adapter/adapter_model.safetensors" || failed=1
adapt halves -q --overwrite --answers 17 --updates 2; check "anew" 0 $?
check "fewer answers" "17 apart" "$(sides halves)"

# Keys of the trainer may change until it has begun.
mkdir "$folder/early"
cp "$folder"/whole/{answers,held}.jsonl "$folder/early"
python3 - "$folder" <<'PYTHON'
import json, sys
state = json.load(open(f"{sys.argv[1]}/whole/adapt.json"))
del state["updates"]
json.dump(state | {"set": "batch=3"}, open(f"{sys.argv[1]}/early/adapt.json", "w"))
PYTHON
adapt early -q --resume; check "another --set before training" 0 $?
cmp "$folder/whole/adapter/adapter_model.safetensors" "$folder/early/adapter/adapter_model.safetensors" || failed=1
refuses "another one behind it" 2 "the run there has set" "${same[@]}" --updates 10 --set batch=3

# What is somebody's own stays.
for name in answers.jsonl held.jsonl masks/final adapter; do
  mkdir -p "$folder/mine/${name%.jsonl}"
  [[ $name == *.jsonl ]] && rmdir "$folder/mine/${name%.jsonl}" && echo '{"prompt":"mine"}' >"$folder/mine/$name"
  for more in "" --resume; do
    refuses "somebody's $name $more" 2 "is of no run that can be gone on with" adapt $model -o "$folder/mine" --answers 16 --tokens 4 --updates 2 $more
  done
  check "nothing else was made" "${name%%/*}" "$(ls "$folder/mine")"
  [[ $name == *.jsonl ]] && check "its line" '{"prompt":"mine"}' "$(cat "$folder/mine/$name")"
  rm -r "$folder/mine"
done
mkdir "$folder/mine"
printf '{"prompt":"mine"}\n{"prompt":"too"}\n' >"$folder/mine/answers.jsonl"
refuses "prompts in the place of answers" 2 "would be written over" adapt $model -o "$folder/mine" --answers 16 --tokens 4 --updates 2 \
  --prompts "$folder/mine/answers.jsonl" --overwrite
check "they stay" 2 "$(wc -l <"$folder/mine/answers.jsonl")"

# Other prompts: a file's, one's own.
printf 'Why?\r\n\r\nHow so?\n' >"$folder/prompts.txt"
adapt file --prompts "$folder/prompts.txt" --answers 16 --updates 2 2>"$folder/messages"; check "a file of prompts" 0 $?
grep -q 'prompts.txt: 2 prompts for 16 answers: they come again from the first one on' "$folder/messages" || check "few prompts are told of" yes "$(cat "$folder/messages")"
check "its prompts" "16 apart" "$(sides file)"
check "each of them" "8 How so?, 8 Why?" "$(cat "$folder"/file/{held,answers}.jsonl | grep -o '"user","content":"[^"]*' | sed 's/.*"//' | sort | uniq -c | xargs | sed 's/? 8/?, 8/')"
printf 'Why?\nWhy?\n' >"$folder/same.txt"
refuses "one prompt alone" 2 "one of them is held out" adapt $model -o "$folder/typo" --answers 16 --tokens 4 --updates 2 --prompts "$folder/same.txt"
adapt long -q --answers 16 --updates 2 --set window=256 --set block_lengths=4; check "samples of more blocks than 32" 0 $?
adapt own -q --prompts self --answers 18 --updates 2; check "questions of its own" 0 $?
check "and their number" "18 apart" "$(sides own)"

adapt none --dry-run --seed 9007199254740992 2>/dev/null | grep -q '^training  *10 updates' || check "a dry run" yes no
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
for key in out data validation model adapter updates epochs resume overwrite dry_run dry-run; do
  refuses "$key of the trainer" 2 "--set $key: " adapt $model -o "$folder/typo" --answers 16 --tokens 4 --set "$key=1"
done
refuses "on a dry run" 2 "--set out: " adapt $model -o "$folder/typo" --answers 16 --tokens 4 --set out=x --dry-run
for key in trainable=all window=100000 loss_on=all gate=none objective=mask block_shift=false lora_targets=foo mix_answers=0.5; do
  refuses "$key beside the stages' own" 2 "stage masks: " adapt $model -o "$folder/typo" --answers 16 --tokens 4 --set "$key"
done
refuses "a mask that is no word" 1 "stage masks: " adapt $model -o "$folder/typo" --answers 16 --tokens 4 --set mask_token=nosuch
refuses "what the second stage cannot have" 2 "stage drafts: " adapt $model -o "$folder/typo" --answers 16 --tokens 4 --set draft_temperature=0
refuses "an unknown key" 2 "unknown key ranks" adapt $model -o "$folder/typo" --answers 16 --tokens 4 --set ranks=3
check "nothing was begun" no "$([ -e "$folder/typo/adapt.json" ] && echo yes || echo no)"
exit $failed
