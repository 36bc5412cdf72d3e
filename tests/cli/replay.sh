#!/bin/bash
# redraft replay: plain output, the trace copied, bad traces, and the keys in a real terminal.
program=$1
folder=$(mktemp -d)
trap 't kill-server 2>/dev/null; rm -rf "$folder"' EXIT
. tests/expect.bash
export TMUX_TMPDIR=$folder
trace=$folder/trace.jsonl
cat > "$trace" <<'END'
{"event":"start","model":"m","sampler":"lad","seed":7,"window":8,"iterations":8,"prompt_ids":[1]}
{"event":"noise","iteration":0,"ids":[9,9],"masked":[0,1]}
{"event":"draft","iteration":1,"ids":[1,2],"pieces":["Hi"," you"],"confidence":[0.5,0.5],"changed":[0,1],"text":"Hi you"}
{"event":"noise","iteration":1,"ids":[1,9],"masked":[1]}
{"event":"draft","iteration":2,"ids":[1,3],"pieces":["Hi"," all"],"confidence":[0.5,1],"changed":[1],"text":"Hi all"}
{"event":"done","text":"Hi all","ids":[1,3],"tokens":2,"iterations":2,"passes":2,"stopped":"converged","seconds":0.5}
END
check "plain text" "Hi all" "$("$program" replay "$trace" 2>/dev/null)"
check "summary" "2 tokens, 2 iterations, 1.0 tokens per iteration, 0.50 seconds, converged, seed 7" \
  "$("$program" replay "$trace" 2>&1 >/dev/null)"
check "quiet" "" "$("$program" replay -q "$trace" 2>&1 >/dev/null)"
check "json" "$(cat "$trace")" "$("$program" replay --json "$trace")"
check "drafts as lines" 4 "$("$program" replay --watch "$trace" 2>&1 >/dev/null | grep -c '^iteration')"
"$program" replay 2>/dev/null; check "no file" 2 $?
"$program" replay "$folder/none" 2>/dev/null; check "missing file" 1 $?
refuses "a dash" 2 "name the trace's file" replay -
head -c 150 "$trace" > "$folder/cut"
"$program" replay "$folder/cut" 2>/dev/null; check "cut file" 1 $?
head -n 3 "$trace" > "$folder/unfinished"
check "unfinished" "the trace ends before the generation did" "$("$program" replay "$folder/unfinished" 2>&1 >/dev/null)"

# An animated picture: valid XML whatever the tokens are, a frame a draft and one for the answer.
sed 's/" you"/" <y\&\uFFFE\u0001]]>"/' "$trace" > "$folder/odd"
"$program" replay -q "$folder/odd" --svg "$folder/odd.svg" --title 'A "title" <&>' > /dev/null; check "svg" 0 $?
check "frames" 5 "$(grep -c '<g class=' "$folder/odd.svg")"
check "masks are red" 2 "$(grep -c '<tspan class="m">' "$folder/odd.svg")"
check "text is escaped" 1 "$(grep -c 'Hi &#60;y&#38;' "$folder/odd.svg")"
check "the answer at the end" "Hi all</text>" "$(grep -A1 '<g class="l"' "$folder/odd.svg" | tail -n 1 | sed 's/.*">//')"
if command -v python3 > /dev/null; then
  python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$folder/odd.svg"; check "valid XML" 0 $?
else
  echo "no python3: the picture is not parsed"
fi
"$program" replay -q "$trace" --svg "$folder/none/x.svg" > /dev/null 2>&1; check "nowhere to write" 1 $?

# A signed trace is made again, token for token; another model, option, seed or token is named.
signed=$folder/signed.jsonl
model=tests/golden/models/llama-mha
make() { "$program" generate -q --no-watch --threads 1 -m $model --window 40 --seed 1 --trace "$signed" "$@" Hi >/dev/null 2>&1; }
again() { "$program" replay --check --threads 2 "$@"; }
same() { check "$1: status" 0 $?; [[ $found == *"drafts made again, token for token" ]] || check "$1" "made again" "$found"; }
for options in "--sampler lad --iterations 6" "--sampler ar --tokens 9 --temperature 0.7" "--sampler jacobi --tokens 9" "--sampler infill --iterations 9 --template a{mask:3}b"; do
  # shellcheck disable=SC2086
  make $options
  found=$(again -m $model "$signed" 2>&1); same "$options"
done
make --sampler lad --iterations 500 --patience 0 --deadline 0.02
found=$(again -m $model "$signed" 2>&1); same "cut by a deadline"
make --sampler lad --iterations 4 --patience 0
check "as JSON" '{"same":true,"drafts":4}' "$(again -m $model --json "$signed")"
refuses "another model" 1 "is of another model: llama-mha" replay --check -m tests/golden/models/qwen2 "$signed"
refuses "another adapter" 1 "is of another adapter" replay --check -m $model --adapter tests/golden/adapters/llama-mha-qv "$signed"
sed 's/"top-k":3/"top-k":4/' "$signed" >"$folder/option"
refuses "another option" 1 "are not those that were signed" replay --check -m $model "$folder/option"
sed 's/"seed":1,/"seed":2,/' "$signed" >"$folder/seed"
refuses "another seed" 1 "are not those that were signed" replay --check -m $model "$folder/seed"
# The events e of a trace, changed by a line of Python, are refused with a word.
while IFS='|' read -r what word change; do
  python3 - "$signed" "$folder/forged" "$change" <<'PYTHON'
import json, sys
e = [json.loads(line) for line in open(sys.argv[1])]
exec(sys.argv[3])
open(sys.argv[2], "w").write("".join(json.dumps(event) + "\n" for event in e))
PYTHON
  refuses "$what" 1 "$word" replay --check -m $model "$folder/forged"
