#!/bin/bash
# A mask word, a chat template and a system message chosen for a model whose files name none: training
# takes them, what training leaves remembers them, and an option given again wins.
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
. tests/expect.bash
for i in $(seq 8); do echo '{"prompt":"ab","answer":"cd ef"}'; done > "$folder/rows.jsonl"
"$program" convert -q -m models/stories260K/stories260K.gguf -o "$folder/stories"; check "a folder" 0 $?
sized="--data $folder/rows.jsonl --batch 2 --updates 2 --held-out 0 --validate-rows 0 --threads 1 -q"
stories="--model $folder/stories --window 24 $sized"
chosen="--chat-template plain --mask-token Z"
id=$("$program" tokenize -m "$folder/stories" Z | awk '{print $NF}')
answer() { "$program" generate --no-watch -q --window 24 --seed 1 --threads 1 "$@" ab 2> "$folder/messages"; }

refuses "no mask" 1 "with mask_token (--mask-token WORD)" train $stories --lora-rank 2 --out "$folder/x"
refuses "no template" 1 "choose one with --chat-template" train $stories --lora-rank 2 --out "$folder/x" --mask-token Z
refuses "many tokens" 1 "a word that is exactly one is needed" train $stories --out "$folder/x" --mask-token "two words"
refuses "the end" 2 "is the token that ends answers" train $stories --out "$folder/x" --mask-token "</s>"
refuses "an unknown template" 2 "unknown chat template plane; there are" train $stories --out "$folder/x" --chat-template plane

# an adapter: redraft.json lies beside PEFT's own files, which name no mask
"$program" train $stories $chosen --lora-rank 2 --out "$folder/lora"; check "an adapter" 0 $?
check "remembered" '{"mask_token_id":'$id',"chat_template":"plain","denoiser":true}' "$(tr -d ' \n' < "$folder/lora/final/redraft.json")"
check "not in PEFT's file" 0 "$(grep -c mask "$folder/lora/final/adapter_config.json")"
answer -m "$folder/stories" --sampler lad; check "the model alone has no mask" 2 $?
answer -m "$folder/stories" > /dev/null; check "it writes from left to right" 0 $?
alone=$(answer -m "$folder/stories" --adapter "$folder/lora/final"); check "the adapter alone says it" 0 $?
check "an option that says the same" "$alone" "$(answer -m "$folder/stories" --adapter "$folder/lora/final" $chosen)"
other=$(answer -m "$folder/stories" --adapter "$folder/lora/final" --mask-token X); check "another word" 0 $?
[ "$other" != "$alone" ] || check "an option wins" "another answer" "$other"
# what goes on from it, or is made of it, remembers too
"$program" train $stories --adapter "$folder/lora/final" --out "$folder/on"; check "trained on" 0 $?
cmp "$folder/lora/final/redraft.json" "$folder/on/final/redraft.json"; check "it remembers" 0 $?
"$program" convert -q --adapter "$folder/lora/final" --to bf16 -o "$folder/half"; check "in another type" 0 $?
cmp "$folder/lora/final/redraft.json" "$folder/half/redraft.json"; check "it too" 0 $?
"$program" convert -q -m "$folder/stories" --adapter "$folder/lora/final" --merge -o "$folder/merged"; check "merged" 0 $?
check "a merged model is told by config.json" 1 "$(grep -c "\"mask_token_id\": $id" "$folder/merged/config.json")"
check "it answers the same" "$alone" "$(answer -m "$folder/merged")"
"$program" convert -q -m "$folder/stories" --mask-token Z -o "$folder/named"; check "a model with a word" 0 $?
check "which config.json names" 1 "$(grep -c "\"mask_token_id\": $id" "$folder/named/config.json")"
echo '{"mask_token_id": 512}' > "$folder/half/redraft.json"
refuses "a mask beyond the vocabulary" 1 "mask_token_id 512, the vocabulary has 512" generate -m "$folder/stories" --adapter "$folder/half" ab

# all weights, from YAML; the tokenizer goes with them
printf 'model: "%s"\ndata: ["%s"]\nout: "%s"\nmask_token: Z\nchat_template: plain\ntrainable: all\n' \
  "$folder/stories" "$folder/rows.jsonl" "$folder/all" > "$folder/all.yaml"
