#!/bin/bash
# redraft generate: where prompts come from, events, traces, errors, interruption, and the view in a
# real terminal.
program=$1
model=tests/golden/models/llada
folder=$(mktemp -d)
number=0
trap 't kill-server 2>/dev/null; rm -rf "$folder"' EXIT
t() { tmux -L "redraft$$-$number" "$@"; }
. tests/expect.bash
export TMUX_TMPDIR=$folder
generate() { "$program" generate -m $model --sampler lad --window 64 --iterations 6 --seed 5 --threads 1 "$@"; }
# A folder whose name is no UTF-8: events and traces are JSON all the same.
odd=$folder/$'m\xff'
cp -r $model "$odd"
"$program" generate -m "$odd" --threads 1 --tokens 3 --json --trace "$folder/odd.jsonl" hi > "$folder/events"; check "a name that is no UTF-8" 0 $?
check "its model" $'m\xef\xbf\xbd' "$(head -1 "$folder/events" | python3 -c 'import json, sys; print(json.load(sys.stdin)["model"])')"
"$program" replay --check -m "$odd" "$folder/odd.jsonl" > /dev/null; check "its trace" 0 $?
status() { # status WHAT CODE WORD ARGUMENTS: the exit status, and a word of the one line of message
  local what=$1 code=$2 word=$3; shift 3
  "$program" generate -m $model --threads 1 "$@" >"$folder/out" 2>"$folder/err" </dev/null
  check "$what: status" "$code" $?
  check "$what: output" "" "$(cat "$folder/out")"
  check "$what: lines" 1 "$(wc -l <"$folder/err")"
  check "$what: message" 1 "$(grep -c -- "$word" "$folder/err")"
}

generate hi >"$folder/a" 2>"$folder/err"; check "status" 0 $?
check "summary with the seed" 1 "$(grep -c '^[0-9]* tokens, 6 iterations, .* iterations, seed 5$' "$folder/err")"
generate -p hi >"$folder/b" 2>/dev/null; cmp "$folder/a" "$folder/b" || failed=1
echo hi | generate -q >"$folder/b" 2>"$folder/err"; cmp "$folder/a" "$folder/b" || failed=1
check "quiet" "" "$(cat "$folder/err")"
generate hi --threads 2 2>/dev/null >"$folder/b"; cmp "$folder/a" "$folder/b" || failed=1
generate hi --system "be kind" 2>/dev/null >"$folder/b"; cmp -s "$folder/a" "$folder/b" && failed=1

generate hi --json --trace "$folder/trace" >"$folder/json" 2>"$folder/err"; check "json" 0 $?
check "json: nothing else" "" "$(cat "$folder/err")"
sed 's/"seconds":.*//' "$folder/json" >"$folder/json1"
sed 's/,"signed":.*}}$/}/; s/"seconds":.*//' "$folder/trace" >"$folder/trace1" # its first line is signed
cmp "$folder/json1" "$folder/trace1" || failed=1
check "events" "start noise draft draft draft draft draft draft done" \
  "$(sed 's/{"event":"\([a-z]*\)".*/\1/' "$folder/json" | grep -v noise | sed '1a noise' | paste -sd' ')"
"$program" replay -q "$folder/trace" >/dev/null || failed=1
check "plain drafts" 6 "$(generate hi --watch 2>&1 >/dev/null | grep -c '^iteration [1-6]/6 ')"
check "as fast as they came" 0 "$(generate hi --watch 2>&1 >/dev/null | grep -c '  0.0 tokens/s$')"
for tokens in 3 60; do # the answer has 17 of them, and no end
  check "up to --tokens $tokens" $((tokens < 17)) "$("$program" generate --sampler ar --seed 1 --threads 1 --tokens $tokens "Where is Paris?" 2>&1 >/dev/null | grep -c ", up to --tokens $tokens, seed 1$")"
done
check "samplers" 1 "$(generate --sampler help | grep -c '^lad ')"
check "help" 1 "$(generate --help | grep -c -- '--noise-start')"

