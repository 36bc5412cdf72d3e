#!/bin/bash
# Real checkpoints that nobody here made: stories260K at temperature 0 writes the text that llama2.c publishes for it,
# to the letter, from the GGUF; tinystories-656k (a Hugging Face folder) goes on with a story.
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
set -e
"$program" generate -q --sampler ar --temperature 0 --tokens 200 --raw \
  -m models/stories260K/stories260K.gguf "" >"$folder/story"
printf '%s\n' "$(cat models/stories260K/expected_greedy_200.txt)" >"$folder/expected"
cmp "$folder/story" "$folder/expected"

model=../shared/data/models/tinystories-656k
if [ -d "$model" ]; then
  "$program" generate -q --sampler ar --temperature 0 --tokens 40 --raw -m "$model" \
    "Once upon a time" >"$folder/story"
  grep -q "little girl named Lily" "$folder/story"
else
  echo "skipped: $model is not there"
fi
