#!/bin/sh
# What `make demo` runs: the built-in model writes.
set -eu
redraft=$1
"$redraft" generate --no-noise --temperature 0 "What's the capital of France?"
"$redraft" generate --iterations 32 --temperature 0 --seed 1 "What do you know about Amsterdam?"
