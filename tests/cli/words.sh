#!/bin/bash
# What the documents promise a newcomer: the examples of README.md, doc/HOWTO.md and include/redraft.h.
program=$1
folder=$(mktemp -d)
servers=()
trap 'kill "${servers[@]}" 2>/dev/null; rm -rf "$folder"' EXIT
. tests/expect.bash
says() { # says WHAT WORD COMMAND...: the word stands in what it prints
  local found
  found=$("${@:3}" 2>"$folder/err" </dev/null); check "$1: status" 0 $?
  [[ $found == *"$2"* ]] || check "$1" "$2" "$found"
}
shown() { # shown FILE PART: the document's own line with these words, as a command of the program under test
  local line
  line=$(grep -h "^build/redraft.*$2" "$1" | head -n 1 | sed 's/  *#.*//')
  [ "$line" ] || check "$1 shows" "$2" nothing
  echo "${line/build\/redraft/\"$program\"} --threads 1"
}
from() { says "$1: $3" "$2" bash -c "$(shown "$1" "$3")"; }

from README.md "Paris" "capital of France"
from README.md "Netherlands" "about Amsterdam"
from README.md "Tokyo is the capital of Japan" "Where is Tokyo"
from doc/HOWTO.md "Tokyo is the capital of Japan" "Where is Tokyo"
from doc/HOWTO.md "The capital of France is Paris." "The capital of {mask:3} is Paris"
from doc/HOWTO.md "Amsterdam is a city in the Netherlands, a country in Western Europe." "a country in Western Europe"
gaps() { says "gaps: $2" "$2" "$program" generate --threads 1 -q --template "$1" "$3"; }
gaps 'The opposite of "{mask:2}" is "{mask:2}".' 'The opposite of "hot" is "cold".' "What is the opposite of hot?"
gaps "{mask} is larger than {mask}." "7 is larger than 3." "Which is bigger, 7 or 3?"
gaps "{mask:3} is the capital of Japan." "Tokyo is the capital of Japan." "Where is Tokyo?"
says "a suffix" "Paris is the capital of France, a country in Western Europe." "$program" generate --threads 1 -q --suffix ", a country in Western Europe." "Where is Paris?"
says "raw text with a space at its end" " girl who wanted a new hat." "$program" generate --threads 1 -q --raw --suffix " who wanted a new hat." "Once upon a time there was a little "
question="What's the capital of France?"
says "a model by its folder" "Paris" "$program" generate -m models/tini --threads 1 "$question"
says "its base alone" "Paris" "$program" generate -m models/tini --adapter none --threads 1 "$question"
says "refined without its adapter" "" "$program" generate -m models/tini --adapter none --sampler lad --iterations 2 --threads 1 "$question"
check "is warned of" 1 "$(grep -c '^warning: the model was never trained to refine drafts' "$folder/err")"
says "cut short" "" "$program" generate --iterations 1 --seed 1 --threads 1 "$question"
check "is warned of too" 1 "$(grep -c '^warning: the draft was still changing' "$folder/err")"
check "a command's beginning" 1 "$("$program" gen 2>&1 | grep -c 'did you mean generate?')"

# The program at the top of the header, as it stands there.
library=$(dirname "$program")
if command -v cc >/dev/null && [ -e "$library/libredraft.so" ] && ! grep -q __asan_init "$program"; then
  { echo '#include <redraft.h>'; echo '#include <stdio.h>'; echo 'int main(void) {'
    sed -n '/^ \*   rd_error e;/,/^ \*   puts(result/s/^ \* //p' include/redraft.h; echo 'return 0; }'; } >"$folder/top.c"
  cc -Iinclude "$folder/top.c" -L"$library" -lredraft -Wl,-rpath,"$(realpath "$library")" -o "$folder/top"; check "compiles" 0 $?
  says "redraft.h" "Paris" "$folder/top"
else
  echo "skipped: no compiler or no shared library for the program of redraft.h"
fi

serving "$folder/out" "$program" serve -m models/tini --threads 1 --port 0 -q 2>"$folder/log"; servers+=("$server")
says "serve -m models/tini" "Paris" curl -s "$url"v1/chat/completions -d '{"messages":[{"role":"user","content":"What is the capital of France?"}]}'
says "text that goes on" '"finish_reason":"' curl -s "$url"v1/completions -d '{"prompt":"The capital of France","max_tokens":24}'
check "and has words" True "$(curl -s "$url"v1/completions -d '{"prompt":"Once upon a time","max_tokens":24}' | python3 -c "import json,sys; print(len(json.load(sys.stdin)['choices'][0]['text'].split()) > 5)")"
kill -TERM $server; wait $server; check "exit status" 0 $?
exit $failed