done <<'END'
another token|other tokens from place 2 on|e[4]["ids"][2] = (e[4]["ids"][2] + 1) % 288
another text|text: "Paris" in the trace, |e[-1]["text"] = "Paris"
another draft's text|event 2: text: "Paris" in the trace|e[2]["text"] = "Paris"
another piece|pieces: ["Paris",|e[2]["pieces"][0] = "Paris"
another reason|stopped: "converged" in the trace, "iterations" made again|e[-1]["stopped"] = "converged"
stopped by nobody|stopped: "cancelled" in the trace, "iterations" made again|e[-1]["stopped"] = "cancelled"
another verdict|converged: true in the trace, false made again|e[-1]["converged"] = True
no warning|warning: nothing in the trace, "|del e[-1]["warning"]
another share|confidence: [|e[2]["confidence"][0] += 0.5
another name|model: "gpt" in the trace, signed as "llama-mha"|e[0]["model"] = "gpt"
another window|window: 20 in the trace, 40 made again|e[0]["window"] = 20
a key of its own|note: true in the trace, nothing made again|e[-1]["note"] = True
no end|the trace ends early: 4 drafts were made again|del e[-1]
one draft|the trace ends early: 1 drafts were made again|del e[3:]
two ends|was not made again: the drafts end before it|e.append(e[-1])
one draft less|of another kind or iteration|del e[2]
END
refuses "no signature" 1 "the trace is not signed" replay --check -m $model "$trace"
make --sampler ar --tokens 30 --deadline 0.0001 --grammar json-object # whose last draft is the shortest end of the form
found=$(again -m $model "$signed" 2>&1); same "brought to an end by a deadline"

# Ctrl-C says no ill of a trace; what it stopped is made again up to there.
make --sampler lad --iterations 400 --patience 0 --window 200
"$program" replay --check --threads 1 -m $model "$signed" >"$folder/said" 2>&1 & pid=$!
listens() { grep -qsa -- --check "/proc/$pid/cmdline" && grep -q '^SigCgt:.*[2367abef]$' "/proc/$pid/status"; } # the program, not yet bash, and past its start
eventually listens; kill -INT $pid; wait $pid; check "interrupted: status" 130 $?
check "interrupted: message" "redraft replay: interrupted" "$(cat "$folder/said")"
rm "$signed"
"$program" generate -q --no-watch --threads 1 -m $model --window 200 --sampler lad --iterations 400 --patience 0 --trace "$signed" Hi >/dev/null 2>&1 & pid=$!
drafts() { grep -qs '"event":"draft"' "$signed.$pid-"*.part; }
eventually drafts; kill -INT $pid; wait $pid; check "a trace cut by Ctrl-C: status" 130 $?
check "a trace cut by Ctrl-C" 1 "$(tail -n 1 "$signed" | grep -c '"stopped":"cancelled"')"
found=$(again -m $model "$signed" 2>&1); same "cut by Ctrl-C"
"$program" generate -q --no-watch --threads 1 -m $model --window 200 --sampler lad --iterations 400 --patience 0 --trace "$signed" Hi >/dev/null 2>&1 & pid=$!
eventually drafts; kill -KILL $pid; wait $pid 2>/dev/null; check "a trace cut by a kill: status" 137 $?
found=$(again -m $model "$signed" 2>&1); same "an earlier trace, and a kill"
refuses "what the kill left" 1 "the trace ends early" replay --check -m $model "$(sed -i '$d' "$signed.$pid-"*.part; ls "$signed.$pid-"*.part)"

if command -v tmux >/dev/null; then
  t() { tmux -L "redraft$$" "$@"; }
  screen() { t capture-pane -p | grep -v '^$' | head -n 1; }
  starts_with() { [ "$(screen)" == "$1" ]; }
  wait_for() { # wait_for WHAT: until the first line of the terminal is that
    eventually starts_with "$1"
    check "terminal" "$1" "$(screen)"
  }
  TERM=xterm t -f /dev/null new-session -d -x 60 -y 10 "env -u NO_COLOR '$program' replay --step '$trace'; echo left \$?; sleep infinity"
  wait_for "▒▒"
  t send-keys Space; wait_for "Hi you"
  t send-keys Space; wait_for "Hi▒"
  t send-keys Left; wait_for "Hi you"
  t send-keys End; wait_for "Hi all"
  t resize-window -x 5 -y 10; wait_for "Hi"
  t resize-window -x 60 -y 10; wait_for "Hi all"
  t send-keys g; wait_for "▒▒"
  t send-keys q; wait_for "Hi all"
  left() { t capture-pane -p | grep left; }
  eventually left >/dev/null
  check "cursor is back" 1 "$(t display-message -p '#{cursor_flag}')"
  check "exit status" "left 0" "$(left)"
  t kill-server 2> /dev/null
  t() { tmux -L "redraft$$-wide" "$@"; } # a socket of its own: the server before may still be about to leave the other
  sed 's/"Hi"," you"/"日本語","で cafe\xCC\x81s"/' "$trace" > "$folder/wide" # two columns each, and a combining accent
  TERM=xterm t -u -f /dev/null new-session -d -x 5 -y 12 "env -u NO_COLOR LC_ALL=C.UTF-8 '$program' replay --step '$folder/wide'; sleep infinity"
  wait_for "▒▒"
  t send-keys Space; wait_for "日本"
  lines() { t capture-pane -p | grep -v '^$' | head -n 3 | paste -sd '|' | sed 's/e\xCC\x81/é/'; }
  wrapped() { [ "$(lines)" == "日本|語で|cafés" ]; }
  eventually wrapped
  check "wrapped by columns" "日本|語で|cafés" "$(lines)"
else
  echo "no tmux: the keys are not tested"
fi
exit $failed