status "two prompts" 2 "one prompt" a b
status "unknown sampler" 2 "low-confidence" --sampler nonsense a
status "out of range" 2 "noise-start" --noise-start 2 a
status "no meaning" 2 "means nothing" --sampler random --noise-start 0.5 a
status "did you mean" 2 "temperature" --temperatur 1 a
status "an empty prompt" 2 "the prompt is empty" " "
status "an empty form" 2 "the expression is empty" --grammar regex a
status "a seed that is too large" 2 "9007199254740993 is outside -1..9007199254740992" --seed 9007199254740993 a
status "stepping unwatched" 2 "step" --step --no-watch a
status "window" 2 "window" --window 100000 a
status "long prompt" 2 "window" --window 16 "a prompt that is longer than the window it is given"
status "not UTF-8" 1 "UTF-8" $'a\xff'
status "no model" 1 "nowhere" -m "$folder/nowhere" a
status "trace" 1 "missing" --trace "$folder/missing/trace" a
# Where nothing is kept the base's reading has room too.
for options in "--sampler lad --suffix" "--sampler threshold --base-weight 0.4 --suffix"; do
  for reuse in exact none; do
    "$program" generate -q -m models/tini --threads 1 --seed 1 --tokens 4 $options " and then he" --reuse $reuse hello >"$folder/$reuse" 2>"$folder/err"
    check "$options, $reuse" 0 $?
  done
  cmp "$folder/exact" "$folder/none" || failed=1
done
status "full disk" 1 "/dev/full" --trace /dev/full a

# An earlier trace stays until the next one is whole: not where a run fails, at any point, nor where it is killed.
cp "$folder/trace" "$folder/keep"
for options in "--window 4" "--grammar nonsense" "-m $folder/nowhere" "--sampler nonsense" "--prefix $(printf 'word%.0s' {1..99}) --window 16"; do
  # shellcheck disable=SC2086
  generate $options --trace "$folder/keep" hi >/dev/null 2>&1; [ $? == 0 ] && check "fails with $options" "1 or 2" 0
  cmp "$folder/trace" "$folder/keep" || failed=1
done
(ulimit -f 4; generate --trace "$folder/keep" hi >/dev/null 2>"$folder/err"); check "a trace that is too long: status" 1 $?
check "a trace that is too long: message" 1 "$(grep -c 'keep: cannot write: File too large; nothing was replaced' "$folder/err")"
cmp "$folder/trace" "$folder/keep" || failed=1
check "nothing is left beside it" 0 "$(find "$folder" -name '*.part' | wc -l)"
generate --trace "$folder/keep" hi --seed 6 >/dev/null 2>&1; check "the next trace" 1 "$(head -n 1 "$folder/keep" | grep -c '"seed":6,')"
generate -q --trace /dev/stdout hi >"$folder/mixed"; check "into standard output" "{\"event\":\"start\" $(tail -n 1 "$folder/a")" "$(head -c 16 "$folder/mixed") $(tail -n 1 "$folder/mixed")"

# The window of a model whose files name a canvas, of one that names a canvas beyond its positions, of others.
window() { "$program" generate --sampler lad --threads 1 --iterations 1 --json hi "$@" | sed -n 's/.*"start".*"window":\([0-9]*\),.*/\1/p'; }
cp -r $model "$folder/canvas"
sed -i 's/"use_cache"/"canvas_length": 32, "use_cache"/' "$folder/canvas/config.json"
check "a model's own canvas" 32 "$(window -m "$folder/canvas")"
check "a model's own canvas, asked for by 0" 32 "$(window -m "$folder/canvas" --window 0)"
check "another window" 40 "$(window -m "$folder/canvas" --window 40)"
check "a window of no canvas" 256 "$(window -m $model)"
sed -i 's/"canvas_length": 32/"canvas_length": 5000/; s/"max_sequence_length": 256/"max_sequence_length": 100/' "$folder/canvas/config.json"
check "a canvas beyond the model" 100 "$(window -m "$folder/canvas")"

ar=(--sampler ar --seed 1 --top-k 1 --threads 1 -q --json "Where is Paris?")
check "ar: the built-in base without its adapter" "$("$program" generate -m models/tini --adapter none "${ar[@]}" | head -n -1)" \
  "$("$program" generate "${ar[@]}" | head -n -1)"

long=(-m $model --sampler lad --threads 1 --window 250 --iterations 512 --patience 0 --noise-start 1)
# A trace into a pipe, which holds less than that: what is not read keeps the program from coming to its end.
mkfifo "$folder/pipe"
"$program" generate "${long[@]}" --trace "$folder/pipe" hi >"$folder/out" 2>"$folder/err" & pid=$!
{
  while IFS= read -r line && echo "$line" && [[ $line != *'"event":"draft"'* ]]; do :; done
  kill -INT $pid
  cat
} <"$folder/pipe" >"$folder/cut"
wait $pid; check "interrupted" 130 $?
check "interrupted: output" "" "$(cat "$folder/out")"
check "interrupted: trace" 1 "$(tail -n 1 "$folder/cut" | grep -c '"stopped":"cancelled"')"
"$program" replay -q "$folder/cut" >/dev/null || failed=1
check "deadline" 1 "$("$program" generate "${long[@]}" --deadline 0.000001 hi 2>&1 >/dev/null | grep -c 'seconds, deadline')"

