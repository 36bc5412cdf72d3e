#!/bin/bash
# inspect and convert: facts, exit statuses, nothing half done.
set -u
redraft=$1
golden=tests/golden
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0
# expect STATUS TEXT COMMAND...: the command's status, and a text in what it prints
expect() {
  local status=$1 text=$2 found out
  shift 2
  out=$("$redraft" "$@" 2>&1)
  found=$?
  if [ "$found" != "$status" ] || [[ $out != *"$text"* ]]; then
    echo "redraft $*: expected status $status and \"$text\", found $found and: $out"
    failed=1
  fi
}
expect 0 'mask        <|mask|> (285)' inspect $golden/models/llama-mha --check
expect 0 '"family":"llada"' inspect $golden/models/llada --json
expect 0 'Q4_K' inspect $golden/gguf/llama-quant.gguf
expect 0 'model.norm.weight' inspect $golden/models/llama-mha --tensors
expect 0 'adapter     LoRA of rank 4, alpha 8' inspect $golden/adapters/qwen3-qv
cp -r $golden/models/qwen2 "$folder/denoiser"
sed -i 's/"use_cache"/"shift_logits": true, "attention_block": 4, "canvas_length": 32, "use_cache"/' "$folder/denoiser/config.json"
expect 0 'attention   in blocks of 4, logits shifted by one' inspect "$folder/denoiser"
expect 0 'canvas      32 tokens' inspect "$folder/denoiser"
expect 0 '"window":32' inspect "$folder/denoiser" --json
expect 0 '"window":40' inspect "$folder/denoiser" --json --window 40
expect 1 'config.json: no such file' inspect "$folder"
# an adapter whose base is still to be fetched says by what
mkdir "$folder/unfetched" && cp -r models/smol/redraft.json models/smol/adapter "$folder/unfetched"
expect 1 '`make smol` fetches them' inspect "$folder/unfetched"
expect 1 '`make smol` fetches them' generate -m "$folder/unfetched" Hello
expect 2 'unexpected argument' inspect a b
expect 2 "one at a time: b, or -m a" inspect -m a b
expect 2 "--window 300 is beyond the model's 256 positions" inspect $golden/models/llama-mha --window 300
expect 2 '--window means nothing to what is no model' inspect $golden/adapters/qwen3-qv --window 30
REDRAFT_MODEL='' expect 0 'model       tini' inspect
REDRAFT_MODEL=$golden/nowhere expect 1 "\$REDRAFT_MODEL: $golden/nowhere: no such file or folder" tokenize Hello
REDRAFT_MODEL=$golden/models expect 1 "\$REDRAFT_MODEL: $golden/models/config.json" generate Hello
REDRAFT_MODEL=$golden/nowhere expect 0 'model       llama-mha' inspect $golden/models/llama-mha
expect 0 'redraft: llama-mha: llama, 0.0 M parameters, adapter none, f32 arithmetic (' generate -v --no-watch --threads 1 -m $golden/models/llama-mha --tokens 2 --sampler ar a
expect 2 '-o PATH is needed' convert -m $golden/models/llama-mha
expect 2 '--output: an empty path; name PATH' convert -m $golden/models/llama-mha -o ''
expect 2 '--adapter: an empty path; name DIR' inspect $golden/models/llama-mha --adapter ''
expect 2 '--out: an empty path; name DIR' train --out ''
expect 2 '--model: an empty path; name PATH' inspect ''
expect 2 '--model: an empty path; name PATH' adapt '' -o "$folder/x"
expect 2 'an empty path names no file' train ''
expect 2 '--merge needs --adapter DIR' convert -m $golden/models/llama-mha --merge -o "$folder/x"
expect 0 '' convert -m $golden/models/llama-mha --adapter none --to bf16 -q -o "$folder/plain"
expect 2 '--precision means nothing to convert' convert -m $golden/models/llama-mha --precision bf16 -o "$folder/x"
expect 2 '--json means nothing to convert' convert -m $golden/models/llama-mha --json -o "$folder/x"
expect 2 'takes --merge' convert -m $golden/models/llama-mha --adapter $golden/adapters/llama-mha-qv -o "$folder/x"
expect 0 '' convert --adapter $golden/adapters/llama-mha-norms --to bf16 -o "$folder/narrow"
expect 2 'already holds an adapter' convert --adapter $golden/adapters/llama-mha-norms --to bf16 -o "$folder/narrow"
expect 2 '--mask-token means nothing to an adapter that is itself written' convert --adapter $golden/adapters/llama-mha-qv --to f16 --mask-token foo -o "$folder/x"
expect 2 '--chat-template means nothing to an adapter that is itself written' convert --adapter $golden/adapters/llama-mha-qv --to f16 --chat-template chatml -o "$folder/x"
expect 1 'adapter_config.json: cannot open' convert --adapter "$folder/none" --to bf16 -o "$folder/x"
expect 0 '' convert -m $golden/models/llama-mha --adapter $golden/adapters/llama-mha-qv --merge --to bf16 -o "$folder/merged"
expect 0 'stored      BF16' inspect "$folder/merged"
expect 2 'already holds a model' convert -m $golden/models/llama-mha -o "$folder/merged"
mkdir "$folder/there" && cp $golden/gguf/llama-gqa-tied.gguf "$folder/there"
expect 2 'there already holds a model' convert -m "$folder/there" -o "$folder/there"
# no file is written over, and what is written opens by its name
mkdir "$folder/some" && echo mine > "$folder/some/tokenizer.json"
expect 2 "some already holds a model's tokenizer.json; name another folder" convert -m $golden/models/llama-mha -o "$folder/some"
expect 2 "some already holds an adapter's tokenizer.json; name another folder" convert --adapter $golden/adapters/llama-mha-qv --to bf16 -o "$folder/some"
[ "$(ls "$folder/some") $(cat "$folder/some/tokenizer.json")" = "tokenizer.json mine" ] || { echo "a file was written over"; failed=1; }
mkdir "$folder/void"
expect 0 '' convert -m $golden/models/llama-mha -q -o "$folder/void"
expect 2 "-o $folder/x: a GGUF file opens by its ending alone: -o $folder/x.gguf" convert -m $golden/models/llama-mha --gguf -o "$folder/x"
expect 2 "-o $folder/x.gguf: without --gguf a folder is written" convert -m $golden/models/llama-mha -o "$folder/x.gguf"
expect 2 "-o $folder/x.gguf: without --gguf a folder is written" convert --adapter $golden/adapters/llama-mha-qv --to bf16 -o "$folder/x.gguf"
# what types cannot be is said in a line
expect 0 'matrices stay F32: their rows (48 numbers in the first) are no whole blocks of 32, as Q' convert -m $golden/models/qwen2 --gguf --to q4_0 -o "$folder/wide.gguf"
expect 0 'stored in types that are read and not written; they are narrowed (the first from Q' convert -m $golden/gguf/llama-quant.gguf -o "$folder/unquantised"
said=$("$redraft" convert -m $golden/models/llama-mha -o "$folder/plainly" 2>&1)
[ -z "$said" ] || { echo "nothing to say, and said: $said"; failed=1; }
# a number that is none: in the model, and in the adapter alone
none() { # none FILE: its first tensor's first number, of 32 bits
  python3 -c 'import struct, sys
with open(sys.argv[1], "r+b") as f:
    f.seek(8 + struct.unpack("<Q", f.read(8))[0])
    f.write(struct.pack("<f", float("nan")))' "$1"
}
cp -r $golden/adapters/llama-mha-qv "$folder/torn" && none "$folder/torn/adapter_model.safetensors"
expect 0 'adapter     rank' inspect $golden/models/llama-mha --adapter $golden/adapters/llama-mha-qv --check
expect 1 'adapter '"$folder/torn: tensor" inspect $golden/models/llama-mha --adapter "$folder/torn" --check
expect 1 'is NaN or infinite' inspect "$folder/torn" --check
expect 1 'is NaN or infinite' convert --adapter "$folder/torn" --to bf16 -o "$folder/x"
expect 1 'is NaN or infinite' convert -m $golden/models/llama-mha --adapter "$folder/torn" --merge --to f32 -o "$folder/x"
cp -r $golden/models/llama-mha "$folder/holed" && none "$folder/holed/model.safetensors"
expect 1 'element 0 is NaN or infinite' convert -m "$folder/holed" --gguf --to q8_0 -o "$folder/x.gguf"
expect 1 'README.md: no kind of file that holds a model' inspect README.md
# a conversion that has no room leaves the folder as it was, and can be made again
again() { # again LIMIT FOLDER ARGUMENTS...: by a limit in blocks, then without one
  local blocks=$1 out=$2 before said
  shift 2
  before=$(ls "$out" 2>&1)
  said=$( (ulimit -f "$blocks"; exec "$redraft" convert "$@" -o "$out") 2>&1) && { echo "convert $*: no limit"; failed=1; }
  [[ $said == *"cannot write"* ]] || { echo "convert $*: $said"; failed=1; }
  [ "$(ls "$out" 2>&1)" = "$before" ] || { echo "convert $* left $(ls "$out")"; failed=1; }
  expect 0 '' convert "$@" -o "$out"
}
mkdir "$folder/kept" && echo mine > "$folder/kept/README.md"
again 200 "$folder/again" -m models/stories260K/stories260K.gguf --to f32
again 200 "$folder/kept" -m models/stories260K/stories260K.gguf --to f32
# where the last file is the one that there is no room for
noted() { # noted FROM NAME: a copy of a folder with 300 KB of a note in its settings
  cp -r "$1" "$folder/noted" && python3 -c 'import json, sys
with open(sys.argv[1], "r+") as f:
    settings = {**json.load(f), "note": "." * 300000}
    f.seek(0)
    json.dump(settings, f)' "$folder/noted/$2"
}
noted $golden/models/llama-mha config.json
mkdir "$folder/noted/additional_chat_templates" && echo '{{ 1 }}' > "$folder/noted/additional_chat_templates/tool_use.jinja"
again 200 "$folder/settings" -m "$folder/noted" --to f16
rm -r "$folder/noted"
noted $golden/adapters/llama-mha-qv adapter_config.json
again 200 "$folder/factors" --adapter "$folder/noted" --to bf16
[ "$(cat "$folder/kept/README.md")" = mine ] || { echo "convert took another's file away"; failed=1; }
expect 0 '' convert -m $golden/gguf/llama-gqa-tied.gguf -o "$folder/gguf"
expect 0 "$("$redraft" tokenize -m $golden/gguf/llama-gqa-tied.gguf 'the capital, is')" tokenize -m "$folder/gguf" 'the capital, is'
[ -e "$folder/x" ] || [ -e "$folder/x.gguf" ] && echo "a refused conversion left a folder" && failed=1
# on a terminal the weights that are made are counted, and the line goes; elsewhere nothing is said
make="$redraft generate -m models/tini --precision f32 --iterations 1 --tokens 1 hi"
script -qec "$make" /dev/null >"$folder/seen" 2>&1 </dev/null
grep -q 'models/tini \[=* *\] [0-9]*% of [0-9][0-9]* MB' "$folder/seen" || { echo "no bar while tini is made f32"; failed=1; }
grep -q '=\] 100% of' "$folder/seen" || { echo "the bar does not come to its end"; failed=1; }
$make 2>&1 >"$folder/seen" | grep -q '% of' && { echo "a bar where no terminal is"; failed=1; }
script -qec "$make -q" /dev/null </dev/null 2>&1 | grep -q '% of' && { echo "a bar in spite of --quiet"; failed=1; }
# what is written anew says which class opens it elsewhere
"$redraft" convert -m models/stories260K/stories260K.gguf -o "$folder/from-gguf" >/dev/null 2>&1
grep -q '"LlamaForCausalLM"' "$folder/from-gguf/config.json" || { echo "no architectures in the config.json of a converted GGUF"; failed=1; }
# What a folder says of its prompts goes where its weights go; what it asks of generation and nobody does here is named.
mkdir -p "$folder/asks/additional_chat_templates"
cp $golden/models/llama-mha/* "$folder/asks"
echo '{"chat_template": "{{ messages[0].content }}"}' > "$folder/asks/chat_template.json"
echo '{{ messages[0].content }}' > "$folder/asks/additional_chat_templates/tool_use.jinja"
sed -i 's/"use_cache"/"dtype": "float32", "use_cache"/' "$folder/asks/config.json"
echo '{"repetition_penalty": 1.05, "num_beams": 1, "do_sample": true, "top_k": 20, "suppress_tokens": []}' > "$folder/asks/generation_config.json"
expect 0 'asks for what is not done here: repetition_penalty, top_k (here --top-k)' generate -m "$folder/asks" --sampler ar --tokens 1 --threads 1 hi
while IFS='|' read -r asked named; do
  echo "$asked" > "$folder/asks/generation_config.json"
  expect 0 "$named" generate -m "$folder/asks" --sampler ar --tokens 1 --threads 1 hi
done <<'EOF'
{"do_sample": true}|not done here: do_sample (here --temperature 1)
{"stop_strings": "x", "forced_bos_token_id": 1, "forced_eos_token_id": [2]}|not done here: forced_bos_token_id, forced_eos_token_id, stop_strings
{"exponential_decay_length_penalty": [5, 1.1], "watermarking_config": {"bias": 2}, "max_time": 3}|not done here: exponential_decay_length_penalty, watermarking_config, max_time (here --deadline)
{"do_sample": true, "top_h": 0.4, "temperature": 1}|not done here: top_h, temperature (here --temperature)
EOF
echo '{"max_new_tokens": 7, "max_length": 20, "temperature": 0.5, "steps": 5, "top_h": 0.4}' > "$folder/asks/generation_config.json"
"$redraft" generate -m "$folder/asks" --sampler ar --tokens 1 --threads 1 hi 2>&1 | grep -q 'not done here' && { echo "what has no effect is named"; failed=1; }
mkdir "$folder/dreams"
cp $golden/models/dream/* "$folder/dreams"
echo '{"temperature": 0.2, "top_p": 0.95, "steps": 512, "alg": "entropy", "alg_temp": 0}' > "$folder/dreams/generation_config.json"
expect 0 'not done here: temperature (here --temperature), top_p (here --top-p), steps (here --iterations), alg (here --sampler), alg_temp (here --alg-temp)' \
  generate -m "$folder/dreams" --iterations 1 --tokens 1 --threads 1 hi
expect 0 '' convert -m "$folder/asks" --to f16 -o "$folder/asked" -q
cmp "$folder/asks/chat_template.json" "$folder/asked/chat_template.json" || failed=1
cmp "$folder/asks/additional_chat_templates/tool_use.jinja" "$folder/asked/additional_chat_templates/tool_use.jinja" || failed=1
grep -q '"dtype": *"float16"' "$folder/asked/config.json" || { echo "config.json keeps another type"; failed=1; }
# A mask that is no word is named where one is needed, and when the model is opened.
mkdir "$folder/lost"
cp $golden/models/llama-mha/* "$folder/lost"
python3 - "$folder/lost" <<'EOF'
import json, sys
for name in ("config.json", "tokenizer_config.json"):
    path = sys.argv[1] + "/" + name
    keys = {k: v for k, v in json.load(open(path)).items() if not k.startswith("mask_token")}
    json.dump({**keys, **({"mask_token": "<Y>"} if name != "config.json" else {})}, open(path, "w"))
EOF
expect 2 'tokenizer_config.json names mask_token "<Y>", which is no word of this tokenizer, and --sampler lad needs a mask token' \
  generate -m "$folder/lost" --sampler lad --tokens 1 --threads 1 -q hi
expect 0 'names mask_token "<Y>", which is no word of this tokenizer' generate -m "$folder/lost" --sampler ar --tokens 1 --threads 1 hi
# Trained rows of words in 16 bits; settings whose tensors are missing.
"$redraft" convert --adapter $golden/peft/tokens-apart-adapter --to bf16 -o "$folder/words16" -q
for a in "$folder/words16" $golden/peft/tokens-apart-adapter; do
  expect 0 '' logits -m $golden/peft/tied --adapter "$a" --precision f32 --ids 3,17,42,5 -o "$folder/logits-$(basename "$a").npy"
done
python3 - "$folder"/logits-*.npy <<'EOF' || { echo "rows of words in bf16 are others than in f32"; failed=1; }
import array, sys
a, b = (array.array("f", open(path, "rb").read()[128:]) for path in sys.argv[1:])
sys.exit(not (len(a) == len(b) > 0 and max(abs(x - y) for x, y in zip(a, b)) < 0.02))
EOF
cp -r $golden/peft/plain-adapter "$folder/lacking"
sed -i 's/"target_modules"/"trainable_token_indices": [3], "target_modules"/' "$folder/lacking/adapter_config.json"
expect 1 'trainable_token_indices names words, of which' inspect $golden/peft/llama --adapter "$folder/lacking"
exit $failed
