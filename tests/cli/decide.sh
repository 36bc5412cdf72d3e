#!/bin/bash
# redraft decide and POST /v1/systemone: words that come back, probabilities that are those of `logits`, the protocol's own client.
program=$1
folder=$(mktemp -d)
servers=()
trap 'kill "${servers[@]}" 2>/dev/null; rm -rf "$folder"' EXIT
. tests/expect.bash
says() { # says WHAT WORD ARGUMENTS...: the word stands in what decide prints
  local found
  found=$("$program" decide --threads 1 "${@:3}" 2>"$folder/err" </dev/null); check "$1: status" 0 $?
  [[ $found == *"$2"* ]] || check "$1" "$2" "$found"
}
says "a choice" "answer: Paris  Rome 0.0" --ask "What is the capital of France?" --options "Rome,Paris,Berlin"
says "blanks behind commas" "answer: Paris  Rome 0.0" --ask "What is the capital of France?" --options "Rome, Paris , Berlin"
refuses "no UTF-8" 1 "options" decide --ask "What is the capital of France?" --options $'Rome,Paris,M\xfcnchen'
refuses "no UTF-8 in levels" 1 "levels" decide --ask "How tall is a giraffe?" --levels $'low,m\xe9dium,high'
says "by the base" "answer: Paris" --reader base --ask "What is the capital of France?" --options "Rome,Paris,Berlin"
says "a continent" "answer: Africa" --ask "Which continent is Kenya in?" --options "Europe,Africa,Asia"
says "yes or no" "answer: yes  yes 0.8" --reader base --ask "Is Oslo the capital of Norway?"
says "no" "answer: no" --reader base --ask "Can you see me?"
says "levels" "answer: 2 (big)" --ask "How tall is a giraffe?" --levels "small,medium,big"
"$program" decide --ask " " 2>"$folder/err" </dev/null; check "an empty question" "2 redraft decide: --ask: the question is empty" "$? $(head -n 1 "$folder/err")"
says "a standard error" "+-0.0" --samples 4 --seed 1 --ask "Which continent is Kenya in?" --options "Europe,Africa,Asia"

# The probabilities are the softmax of the allowed rows of `logits` over the same canvas.
question="Which continent is Kenya in?"
"$program" decide --threads 1 --json --ask "$question" --options "Europe,Africa,Asia" >"$folder/answer"; check "JSON" 0 $?
prompt=$("$program" generate --json --threads 1 --iterations 1 "$question" | head -n 1 | sed 's/.*"prompt_ids":\[\([^]]*\)\].*/\1/')
ids() { "$program" tokenize "$1" | tr ' ' ,; }
lead=$(ids "The answer is")
"$program" logits -q --threads 1 --ids "$prompt,$lead,4,$(ids .),0" --gate "$(tr ',' '\n' <<<"$prompt" | wc -l)" -o "$folder/rows.npy"; check "logits" 0 $?
for word in Europe Africa Asia; do ids "The answer is $word"; done >"$folder/words"
check "the softmax of the allowed rows" True "$(python3 - "$folder" "$(tr ',' '\n' <<<"$prompt,$lead" | wc -l)" <<'PYTHON'
import array, json, math, sys
folder, place = sys.argv[1], int(sys.argv[2])
rows = array.array("f", open(f"{folder}/rows.npy", "rb").read()[128:])
row = rows[place * 8192:(place + 1) * 8192]
scores = [row[int(line.split(",")[-1])] for line in open(f"{folder}/words")]
total = sum(map(math.exp, scores))
shares = json.load(open(f"{folder}/answer"))["answers"]["answer"]["probabilities"]
print(all(abs(shares[w] - math.exp(s) / total) < 1e-6 for w, s in zip(("Europe", "Africa", "Asia"), scores)) and abs(sum(shares.values()) - 1) < 1e-6)
PYTHON
)"

