#!/bin/bash
# redraft mend: words that come back; what is likely stays as it is.
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
. tests/expect.bash
mends() { # mends WRONG RIGHT ARGUMENTS...
  check "mend: $1" "$2" "$(printf '%s\n' "$1" | "$program" mend --threads 1 -q "${@:3}")"
}
europe="The capital of France is Paris, a city in Western Europe."
mends "The capital of France is Paris, a city in Western Banana." "$europe" -p "What is the capital of France?"
mends "The capital of France is Rome, a city in Western Europe." "$europe" -p "What is the capital of France?"
mends "$europe" "$europe" -p "What is the capital of France?"
mends 'The opposite of "hot" is "banana".' 'The opposite of "hot" is "cold".' -p "What is the opposite of hot?"
mends "The sun was shining and the birds where singing." "The sun was shining and the birds were singing."
printf 'Once upon a time there was a dog.\n\nThe sun was shining and the birds where singing.' >"$folder/text"
"$program" mend --threads 1 "$folder/text" >"$folder/out" 2>"$folder/said"; check "a file" 0 $?
check "its lines" "Once upon a time there was a dog.||The sun was shining and the birds were singing.|" "$(tr '\n' '|' <"$folder/out")"
check "what was rewritten" 1 "$(grep -c '^3: where (one in [0-9]*) -> were$' "$folder/said")"
"$program" mend --threads 1 --show "$folder/text" 2>"$folder/said" | cmp - <(cat "$folder/text"; echo) || failed=1
check "shown" 1 "$(grep -c '^3: where (one in [0-9]*)$' "$folder/said")"
"$program" mend --threads 1 --json "$folder/text" >"$folder/json"; check "JSON" 0 $?
check "JSON: the words" "3 [('where', 'were')]" "$(tail -1 "$folder/json" | python3 -c '
import json, sys
r = json.load(sys.stdin)
print(r["line"], [(w["word"], w["instead"]) for w in r["words"] if w["instead"]])')"
check "another number of threads" "$(cat "$folder/out")" "$("$program" mend --threads 2 -q "$folder/text")"
mends "" ""
printf 'Paris.\n\n\n' >"$folder/blank"
"$program" mend --threads 1 -q --show <"$folder/blank" | cmp - "$folder/blank" || failed=1
"$program" mend --threads 1 -q --show "$folder/blank" | cmp - "$folder/blank" || failed=1
printf 'Caf\xe9 au lait is nice.\n' >"$folder/latin"
refuses "no UTF-8" 1 "$folder/latin" mend --show "$folder/latin"
printf 'word %.0s' {1..300} >"$folder/long"
# In a paragraph of 2045 of the model's 2048 positions words become longer as far as there is room.
python3 - >"$folder/full" <<'PYTHON'
whole, odd = "The little dog was happy and the cat was sad.", "The little dog was happy q the cat was sad."
print(" ".join([whole, whole, odd, whole, odd, whole, odd] + [whole] * 137) + " dog" * 13)
PYTHON
"$program" mend -m models/stories260K/stories260K.gguf --unlikely 0.0001 -n 8 --threads 1 -q "$folder/full" >"$folder/out"; check "no room left" 0 $?
check "no room left: every odd place is another" 0 "$(grep -c 'happy q the' "$folder/out")"
# A signal ends it before the next line; what was printed is there, to its last line.
for signal in INT:130 TERM:-15; do
  check "mend: SIG${signal%:*}" "${signal#*:} True True" "$(python3 - "$program" "$folder/many" "${signal%:*}" <<'PYTHON'
import signal, subprocess, sys
program, path, name = sys.argv[1:]
line = b"Once upon a time there was a dog.\n"
open(path, "wb").write(line * 20000)
p = subprocess.Popen([program, "mend", "--threads", "1", "-q", "--show", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
p.stdout.readline()
p.send_signal(getattr(signal, "SIG" + name))
rest = p.stdout.read()
print(p.wait(), rest == line * (len(rest) // len(line)), len(rest) < 19999 * len(line))
PYTHON
)"
done
refuses "a long line" 2 "line 1: a paragraph of" mend "$folder/long"
refuses "a model that sees both sides" 2 "does not read from left to right" mend -m tests/golden/models/llada "$folder/text"
refuses "no file" 1 "no such file; a text itself comes on standard input" mend "$folder/none"
refuses "a dash" 2 "without a name standard input is read" mend -
exit $failed
