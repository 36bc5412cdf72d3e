#!/bin/bash
# --engine: the kernels of a card, run by the processor, write what its own engine writes, with every kind of file; what is
# missing for a card is said; the first steps of tools/gpu are tried in their place.
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
. tests/expect.bash
stories=models/stories260K/stories260K.gguf
answer() { "$program" generate -q --no-watch --seed 1 --threads 2 "$@"; }

for model in $stories tests/golden/models/llama-gqa-tied tests/golden/models/qwen3; do
  for options in "--sampler ar --temperature 0" "--sampler ar --top-k 5 --top-p 0.8 --seed 3"; do
    own=$(answer -m $model --precision f32 --tokens 12 $options --raw "Once upon"); check "$model on the processor" 0 $?
    check "$model, $options" "$own" "$(answer -m $model --precision f32 --tokens 12 $options --engine emulated --raw "Once upon")"
  done
done
gated="-m models/tini --window 48 --tokens 6"
check "behind a gate, 8 bits" "$(answer $gated --top-k 1 hello)" "$(answer $gated --top-k 1 --engine emulated hello)"

for engine in cpu emulated; do
  "$program" logits -q -m $stories --precision f32 --ids 1,40,41,42 --engine $engine -o "$folder/$engine.npy"; check "scores by $engine" 0 $?
done
python3 - "$folder/cpu.npy" "$folder/emulated.npy" <<'END'
import array, sys
one, two = (array.array("f", open(p, "rb").read()[128:]) for p in sys.argv[1:])
assert len(one) == len(two) == 4 * 512, (len(one), len(two))
sys.exit(max(abs(a - b) for a, b in zip(one, two)) > 1e-4 * max(map(abs, one)))
END
check "near the processor's" 0 $?

# A loss is computed by what is named, too: the same but for the last digits.
echo '{"prompt":"Hello","answer":"you"}' > "$folder/rows.jsonl"
loss() { "$program" eval -q -m tests/golden/models/llada --precision f32 --threads 1 --task loss --data "$folder/rows.jsonl" --window 40 --json "$@" > "$folder/loss$2"; }
for engine in cpu emulated; do loss --engine $engine; check "a loss by $engine" 0 $?; done
python3 -c 'import json, sys
one, two = (json.load(open(path))["loss"] for path in sys.argv[1:])
sys.exit(abs(one - two) > 1e-4 * one)' "$folder/losscpu" "$folder/lossemulated"
check "a loss by the kernels of a card" 0 $?
REDRAFT_CUDA=$folder/none.so refuses "a loss without a card" 1 "make CUDA=1 builds the library" eval --task loss --data "$folder/rows.jsonl" --window 40 --engine cuda

refuses "an engine that there is not" 2 "unknown engine abacus; there are cuda, cpu and emulated" generate --engine abacus hi
export REDRAFT_CUDA=$folder/none.so
refuses "no library" 1 "make CUDA=1 builds the library" generate --engine cuda hi
own=$(answer -m $stories --tokens 4 Once); check "without a card the processor answers" 0 $?
check "the same" "$(answer -m $stories --tokens 4 --engine cpu Once)" "$own"
REDRAFT_CUDA=$(ldd "$program" | grep -o '/[^ ]*libjansson[^ ]*' | head -1)
refuses "another library" 1 "it is another library" generate --engine cuda hi
unset REDRAFT_CUDA

"$program" bench --shape tini --windows 16 --repeats 1 --answers 0 --engine emulated --json > "$folder/row"; check "bench" 0 $?
check "a device's row has no share of the processor's peak" "0" "$(grep -c peak_fraction "$folder/row")"

# LIMIT: as long as it takes; what never ends is ctest's to end
ENGINE=emulated LIMIT=3600 PROGRAM=$program tools/gpu/check.sh "$folder/check" > "$folder/log" 2>&1 || check "tools/gpu/check.sh" "a report" "$(tail -20 "$folder/log")"
python3 - "$folder/check/check.json" <<'END'
import json, sys
report = json.load(open(sys.argv[1]))
assert report["engine"] == "emulated" and report["failed"] == 0, report
assert {"tests", "logits", "times"} <= set(report), report.keys()
assert all(row["difference"] < row["bound"] for row in report["logits"]), report["logits"]
END
check "what it found" 0 $?
ENGINE=emulated PROGRAM=$program tools/gpu/adapt.sh "$folder/adapted" 1 > "$folder/log" 2>&1 || check "tools/gpu/adapt.sh" "an adapter" "$(tail -20 "$folder/log")"
check "an adapter to bring back" 1 "$(tar -tzf "$folder/adapted/adapter.tar.gz" | grep -c adapter_model.safetensors)"
exit $failed
