#!/bin/bash
# redraft eval: every task on a small model, rows that are wrong, options that are missing.
program=$1
model=tests/golden/models/llada
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0
# expect STATUS TEXT ARGUMENTS...: the status, and a text in what is printed
expect() {
  local status=$1 text=$2 found
  shift 2
  out=$("$program" eval -m $model --threads 1 "$@" 2>&1)
  found=$?
  if [ "$found" != "$status" ] || [[ $out != *"$text"* ]]; then
    printf 'FAILED eval %s\n  expected: status %s, "%s"\n  found:    status %s, %s\n' "$*" "$status" "$text" "$found" "$out"
    failed=1
  fi
}
for i in 1 2 3; do echo "{\"prompt\":\"Hello $i\",\"answer\":\"you\"}"; done > "$folder/asked.jsonl"
for i in 0 1; do echo "{\"question\":\"Hello\",\"options\":[\"you\",\"me there\"],\"answer\":$i}"; done > "$folder/choice.jsonl"
echo '{"text":"one two three one two three one"}' > "$folder/text.jsonl"
short="--window 40 --iterations 1,3"

expect 0 'choice       {question, options, answer} rows' --task help
expect 0 'iterations   rows  exact' --data "$folder/asked.jsonl" $short
expect 0 '"iterations": 3, "exact": 0.0' --json --data "$folder/asked.jsonl" $short --out "$folder/out.jsonl"
[ "$(wc -l < "$folder/out.jsonl")" == 6 ] || { echo "FAILED --out: $(cat "$folder/out.jsonl")"; failed=1; }
[[ $(head -1 "$folder/out.jsonl") == '{"prompt": "Hello 1", "expected": "you", "got": "'*'"right": false, "iterations": 1,'* ]] ||
  { echo "FAILED --out: $(head -1 "$folder/out.jsonl")"; failed=1; }
expect 0 '"rows": 2' --json --data "$folder/asked.jsonl" $short --limit 2
# What is said about noise is what was done.
expect 0 '"noise": false' --json --data "$folder/asked.jsonl" $short --limit 1 --sampler lad --no-noise
expect 0 '"noise": true' --json --data "$folder/asked.jsonl" $short --limit 1 --sampler lad --noise-start 0.4
expect 0 '"noise": true' --json --data "$folder/asked.jsonl" $short --limit 1 --sampler lad --no-noise=false
# Samplers that take no iterations are asked once.
for sampler in threshold factor daedal static dynamic sub-blocks bd3lm longest-prefix sliding ar jacobi strided; do
  expect 0 "\"sampler\": \"$sampler\", \"noise\": false, \"objective\": \"structural\", \"rows\": 1, \"bad\": 0, \"iterations\": null, \"exact\"" \
    --json --data "$folder/asked.jsonl" --window 40 --limit 1 --sampler $sampler