# A file, standard input, and what makes no sense.
cat >"$folder/body.json" <<'END'
{"state": {"subject": "Where is it?", "message": "Kenya"},
 "questions": {"where": {"type": "choice", "instructions": "Which continent is Kenya in?", "criteria": {"Africa": null, "Europe": null}},
               "is": {"type": "noul", "instructions": {"task": "Is it a country?"}},
               "far": {"type": "score", "instructions": "How far?", "criteria": ["near", "far"]}}}
END
"$program" decide --threads 1 --json "$folder/body.json" >"$folder/out"; check "a file" 0 $?
"$program" decide --threads 1 --json <"$folder/body.json" | cmp - "$folder/out" || failed=1
"$program" decide --threads 2 --json --mode packed "$folder/body.json" >"$folder/packed"; check "packed" 0 $?
cmp -s "$folder/packed" "$folder/out" && check "packed is another canvas" different same
echo "[]" >"$folder/list.json"
refuses "nothing" 1 "state and questions" decide "$folder/list.json"
refuses "a question for a file" 1 "no such file; a question itself is asked with --ask" decide "Is Paris in France?"
refuses "a dash" 2 "without a name standard input is read" decide -
refuses "nothing to read" 1 "standard input is empty" decide
sed 's/{"state"/{"sede": 1, "mode": "packed", "state"/; s/"task": "Is it/"task": "Is  it/; s/"criteria": \["near"/"critera": 1, &/' "$folder/body.json" >"$folder/stray.json"
"$program" decide --threads 1 --json "$folder/stray.json" 2>"$folder/err" >"$folder/out2"; check "stray keys" 0 $?
check "stray keys are told" "redraft: passed over, since nothing is called so here: sede, far: critera" "$(cat "$folder/err")"
"$program" decide --threads 1 --json -q "$folder/stray.json" 2>&1 | cmp - "$folder/out2" || failed=1
refuses "two ways to ask" 2 "one of the two" decide --ask x --options a,b --levels c,d
refuses "one option" 2 "--options: at least two different ones" decide --ask x --options Paris
refuses "one option twice" 2 "--options: at least two different ones" decide --ask x --options Paris,Paris
refuses "one level" 2 "--levels: at least two different ones" decide --ask x --levels low
refuses "no option" 2 "--options: one of them is empty" decide --ask x --options a,,b
refuses "options of nothing" 2 "belong to a question" decide --options a,b
refuses "noise on no draft" 2 "the base reads none" decide --ask x --reader base --samples 2
refuses "a long state" 2 "knows 256 positions" decide --ask x --state "$(printf 'word %.0s' {1..300})"

# Calibration: rows whose answers are known, a temperature that makes the right ones likelier, a curve.
python3 - >"$folder/rows.jsonl" <<'PYTHON'
import json
capitals = {"France": "Paris", "Italy": "Rome", "Germany": "Berlin", "Japan": "Tokyo", "Spain": "Madrid", "Norway": "Oslo", "Egypt": "Cairo", "Peru": "Lima"}
names = list(capitals.values())
for i, (country, capital) in enumerate(capitals.items()):
    others = [names[(i + k) % len(names)] for k in (0, 3, 5)]
    print(json.dumps({"state": "", "labels": {"a": capital, "b": country == "Peru"}, "questions": {
        "a": {"type": "choice", "instructions": f"What is the capital of {country}?", "criteria": {o: None for o in sorted(others)}},
        "b": {"type": "noul", "instructions": f"Is Lima the capital of {country}?"},
        "c": {"type": "noul", "instructions": "Nobody knows."}}}))