"$program" train "$folder/all.yaml" --window 24 --batch 2 --updates 2 --held-out 0 --threads 1 -q; check "all weights" 0 $?
check "in config.json" 1 "$(grep -c "\"mask_token_id\": $id" "$folder/all/final/config.json")"
check "in the run's config.yaml" 'mask_token: "Z"' "$(grep mask_token "$folder/all/config.yaml")"
answer -m "$folder/all/final" > /dev/null; check "it answers" 0 $?

# The vocabulary of llama2.c, which no other file stands in for: 259 tokens, then letters.
python3 - "$folder" <<'END'
import os, struct, sys
folder = sys.argv[1] + "/binary"
os.mkdir(folder)
words = [b"<unk>", b"\n<s>\n", b"\n</s>\n"] + [b"<0x%02X>" % i for i in range(256)] + [b" "] + [bytes([c]) for c in range(97, 123)]
with open(folder + "/tokenizer.bin", "wb") as out:
    out.write(struct.pack("<i", max(map(len, words))))
    for i, word in enumerate(words):
        out.write(struct.pack("<fi", -float(i), len(word)) + word)
END
"$program" train $sized --set init.tokenizer="$folder/binary" --set init.width=16 --set init.layers=1 --set init.heads=2 \
  --set init.ff=16 --trainable all --window 24 --chat-template plain --mask-token a --out "$folder/binary-run"
check "a model with llama2.c's vocabulary" 0 $?
cmp "$folder/binary/tokenizer.bin" "$folder/binary-run/final/tokenizer.bin"; check "tokenizer.bin goes with it" 0 $?
answer -m "$folder/binary-run/final" > /dev/null; check "it answers" 0 $?

# The system message and the template reach training, the loss and what is generated.
llada="-m tests/golden/models/llada --threads 1 --data $folder/rows.jsonl --json"
loss() { "$program" eval --task loss $llada "$@" | sed 's/.*"loss": \([^,]*\),.*/\1/'; }
plain=$(loss)
[ "$plain" != "$(loss --system "Be kind.")" ] || check "a system message changes the loss" another "$plain"
[ "$plain" != "$(loss --chat-template plain)" ] || check "a template changes the loss" another "$plain"
told() { "$program" generate -m tests/golden/models/llada --threads 1 --seed 1 --window 100 --iterations 1 --json "$@" Hello | grep -o '"prompt_ids":[^]]*'; }
[ "$(told)" != "$(told --system "Be kind.")" ] || check "a system message is read" "other ids" "the same"
"$program" eval -q --data "$folder/rows.jsonl" -m tests/golden/models/llada --threads 1 --sampler lad --window 60 --iterations 1 --system "Be kind." \
  --top-k 1 --noise-start 0.2 --out "$folder/out.jsonl" --json > "$folder/found"; check "eval takes the sampler's options" 0 $?
check "and says that there is noise" 1 "$(grep -c '"noise": true' "$folder/found")"
refuses "one without meaning" 2 "means nothing to --sampler low-confidence" eval --data "$folder/rows.jsonl" -m tests/golden/models/llada --threshold 0.5
refuses "a raw prompt" 2 "which a raw prompt goes without" generate -m tests/golden/models/llada --raw --system "Be kind." Hello

# A real pretrained model, where it is at hand.
real=../shared/data/models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf
if [ ! -e "$real" ] || ! "$program" tokenize -m "$real" hello > /dev/null 2>&1; then
  echo "skipped: $real is not here, or its tokenizer is not known"
elif grep -q __asan_init "$program"; then
  echo "skipped: a real model: too slow under a sanitizer"
else
  "$program" convert -q -m "$real" --to bf16 -o "$folder/smol"; check "a real model" 0 $?
  "$program" train --model "$folder/smol" --mask-token "<empty_output>" --window 64 --lora-rank 2 $sized --out "$folder/smol-lora"
  check "is trained" 0 $?
  answer -m "$folder/smol" --adapter "$folder/smol-lora/final" --window 64 --iterations 2 > /dev/null; check "and answers" 0 $?
fi
exit $failed