done
# A row without a number of iterations is drawn where the mean of what it took stands.
"$program" eval -m $model --threads 1 -q --json --data "$folder/asked.jsonl" --window 40 --sampler ar > "$folder/drawn.jsonl"
"$program" plot "$folder/drawn.jsonl" -o "$folder/drawn.svg" > "$folder/drawing" || { echo "FAILED: plot of a row of ar"; failed=1; }
grep -q 'a drawn: 0.0000' "$folder/drawing" || { echo "FAILED: $(cat "$folder/drawing")"; failed=1; }
# Where the model's files say how it is asked, it is asked as generate does: by what they hold for the sampler.
said() { # said DEFAULTS: the model with them
  model=$folder/said
  mkdir -p "$model"
  cp -n tests/golden/models/llada/* "$model"
  echo "{\"defaults\": $1}" > "$model/redraft.json"
}
asked=(--json --data "$folder/asked.jsonl" --window 40 --limit 2)
answers() { "$program" eval -m "$model" --threads 1 -q "${asked[@]}" --out "$folder/$1.jsonl" "${@:2}" > /dev/null; }
said '{"sampler": "lad", "iterations": 3, "lad": {"iterations": 5, "no_noise": true}}'
expect 0 '"sampler": "lad", "noise": false, "objective": "structural", "rows": 2, "bad": 0, "iterations": 5,' "${asked[@]}"
expect 0 '"iterations": 2,' "${asked[@]}" --iterations 2
expect 0 '"iterations": 128,' "${asked[@]}" --sampler low-confidence
said '{"sampler": "threshold", "iterations": 3, "no-noise": true, "lad": {"iterations": 7}}'
expect 0 '"sampler": "lad", "noise": true, "objective": "structural", "rows": 2, "bad": 0, "iterations": 7,' "${asked[@]}" --sampler lad
said '{"sampler": "lad", "temperature": 0, "patience": 0, "iterations": 6, "no-noise": true}'
answers still; answers noised --noise; answers plain --no-noise=false; answers none --noise=false
cmp -s "$folder/still.jsonl" "$folder/noised.jsonl" && { echo "FAILED: --noise noises nothing"; failed=1; }
cmp -s "$folder/noised.jsonl" "$folder/plain.jsonl" || { echo "FAILED: --no-noise=false is not --noise"; failed=1; }
cmp -s "$folder/still.jsonl" "$folder/none.jsonl" || { echo "FAILED: --noise=false noises"; failed=1; }
said '{"sampler": "lad", "chess": 1}'
expect 1 'redraft.json: defaults: there is no option chess' "${asked[@]}" --sampler lad
model=tests/golden/models/llada
# A prompt that fills the window is a row without an answer: named by its line, once, and told of in --out.
{ echo; echo "{\"prompt\":\"$(printf 'word %.0s' $(seq 60))\",\"answer\":\"you\"}"; cat "$folder/asked.jsonl"; } > "$folder/long.jsonl"
expect 0 'long.jsonl:2: the prompt fills the window; counts as an empty answer' --data "$folder/long.jsonl" $short
[ "$(grep -c 'fills the window' <<< "$out")" == 1 ] || { echo "FAILED: named more than once: $out"; failed=1; }
expect 0 '"rows": 4, "bad": 0, "iterations": 1, "exact": 0.0' --json --data "$folder/long.jsonl" $short --out "$folder/out.jsonl"
[ "$(grep -c '"got": "", "right": false, "iterations": 0, "tokens": 0}' "$folder/out.jsonl")" == 2 ] ||
  { echo "FAILED --out: $(cat "$folder/out.jsonl")"; failed=1; }
expect 0 'long.jsonl:2: the prompt fills the window' --task perplexity --data "$folder/long.jsonl" --judge $model $short
expect 0 '"empty": 0.25,' --task perplexity --json --data "$folder/long.jsonl" --judge $model $short --out "$folder/out.jsonl"
[ "$(grep -c '"text": "", "nats": 0.0, "tokens": 0' "$folder/out.jsonl")" == 2 ] ||
  { echo "FAILED --out: $(cat "$folder/out.jsonl")"; failed=1; }
expect 2 '--window 300 is beyond' --data "$folder/long.jsonl" --window 300
expect 0 'noise to 25' --task loss --data "$folder/asked.jsonl"
expect 0 '"objective": "mask", "rows": 3, "bad": 0, "iterations": null, "loss": ' --task loss --json --data "$folder/asked.jsonl" --objective mask
expect 0 '"loss": ' --task loss --json --data "$folder/asked.jsonl" --objective next-token
expect 0 '     2  50.0%' --task choice --data "$folder/choice.jsonl"
expect 0 '"chance": 0.5' --task choice --json --data "$folder/choice.jsonl" --objective next-token
expect 0 'distinct 1' --task perplexity --data "$folder/text.jsonl" --judge $model
expect 0 '"perplexity": ' --task perplexity --json --data "$folder/asked.jsonl" --judge $model $short

# Prompts as plain text, solved rows before them, well-known files, findings as a table.
expect 0 '     2  50.0%' --task choice --data "$folder/choice.jsonl" --raw --shots 1
expect 2 '--shots 2: the file has 1 other rows' --task choice --data "$folder/choice.jsonl" --shots 2
expect 0 'exact' --data "$folder/asked.jsonl" $short --raw --shots 1 --shots-from "$folder/asked.jsonl"
# What another option makes meaningless is refused as well.
expect 2 '--dataset means nothing to --task loss' --task loss --dataset gsm8k --data "$folder/asked.jsonl"
expect 2 '--draws means nothing to --objective next-token' --task choice --objective next-token --draws 5 --data "$folder/choice.jsonl"
expect 2 '--shots-from means nothing without --shots' --data "$folder/asked.jsonl" $short --shots-from "$folder/nope.jsonl"
expect 2 '--chat-template means nothing beside --raw' --data "$folder/asked.jsonl" $short --raw --chat-template plain
expect 2 '--no-noise means nothing beside --noise' --data "$folder/asked.jsonl" $short --noise --no-noise
expect 0 'exact' --data "$folder/asked.jsonl" $short --limit 1 --sampler lad --noise --no-noise=false
printf 'a scene\n1\nends so\nends well\nor not\nor otherwise\n' > "$folder/hellaswag_a.txt"
printf 'art,"Who, then?",one,two,three,four,2\n' > "$folder/mmlu_a.csv"
expect 0 '"rows": 1' --task choice --json --data "$folder/hellaswag_a.txt" --csv "$folder/table.csv"
expect 0 'chance' --task choice --data "$folder/mmlu_a.csv" --csv "$folder/table.csv" -q
cp "$folder/choice.jsonl" "$folder/mmlu.jsonl" && cp "$folder/asked.jsonl" "$folder/gsm8k.jsonl"
expect 0 '"rows": 2' --task choice --json --data "$folder/mmlu.jsonl"
expect 1 'gsm8k.jsonl: 3 of 3 rows are bad, more than 1%; mend them, or --allow-bad (read as dataset gsm8k by its name; --dataset none)' --data "$folder/gsm8k.jsonl"
expect 0 '"rows": 3' --data "$folder/gsm8k.jsonl" --dataset none $short --json
odd=$folder/$'\xff.jsonl'
cp "$folder/asked.jsonl" "$odd"
expect 0 $'/\xef\xbf\xbd.jsonl"' --data "$odd" $short --json --csv "$folder/odd.csv"
truncate -s -1 "$folder/table.csv" # by an editor that leaves the last line open
expect 0 'chance' --task choice --data "$folder/mmlu_a.csv" --csv "$folder/table.csv" -q
[ "$(wc -l < "$folder/table.csv")" == 4 ] || { echo "FAILED: a row behind an open line: $(cat "$folder/table.csv")"; failed=1; }
sed -i 4d "$folder/table.csv"
for list in 2,x 2,0 2,; do # before anything is measured
  expect 2 'iterations' --data "$folder/asked.jsonl" --iterations "$list"
  [[ $out != *mean_iterations* ]] || { echo "FAILED: measured before --iterations $list was refused"; failed=1; }
done
cp "$folder/asked.jsonl" "$folder/both.jsonl"
expect 2 'would be written over' --data "$folder/both.jsonl" $short --out "$folder/both.jsonl"
expect 2 'would be written over' --data "$folder/asked.jsonl,$folder/both.jsonl" $short --csv "$folder/both.jsonl"
cmp "$folder/asked.jsonl" "$folder/both.jsonl" || failed=1
for task in exact loss; do
  expect 2 'columns: system=Nobody: no row has Nobody' --task $task --data "$folder/asked.jsonl" --limit 2 --window 32 --columns system=Nobody
done
expect 2 'its columns are others' --data "$folder/asked.jsonl" $short --csv "$folder/table.csv"
[ "$(cut -d, -f1,8 "$folder/table.csv" | xargs)" == "task,rows choice,1 choice,1" ] || { echo "FAILED --csv: $(cat "$folder/table.csv")"; failed=1; }

# What was there stays where a run fails, a table is looked at before the work, and what is no regular file takes the lines as they come.
is() { [ "$2" == "$3" ] || { printf 'FAILED %s\n  expected: %s\n  found:    %s\n' "$1" "$2" "$3"; failed=1; }; }
echo old > "$folder/keep"
expect 1 'none.jsonl' --data "$folder/none.jsonl" --out "$folder/keep" --csv "$folder/new.csv"
is "an older file of rows" old "$(cat "$folder/keep")"
is "no table of nothing" no "$([ -e "$folder/new.csv" ] && echo yes || echo no)"
expect 2 'its columns are others' --task exact --data "$folder/none.jsonl" --csv "$folder/table.csv"
expect 2 'its columns are others' --data "$folder/none.jsonl" --csv "$folder/mmlu_a.csv"
expect 1 'nowhere/table.csv: cannot write: No such file' --data "$folder/none.jsonl" --csv "$folder/nowhere/table.csv"
expect 1 '/dev/full: cannot write: No space left' --data "$folder/asked.jsonl" $short --csv /dev/full
mkfifo "$folder/fifo"
cat "$folder/fifo" > "$folder/through" & reader=$!
expect 0 'exact' --data "$folder/asked.jsonl" $short --csv "$folder/fifo"
wait $reader
is "a table through a FIFO" "task exact exact" "$(cut -d, -f1 "$folder/through" | xargs)"
sed 's/,iterations,/,drafts,/' "$folder/through" > "$folder/others.csv" # of the same task, and known to be another only then
expect 2 'holds what came of 3 rows' --data "$folder/asked.jsonl" $short --csv "$folder/others.csv" --out "$folder/keep"
is "an older file of rows, later" "old 3" "$(cat "$folder/keep") $(cat "$folder/keep".*.part | wc -l)"
rm "$folder/keep".*.part
(ulimit -f 1; expect 1 'keep: cannot write: File too large; nothing was replaced' --data "$folder/long.jsonl" $short --allow-bad --out "$folder/keep" --iterations 1,1,1,1,1,1; exit $failed) || failed=1
is "an older file of rows, on a full disk" old "$(cat "$folder/keep")"
[ "$(wc -l < "$(echo "$folder/keep".*.part)")" -ge 2 ] || { echo "FAILED: no rows stay of an evaluation that failed"; failed=1; }
rm "$folder/keep".*.part
(ulimit -f 1; expect 1 'cannot write: File too large' --data "$folder/asked.jsonl" $short --csv "$folder/long.csv" --iterations 1,1,1,1,1,1; exit $failed) || failed=1
is "no line in part" "" "$(tail -c 1 "$folder/long.csv" | tr -d '\n')"

printf '{"question":"2+2?","answer":"it is\\n#### 4"}\n' > "$folder/gsm8k_a.jsonl"
expect 0 '"exact": ' --json --data "$folder/gsm8k_a.jsonl" $short --out "$folder/out.jsonl"
[[ $(head -1 "$folder/out.jsonl") == '{"prompt": "Question: 2+2?\nAnswer:", "expected": "4"'* ]] || { echo "FAILED gsm8k: $(cat "$folder/out.jsonl")"; failed=1; }
echo '{"task_id":"T/1","prompt":"def f():","canonical_solution":" return 1"}' > "$folder/humaneval_a.jsonl"
expect 0 'rows a second' --data "$folder/humaneval_a.jsonl" $short --raw --out "$folder/out.jsonl"
grep -q '"task_id": "T/1", "completion": "' "$folder/out.jsonl" || { echo "FAILED humaneval: $(cat "$folder/out.jsonl")"; failed=1; }
expect 0 'mmlu         choice: subject' --dataset help
expect 2 'unknown dataset chess' --dataset chess --data "$folder/asked.jsonl"

# Ctrl-C says where the rows so far are.
for i in {1..400}; do echo "{\"prompt\":\"Where is $i?\",\"answer\":\"here\"}"; done > "$folder/many.jsonl"
"$program" eval -m models/tini --data "$folder/many.jsonl" --out "$folder/many.out" -q > /dev/null 2> "$folder/many.err" &
for _ in {1..600}; do [ -s "$(echo "$folder"/many.out.*.part)" ] && break; sleep 0.1; done
kill -INT $!; wait $!; status=$?
[ $status -eq 130 ] && grep -q 'many.out.*.part holds what came of the rows so far' "$folder/many.err" || { echo "FAILED Ctrl-C: status $status: $(cat "$folder/many.err")"; failed=1; }
[ -s "$(echo "$folder"/many.out.*.part)" ] || { echo "FAILED Ctrl-C: no rows are kept"; failed=1; }
# What is read is not written over; every example's loss is told.
cp models/stories260K/stories260K.gguf "$folder/w.gguf"
"$program" logits -m "$folder/w.gguf" --ids 1 -o "$folder/w.gguf" 2> "$folder/err"; [ $? -eq 2 ] && cmp -s "$folder/w.gguf" models/stories260K/stories260K.gguf || { echo "FAILED: a model was written over: $(cat "$folder/err")"; failed=1; }
expect 2 'asked.jsonl is read, and would be written over' --shots 1 --shots-from "$folder/asked.jsonl" --data "$folder/many.jsonl" --out "$folder/asked.jsonl"
expect 2 'are one file' --data "$folder/many.jsonl" --out "$folder/same" --csv "$folder/same"
expect 0 'noise to 25' --task loss --data "$folder/asked.jsonl" --out "$folder/loss.out"
[ "$(grep -c '"example": .*"noise": ' "$folder/loss.out")" -eq 3 ] || { echo "FAILED loss --out: $(cat "$folder/loss.out")"; failed=1; }

# A row of which one option cannot be asked for is left out whole: those behind it keep their likelihoods.
for i in 0 1; do echo "{\"prompt\":\"Answer:\",\"options\":[\"The city of Rome\",\"$i\"],\"answer\":0}"; done > "$folder/good.jsonl"
{ echo "{\"prompt\":\"Answer: \",\"options\":[\"The city of Rome\",\"$(printf 'far %.0s' {1..300})\"],\"answer\":0}"; cat "$folder/good.jsonl"; } > "$folder/part.jsonl"
model=models/tini
scored=(--task choice --objective next-token --raw --allow-bad)
expect 0 "question 1: longer than the model's 256 positions; skipped" "${scored[@]}" --data "$folder/part.jsonl" --out "$folder/part.out"
expect 0 'chance' "${scored[@]}" --data "$folder/good.jsonl" --out "$folder/good.out"
cmp "$folder/good.out" "$folder/part.out" || { echo "FAILED: a row that is left out moves likelihoods"; failed=1; }
expect 1 '1 of 3 rows are bad, more than 1%' --task choice --objective next-token --raw --data "$folder/part.jsonl"
# Spaces at a prompt's end belong to the answer's first word; a row that is left out is still a solved one for others.
echo '{"prompt":"The capital of France is","options":["Paris, a city.","Rome"],"answer":0}' > "$folder/plain.jsonl"
sed 's/ is"/ is "/' "$folder/plain.jsonl" > "$folder/spaced.jsonl"
for f in plain spaced; do "$program" eval -m $model --task choice --objective next-token --raw --precision f32 --data "$folder/$f.jsonl" --out "$folder/$f.out" -q > /dev/null; done
[ "$(grep -o '"log_likelihoods.*' "$folder/plain.out")" = "$(grep -o '"log_likelihoods.*' "$folder/spaced.out")" ] || { echo "FAILED: a space at the prompt's end: $(cat "$folder/spaced.out")"; failed=1; }
expect 2 '--shots 1: the file has 0 other rows' --task choice --objective next-token --raw --shots 1 --shots-from "$folder/plain.jsonl" --data "$folder/plain.jsonl"
model=tests/golden/models/llada

# The same seed gives the same numbers, another draws other masks.
choice() { "$program" eval -m $model --threads 1 --task choice --draws 2 --data "$folder/choice.jsonl" --out "$folder/$1" --seed "$2" > /dev/null; }
choice a 1; choice b 1; choice c 2
cmp -s "$folder/a" "$folder/b" || { echo "FAILED: the same seed, other likelihoods"; failed=1; }
cmp -s "$folder/a" "$folder/c" && { echo "FAILED: another seed, the same likelihoods"; failed=1; }

# What a task has no use for is refused by name.
expect 2 '--iterations means nothing to --task choice' --task choice --iterations 3 --data "$folder/choice.jsonl"
expect 2 '--sampler means nothing to --task loss' --task loss --sampler ar --data "$folder/asked.jsonl"
expect 2 '--objective means nothing to --task exact' --objective mask --data "$folder/asked.jsonl"
# Rows behind the end of an array are not passed over.
echo '[{"prompt":"a","answer":"b"}][{"prompt":"c","answer":"d"}]' > "$folder/two.json"
expect 1 'two.json:1: more text behind the array' --data "$folder/two.json"
# Every answer of a row is looked at before the work.
echo '{"prompt":"a","answer":["b",""]}' > "$folder/empty.jsonl"
expect 1 'empty.jsonl:1: answer is empty' --data "$folder/empty.jsonl"

expect 2 '--task: unknown task chess; there are exact, loss, ' --task chess --data "$folder/text.jsonl"
expect 2 '--data FILE is needed' --task loss
expect 2 '--task perplexity needs a reference model: --judge PATH' --task perplexity --data "$folder/text.jsonl"
expect 1 'nowhere/config.json: no such file' --task perplexity --data "$folder/text.jsonl" --judge "$folder/nowhere"
expect 1 'none.jsonl' --task exact --data "$folder/none.jsonl"
: > "$folder/empty.jsonl"
expect 1 'empty.jsonl: no rows' --data "$folder/empty.jsonl"
expect 2 'unknown objective chess; there are' --task loss --data "$folder/asked.jsonl" --objective chess
expect 2 'iterations' --data "$folder/asked.jsonl" --iterations 4,x
expect 2 'expected numbers with commas between, found 1 4' --data "$folder/asked.jsonl" --iterations '1 4'
expect 1 "$folder/nowhere/out" --data "$folder/asked.jsonl" --out "$folder/nowhere/out"
echo '{"question":"Hello","options":["you"],"answer":0}' >> "$folder/choice.jsonl"
expect 1 'choice.jsonl:3: options: expected 2 to 26, found 1; skipped' --task choice --data "$folder/choice.jsonl"
expect 1 '1 of 3 rows are bad, more than 1%; mend them, or --allow-bad' --task choice --data "$folder/choice.jsonl"
expect 0 '"rows": 2, "bad": 1' --task choice --json --data "$folder/choice.jsonl" --allow-bad
echo 'not JSON' >> "$folder/asked.jsonl"
expect 1 'asked.jsonl:4: not JSON' --data "$folder/asked.jsonl" $short
printf '%s\n' '{"prompt": "a", "answer": "b\u0000"}' > "$folder/nul.jsonl"
expect 1 'nul.jsonl:1: not JSON: \u0000 stands in a text, which none may hold' --data "$folder/nul.jsonl" $short
expect 1 'asked.jsonl:4: not JSON' --task loss --data "$folder/asked.jsonl"
cat "$folder/text.jsonl" > "$folder/mixed.jsonl"
echo '{"prompt":"a"}' >> "$folder/mixed.jsonl"
expect 1 '1 rows have text and 1 a prompt' --task perplexity --judge $model --data "$folder/mixed.jsonl"
exit $failed