PYTHON
"$program" calibrate --threads 1 --data "$folder/rows.jsonl" --json -o "$folder/curve.svg" >"$folder/fit"; check "calibrate" 0 $?
check "what it found" "16 True True" "$(python3 -c "
import json; r = json.load(open('$folder/fit'))
print(r['answers'], 0.05 <= r['temperature'] <= 20, all(0 <= r[w][k] for w in ('before', 'after') for k in ('ece', 'brier', 'nll')))")"
check "the curve" 3 "$(grep -c '<polyline' "$folder/curve.svg")"
"$program" calibrate --threads 1 --data "$folder/rows.jsonl" --limit 4 | grep -q '^redraft decide --temperature' || check "the temperature to use" yes no
refuses "no data" 2 "--data FILE" calibrate
sed 's/"Paris"/"Atlantis"/' "$folder/rows.jsonl" >"$folder/bad.jsonl"
refuses "a label of nothing" 1 'line 1: labels: a: no alternative of type choice is "Atlantis"' calibrate --data "$folder/bad.jsonl"
sed 's/"a": "Paris"/"a": true/' "$folder/rows.jsonl" >"$folder/bad.jsonl"
refuses "a truth of a choice" 1 "line 1: labels: a: no alternative of type choice is true" calibrate --data "$folder/bad.jsonl"
sed 's/"labels": {"a"/"labels": {"A"/' "$folder/rows.jsonl" >"$folder/bad.jsonl"
refuses "a label of no question" 1 "line 1: labels: A: no question has this id" calibrate --data "$folder/bad.jsonl"

# Over HTTP: the same numbers, whatever else the server does.
serving "$folder/at" "$program" serve --threads 1 --port 0 --any-model -q 2>"$folder/log"; servers+=("$server")
ask() { curl -s -m 300 -o "$folder/body" -w '%{http_code}' "${url}v1/systemone" "$@"; }
curl -s -m 300 "${url}api/denoise" -d '{"prompt":"Hi","iterations":64,"patience":0}' >/dev/null & other=$!
check "asked" 200 "$(ask -d @"$folder/body.json")"
check "the same as from a file" "$(cat "$folder/out")" "$(cat "$folder/body")"
check "a deadline" 200 "$(ask -d "$(sed 's/^{/{"samples":8,"deadline_ms":0.001,/' "$folder/body.json")")"
check "one draw came of it" 1 "$(grep -c '"samples":1,' "$folder/body")"
wait $other
while IFS='|' read -r what status word body; do
  check "$what" "$status" "$(ask -d "$body")"
  grep -q "$word" "$folder/body" || check "$what: message" "$word" "$(cat "$folder/body")"
done <<'END'
not JSON|400|not valid JSON|{"state"
no questions|400|at least one question|{"state":"x"}
a picture|400|no pictures|{"state":"x","assets":{"a":{}},"questions":{"q":{"type":"noul","instructions":"?"}}}
one key|400|2 to 255 keys|{"state":"x","questions":{"q":{"type":"choice","criteria":{"a":null}}}}
END
for python in "${REDRAFT_CLIENTS:-${XDG_CACHE_HOME:-$HOME/.cache}/redraft/clients}/bin/python"; do
  if "$python" -c 'import typesafe_sdk' 2>/dev/null; then
    check "typesafe-sdk" "Paris True 0 low" "$("$python" - "$url" <<'PYTHON'
import sys
from typesafe_sdk import Choice, Noul, Score, TypeSafeClient
with TypeSafeClient(api_key="none", base_url=sys.argv[1].rstrip("/"), timeout=300) as client:
    r = client.system_one(state="", questions={
        "capital": Choice(instructions="What is the capital of France?", criteria={"Rome": None, "Paris": None}),
        "good": Noul(instructions="Is a dog an animal?"),
        "much": Score(instructions="How much?", criteria=["low", "high"])})
    score = r.scores["much"]
    print(r.choices["capital"].choice, r.nouls["good"].noul > 0.5, list(score.legend)[0], score.legend[0])
PYTHON
)"
  else
    echo "skipped: typesafe-sdk is not installed ; tools/judges/clients.sh installs it"
  fi
done
kill -TERM $server; wait $server; check "exit status" 0 $?
exit $failed
