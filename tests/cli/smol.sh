#!/bin/bash
# A parent that nobody here made, with its drafting adapter (models/smol): checked answers are its own, to the token; the first
# block drafted at once, and the first branch, are those that tools/gpu computes in PyTorch. Needs the parent: `make smol`, or ../shared.
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
. tests/expect.bash
name=SmolLM2-135M-Instruct.Q4_1.gguf
parent=models/smol/$name
[ -f "$parent" ] || parent=../shared/data/models/smollm2-135m-instruct/$name
if [ ! -f "$parent" ]; then
  echo "skipped: $name is not there (make smol)"
  exit 77
fi
ids() { # ids PRECISION TOKENS ARGUMENTS...: the answer's, and how many drafted words were accepted
  "$program" generate -m "$parent" --adapter models/smol/adapter --precision "$1" --threads 1 --seed 1 --tokens "$2" --json "${@:3}" |
    tail -1 >"$folder/done"
  python3 -c 'import json,sys; r=json.load(open(sys.argv[1])); print(*r["ids"]); print(r.get("accepted", 0), file=sys.stderr)' "$folder/done" \
    2>"$folder/accepted"
}
for precision in f32 bf16; do
  for prompt in "What is the capital of France?" "Why is the sky blue?"; do
    own=$(ids $precision 20 --sampler ar "$prompt")
    check "$prompt in $precision" "$own" "$(ids $precision 20 --block-length 4 "$prompt")"
    [ "$(cat "$folder/accepted")" -gt 0 ] || check "some drafts are right" more 0
  done
done
# Refined with the base's lead: its own words, in fewer iterations.
check "refined" "$(ids bf16 20 --sampler ar "Why is the sky blue?")" "$(ids bf16 20 --sampler lad --no-noise "Why is the sky blue?")"
check "and sooner" yes "$(python3 -c 'import json,sys; r=json.load(open(sys.argv[1])); print("yes" if r["iterations"] < len(r["ids"]) else r)' "$folder/done")"
check "a block at once" "504 3575 282 4649 4649 314 28 28" \
  "$(ids f32 8 --sampler threshold --threshold 0 "What is the capital of France?")"
# A branch behind the prompt with the sampler head, as tools/gpu/branches.py's layout gives it in float32.
"$program" generate -m "$parent" --adapter models/smol/adapter --precision f32 --threads 1 --seed 1 --tokens 8 --json --verify --block-length 4 \
  "What is the capital of France?" >"$folder/events"
check "a branch and what the check adds" "504 3575 282 4649 28|504 3575 282 4649 314 7042 30" \
  "$(python3 -c 'import json, sys
print("|".join(" ".join(map(str, r["ids"])) for r in map(json.loads, open(sys.argv[1])) if r["event"] == "draft" and r["drafted"]))' "$folder/events")"
exit $failed
