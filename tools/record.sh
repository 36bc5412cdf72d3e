#!/bin/bash
# Recordings of the built-in model at work: doc/answer.svg and doc/describe.svg. Argument: the program.
set -e
cd "$(dirname "$0")/.."
program=$1
trace=$(mktemp)
trap 'rm -f "$trace"' EXIT
record() { # record FILE SECONDS OPTIONS... QUESTION: what the title says is what was run
  local file=$1 pause=$2 question=${*: -1}
  shift 2
  "$program" generate "$@" --threads 1 --trace "$trace" > /dev/null
  "$program" replay --quiet "$trace" --svg "$file" --pause "$pause" \
    --title "redraft generate ${*:1:$#-1} \"$question\""
}
record doc/answer.svg 0.8 --no-noise --temperature 0 --seed 1 "What's the capital of France?"
record doc/describe.svg 0.5 --iterations 12 --temperature 0 --seed 1 "What do you know about Amsterdam?"
