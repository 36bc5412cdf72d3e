#!/bin/bash
# Help in its forms: every option of every command's --help is in the manual page and in the shells'
# completion, the page is sound troff, and the completion completes.
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
. tests/expect.bash
"$program" help --man > "$folder/redraft.1"; check "help --man" 0 $?
for shell in bash zsh; do
  "$program" help --completion $shell > "$folder/$shell"; check "help --completion $shell" 0 $?
done
"$program" help > "$folder/list"; check "help" 0 $?
"$program" --help | cmp - "$folder/list"; check "help is --help" 0 $?
refuses "an option in front" 2 "redraft: options go behind the command: redraft COMMAND --json" --json generate hi
check "that alone" 1 "$("$program" --json generate hi 2>&1 | wc -l)"
for name in REDRAFT_MODEL XDG_CACHE_HOME HF_TOKEN SSL_CERT_FILE REDRAFT_CUDA; do
  check "the page has \$$name" 1 "$(grep -c "^.B $name$" "$folder/redraft.1")"
done
"$program" help generate | grep -q 'drawn, and reported \[-1\] (-1..9007199254740992)$' || check "bounds as they may be typed" yes no
commands=$(sed -n 's/^  \([a-z]*\) .*/\1/p' "$folder/list")
[ "$(wc -w <<< "$commands")" -ge 12 ] || check "commands are listed" "12 or more" "$commands"

# The page of a command: what stands between its heading and the next one, and what all share.
sed 's/\\-/-/g; s/\\f[BIR]//g' "$folder/redraft.1" > "$folder/plain"
shared=$(sed -n '/^.SH OPTIONS OF MOST/,/^.SH COMMANDS/p' "$folder/plain")
count=0
for command in $commands; do
  "$program" help "$command" > "$folder/help"; check "help $command" 0 $?
  "$program" "$command" --help | cmp - "$folder/help"; check "help $command is $command --help" 0 $?
  head -1 "$folder/help" | grep -q "^usage: redraft $command" || check "$command: usage" yes no
  page=$shared$(sed -n "/^.SS \"redraft $command[ \"]/,/^.S[SH]/p" "$folder/plain")
  bash_line=$(grep "^        $command) _redraft_words" "$folder/bash")
  zsh_part=$(sed -n "/^    $command)/,/;;/p" "$folder/zsh")
  rows=$(sed '/^Keys below/,$d' "$folder/help" | sed -n 's/^  \(-.,\)\? *\(--[a-z0-9_-]*\).*/\2/p')
  [ -n "$rows" ] || check "$command has options" some none
  for row in $rows; do
    count=$((count + 1))
    grep -q -e "^\(-.,\)\? *$row\($\| \)" <<< "$page" || check "$command $row in the page" yes no
    grep -q -e "[' ]$row[' ]" <<< "$bash_line" || check "$command $row in bash" yes no
    grep -q -F -e "'${row}[" <<< "$zsh_part" || check "$command $row in zsh" yes no
  done
done
[ "$count" -gt 100 ] || check "options seen" "more than 100" "$count"
"$program" help train | sed '1,/^Keys below/d' | grep -q -- ' --[a-z]' && check "keys are no options" none "--"
"$program" help --openapi > /dev/full 2> "$folder/said"
check "help --openapi on a full disk" "1 redraft help: standard output: cannot write" "$? $(cat "$folder/said")"
grep -q '^init.width=' "$folder/plain" || check "keys of the configuration file" yes no

if command -v groff >/dev/null; then
  check "troff" "" "$(groff -man -ww -Tascii -z "$folder/redraft.1" 2>&1)"
fi
command -v zsh >/dev/null && { zsh -n "$folder/zsh"; check "zsh reads it" 0 $?; }

# complete WORD...: what bash offers for the last word
. "$folder/bash"
complete_words() {
  COMP_WORDS=(redraft "$@") COMP_CWORD=$#
  COMPREPLY=()
  _redraft
  echo "${COMPREPLY[*]}"
}
check "commands" "tokenize train" "$(complete_words t)"
check "a choice" "f32" "$(complete_words generate --precision f)"
check "a choice after =" "bf16" "$(complete_words generate --precision = b)"
check "a table" "maskgit margin" "$(complete_words chat --sampler ma)"
check "a letter's value" "tests/cli" "$(complete_words generate -m tests/cl)"
check "a number" "" "$(complete_words generate --seed 1)"
check "options" "--noise-start --noise-clip --noise-level" "$(complete_words generate --noise-)"
check "a flag that is on" "--no-watch" "$(complete_words generate --no-w)"
check "help's commands" "replay" "$(complete_words help re)"

"$program" help nonsense 2>/dev/null; check "an unknown command" 2 $?
"$program" help generate chat 2>/dev/null; check "two commands" 2 $?
"$program" help --man generate 2>/dev/null; check "two at once" 2 $?
"$program" help --completion fish 2>/dev/null; check "an unknown shell" 2 $?
exit $failed
