#!/bin/bash
# redraft chat: a script of turns and commands, and a person at a terminal who presses Ctrl-C.
program=$1
model=tests/golden/models/llada
folder=$(mktemp -d)
trap 'tmux kill-server 2>/dev/null; rm -rf "$folder"' EXIT
. tests/expect.bash
export TMUX_TMPDIR=$folder
chat() { "$program" chat -m $model --sampler lad --window 120 --tokens 20 --iterations 3 --seed 4 --threads 1 "$@"; }
script() { printf '%s\n' "$@" | chat >"$folder/out" 2>"$folder/err"; }

script hi "more words here" /retry "and more words to ask" "/save $folder/saved"; check "script" 0 $?
check "seeds" "seed 4 seed 4 seed 5 seed 5" "$(grep -o 'seed [0-9]*' "$folder/err" | paste -sd' ')"
check "trimmed, and said so" 1 "$(grep -c 'no room for the oldest 2 of 5 turns' "$folder/err")"
cp -r $model "$folder/canvas"
sed -i 's/"use_cache"/"canvas_length": 120, "use_cache"/' "$folder/canvas/config.json"
printf '%s\n' hi "more words here" "and more words to ask" |
  "$program" chat -m "$folder/canvas" --sampler lad --tokens 20 --iterations 3 --seed 4 --threads 1 >/dev/null 2>"$folder/own"
check "trimmed to the model's own canvas" 1 "$(grep -c 'window of 120 tokens has no room for the oldest 2 of 5 turns' "$folder/own")"
check "roles" "user assistant user assistant user assistant" \
  "$(grep -o '"role":"[a-z]*"' "$folder/saved" | cut -d'"' -f4 | paste -sd' ')"
check "saved what was asked" 1 "$(grep -c '"content":"and more words to ask"' "$folder/saved")"
# Lines as other systems end them, and blanks behind.
printf 'hi\r\n/settings iterations 2 \r\n/save %s\r\n/quit\r\n' "$folder/crlf" | chat >/dev/null 2>"$folder/err"; check "CRLF" 0 $?
check "CRLF: saved" 1 "$(grep -c '"content":"hi"' "$folder/crlf")"
printf 'hi\0there\n' | chat -q >/dev/null 2>"$folder/err"; check "a NUL" 1 $?
chat -q <"$folder" >/dev/null 2>&1; check "a folder as input" 1 $?
# A form in a file, and what there is to choose from.
echo '{"enum": ["yes", "no"]}' >"$folder/form.json"
script "/settings sampler help" "/settings grammar json-schema:$folder/form.json" hi; check "a form in a file" 0 $?
check "samplers listed" 1 "$(grep -c '^low-confidence ' "$folder/out")"
check "an answer of the form" 1 "$(grep -cE '^"(yes|no)"$' "$folder/out")"
script "/settings iterations 2" "/settings iterations" hi; check "settings" 0 $?
check "setting shown" "2 2" "$(awk '$1 == "iterations" { print $2 }' "$folder/out" | paste -sd' ')"
check "setting used" 1 "$(grep -c ' 2 iterations' "$folder/err")"
script "/settings iterations 2" "/settings iterations default" "/settings"
check "default" 64 "$(awk '$1 == "iterations" { print $2 }' "$folder/out" | tail -n 1)"
check "all options" 1 "$(grep -c '^noise-start ' "$folder/out")"
# A trace is the latest answer's; an earlier one stays until there is one.
printf '%s\n' hi there | chat -q --trace "$folder/trace" >/dev/null; check "a trace" 0 $?
check "a trace of one answer" "1 1" "$(grep -c '"event":"start"' "$folder/trace") $(grep -c '"event":"done"' "$folder/trace")"
"$program" replay --check --threads 1 -m $model "$folder/trace" >/dev/null; check "a trace made again" 0 $?
cp "$folder/trace" "$folder/keep"
chat -q --trace "$folder/keep" </dev/null; check "a chat without an answer" 0 $?
cmp "$folder/trace" "$folder/keep" || failed=1
printf '%s\n' hi there | chat -q --trace /dev/stdout | grep -c '"event":"done"' >"$folder/count"; check "a stream of traces" 2 "$(cat "$folder/count")"
script /help; check "help" 1 "$(grep -c '^/settings ' "$folder/out")"
printf '%s\n' /help /settings "/settings sampler help" hi | chat --json -q >"$folder/out" 2>"$folder/err"; check "with --json" 0 $?
check "with --json: events alone" 0 "$(grep -vc '^{"event":' "$folder/out")"
check "with --json: text for people" "1 1 1" "$(grep -c '^/settings ' "$folder/err") $(grep -c '^noise-start ' "$folder/err") $(grep -c '^low-confidence ' "$folder/err")"
script /quit hi; check "quit" "" "$(cat "$folder/out")"
for line in "/settings iterations 0" "/settings nonsense 1" "/settings model x" /nonsense /retry /save; do
  script "$line" hi; check "$line" 2 $?
  check "$line: nothing asked" "" "$(cat "$folder/out")"
done
echo hi | "$program" chat -m $model --chat-template nonsense 2>/dev/null; check "template" 2 $?

if command -v tmux >/dev/null; then
  shows() { [ "$(tmux capture-pane -p 2>/dev/null | grep -c "$1")" -ge "$2" ]; }
  wait_for() { # wait_for PATTERN [LINES]: until the terminal shows it
    eventually shows "$1" "${2:-1}" && return
    printf 'FAILED terminal: no %s in\n%s\n' "$1" "$(tmux capture-pane -p 2>&1)"
    failed=1
  }
  keys() { tmux send-keys "$@"; }
  ask() { wait_for '^> *$'; keys "$@"; } # at a fresh prompt
  TERM=xterm tmux -f /dev/null new-session -d -x 110 -y 40 "env -u NO_COLOR '$program' chat -m $model --sampler lad --window 250 --tokens 20 --seed 4 --patience 0 --iterations 2 --threads 1; echo left \$?; sleep infinity"
  ask "hé 日本" Enter; wait_for "2 iterations.*seed 4"
  ask "/settings pause 3600" Enter; wait_for "^pause  *3600"
  ask "again" Enter; wait_for "^iteration 0/2, noise"
  keys C-c; wait_for "0 iterations.*cancelled"
  ask "unfinished"; wait_for "> unfinished"
  keys C-c; ask "/settings patience 9x" Enter; wait_for "^--patience.*9x"
  ask "/settings pause 0" Enter; wait_for "^pause  *0"
  ask Up Up Enter; wait_for "^--patience.*9x" 2
  ask "/save $folder/typed" Enter; wait_for "2 turns in"
  check "typed" 1 "$(grep -c '"content":"hé 日本"' "$folder/typed")"
  ask C-d; wait_for "^left 0"
else
  echo "no tmux: typing is not tested"
fi
exit $failed