if command -v tmux >/dev/null; then
  shows() { t capture-pane -p 2>/dev/null | grep -q "$1"; }
  wait_for() { # wait_for PATTERN: until the terminal shows it
    eventually shows "$1" && return
    printf 'FAILED terminal: no %s in\n%s\n' "$1" "$(t capture-pane -p 2>&1)"
    failed=1
  }
  terminal() { # terminal OPTIONS: generate in a fresh terminal of 110 columns
    t kill-server 2>/dev/null
    number=$((number + 1))
    TERM=xterm t -f /dev/null new-session -d -x 110 -y 20 \
      "before=\$(stty -g); $environment '$program' generate -m $model --sampler lad --window 64 --iterations 6 --patience 0 --seed 5 --threads 1 $*; echo left \$?; [ \$before = \$(stty -g) ] && echo as before; sleep infinity"
  }
  environment="env -u NO_COLOR"
  terminal --step hi
  wait_for "^iteration 0/6, noise .*space next"
  t send-keys Space; wait_for "^iteration 1/6  .*space next"
  check "cursor hidden" 0 "$(t display-message -p '#{cursor_flag}')"
  coloured() { t capture-pane -p -e | grep -q $'\x1b\[3[12]m'; }
  eventually coloured; check "colours" 0 $?
  t send-keys Space; wait_for "^iteration 1/6, noise" # the masks put on the first draft
  t send-keys Space; wait_for "^iteration 2/6  "
  t send-keys q; wait_for "^left 0"; wait_for "cancelled, seed 5"
  check "cursor shown" 1 "$(t display-message -p '#{cursor_flag}')"
  terminal --step hi
  wait_for "^iteration 0/6"; t send-keys C-c; wait_for "^left 130"
  wait_for "^as before"
  check "cursor after Ctrl-C" 1 "$(t display-message -p '#{cursor_flag}')"
  terminal --no-noise --step hi; wait_for "^iteration 0/6"
  iteration=0
  pictures() { t capture-pane -p | grep -c '^iteration'; }
  one_picture() { [ "$(pictures)" == 1 ]; }
  resized() { [ "$(stty -F "$(t display-message -p '#{pane_tty}')" size)" == "$1" ]; }
  for width in 40 100 25; do
    t resize-window -x $width -y 20
    eventually resized "20 $width" # the screen is folded at once, the program hears of it up to a quarter of a second later
    iteration=$((iteration + 1))
    t send-keys Space; wait_for "^iteration $iteration/6"
    eventually one_picture # it may be in the middle of one
    check "one picture at $width columns" 1 "$(pictures)"
  done
  t send-keys q; wait_for "^left 0"; wait_for "^as before"
  terminal --pause 0.05 hi; wait_for "^left 0"
  check "no status line stays" 0 "$(t capture-pane -p | grep -c '^iteration')"
  environment="env NO_COLOR=1"
  terminal --pause 60 hi; wait_for "^iteration 0/6, noise"; wait_for "▒▒" # the film, without colours
  coloured && check "NO_COLOR: no colours" none some
  t send-keys q; wait_for "^left 0"
  for environment in "env NO_COLOR=1" "env -u NO_COLOR TERM=dumb"; do
    terminal hi; wait_for "^left 0"
    check "$environment" 0 "$(t capture-pane -p -e | grep -c $'\x1b\[[0-9;]*m')"
  done
else
  echo "no tmux: the view is not tested"
fi
# longrope: keys of the first set of angles are not kept beside those of the second.
long=$folder/longrope
cp -r tests/golden/models/llama-mha "$long"
sed -i 's#"rope_scaling": null#"rope_scaling": {"rope_type": "longrope", "short_factor": [1, 1, 1, 1], "long_factor": [4, 3, 2, 6], "factor": 4.0, "original_max_position_embeddings": 24}#' "$long/config.json"
for reuse in exact none; do
  for seed in {1..8}; do
    "$program" generate -q -m "$long" --raw --sampler ar --temperature 1.5 --tokens 60 --window 120 --seed $seed --reuse $reuse --no-watch --json 'abcd ab' | tail -n 1 | grep -ao '"ids".*"tokens"'
  done > "$folder/$reuse"
done
check "longrope with and without reuse" "$(cat "$folder/none")" "$(cat "$folder/exact")"
exit $failed
