#!/bin/bash
# Gaps over HTTP: what stands between a prompt and a suffix, in the forms of those who ask for it; deadlines in milliseconds.
program=$1
folder=$(mktemp -d)
servers=()
trap 'kill "${servers[@]}" 2>/dev/null; rm -rf "$folder"' EXIT
. tests/expect.bash
serving "$folder/at" "$program" serve --threads 1 --port 0 -q 2>"$folder/log"; servers+=("$server")
ask() { curl -s -m 300 -o "$folder/body" -w '%{http_code}' "$url$1" -d "$2"; }
value() { python3 -c "import json; r=json.load(open('$folder/body')); print($1)"; }
pieces() { python3 - "$folder/body" "$1" <<'PYTHON'
import json, sys
lines = [l[6:] for l in open(sys.argv[1], encoding="utf-8") if l.startswith("data: ") and "[DONE]" not in l]
print("".join(eval(sys.argv[2], {"c": json.loads(l)}) or "" for l in lines))
PYTHON
}
story='Once upon a time there was a little'
tail=' who wanted a new hat.'
for sampler in infill daedal; do
  "$program" generate -q --raw "$story " --template "{mask:3} in a garden." --sampler $sampler --seed 1 --trace "$folder/trace" > /dev/null
  "$program" replay --check "$folder/trace" > "$folder/again"; check "a prompt that ends with a space, made again by $sampler" 0 $?
done
check "completions with a suffix" 200 "$(ask v1/completions "{\"prompt\":\"$story\",\"suffix\":\"$tail\"}")"
check "the gap alone" " girl stop" "$(value "r['choices'][0]['text'] + ' ' + r['choices'][0]['finish_reason']")"
check "and its tokens" 1 "$(value "r['usage']['completion_tokens']")"
check "log-probabilities beside a suffix" 200 "$(ask v1/completions "{\"prompt\":\"$story\",\"suffix\":\"$tail\",\"logprobs\":0}")"
check "are those of the text" "True" "$(value "''.join(r['choices'][0]['logprobs']['tokens']) == r['choices'][0]['text'] and len(r['choices'][0]['logprobs']['tokens']) == r['usage']['completion_tokens']")"
check "an empty suffix is none" 200 "$(ask v1/completions "{\"prompt\":\"$story\",\"suffix\":\"\",\"max_tokens\":4}")"
check "text that goes on" 4 "$(value "r['usage']['completion_tokens']")"
check "fill in the middle" 200 "$(ask v1/fim/completions "{\"prompt\":\"$story \",\"suffix\":\"$tail\",\"max_tokens\":8,\"temperature\":0}")"
check "as Mercury's and as Mistral's clients read it" " girl| girl" "$(value "r['choices'][0]['text'] + '|' + r['choices'][0]['message']['content']")"
check "streamed" 200 "$(ask v1/fim/completions "{\"prompt\":\"$story\",\"suffix\":\"$tail\",\"stream\":true}")"
check "in pieces of both" " girl| girl" "$(pieces "c['choices'][0]['delta'].get('content', '')")|$(pieces "c['choices'][0]['text']")"
check "infill" 200 "$(ask infill "{\"input_prefix\":\"$story\",\"input_suffix\":\"$tail\",\"n_predict\":8}")"
check "as llama.cpp says it" "[' girl', True, 'eos', 1]" "$(value "[r['content'], r['stop'], r['stop_type'], r['tokens_predicted']]")"
check "infill, streamed" 200 "$(ask infill "{\"input_prefix\":\"$story\",\"input_suffix\":\"$tail\",\"stream\":true}")"
check "in pieces" " girl" "$(pieces "c['content']")"
check "a beginning is looked for too" 200 "$(ask v1/fim/completions '{"prompt":"","suffix":" upon a time there was a little girl.","max_tokens":3}')"
check "and found" True "$(value "len(r['choices'][0]['text'].strip()) > 0")"
check "a stop in the gap" 200 "$(ask v1/completions "{\"prompt\":\"$story\",\"suffix\":\"$tail\",\"stop\":[\"irl\"]}")"
check "cuts it" " g" "$(value "r['choices'][0]['text']")"
check "a template" 200 "$(ask api/denoise '{"prompt":"What is the capital of France?","template":"The capital of {mask:3} is Paris."}')"
check "by search" "The capital of France is Paris." "$(sed -n 's/^data: //p' "$folder/body" | tail -1 | python3 -c 'import json,sys; print(json.load(sys.stdin)["text"])')"
# Time that is over ends an answer with what there is; in every shape.
for path in v1/completions v1/fim/completions; do
  check "a deadline, $path" 200 "$(ask $path "{\"prompt\":\"$story\",\"suffix\":\"$tail\",\"deadline_ms\":0.001}")"
  check "ends it, $path" length "$(value "r['choices'][0]['finish_reason']")"
done
check "a deadline, chat" 200 "$(ask v1/chat/completions '{"messages":[{"role":"user","content":"Hi"}],"patience":0,"deadline_ms":0.001}')"
check "ends it, chat" length "$(value "r['choices'][0]['finish_reason']")"
check "a deadline, events" 200 "$(ask api/denoise '{"prompt":"Hi","patience":0,"deadline_ms":0.001}')"
check "ends them" 1 "$(grep -c '"stopped":"deadline"' "$folder/body")"
while IFS='|' read -r what word path body; do
  check "$what" 400 "$(ask "$path" "$body")"
  grep -q "$word" "$folder/body" || check "$what: message" "$word" "$(cat "$folder/body")"
done <<'END'
no number|deadline_ms: expected a number|v1/completions|{"prompt":"x","deadline_ms":"soon"}
before now|deadline_ms|v1/completions|{"prompt":"x","deadline_ms":-1}
no text|suffix: expected a string|v1/fim/completions|{"prompt":"x","suffix":3}
nothing|give input_prefix|infill|{"input_suffix":"x"}
END
kill -TERM $server; wait $server; check "exit status" 0 $?

# A server that was started with a gap, or with an end, fills it as generate does.
for options in "--template" "--suffix"; do
  text="The capital of {mask:3} is Paris."; more=()
  [ $options == --suffix ] && { text=" is Paris."; more=(--tokens 6); }
  serving "$folder/at" "$program" serve --threads 1 --port 0 -q $options "$text" "${more[@]}" 2>"$folder/log"; servers+=("$server")
  check "a served $options" 200 "$(ask api/denoise '{"prompt":"What is the capital of France?","seed":1}')"
  check "a served $options, by search" 1 "$(grep -c '"sampler":"infill"' "$folder/body")"
  check "a served $options, as generate" "$("$program" generate --threads 1 -q --seed 1 $options "$text" "${more[@]}" "What is the capital of France?")" \
    "$(sed -n 's/^data: //p' "$folder/body" | tail -1 | python3 -c 'import json,sys; print(json.load(sys.stdin)["text"])')"
  check "a served $options, and a request's own" 200 "$(ask v1/completions "{\"prompt\":\"$story\",\"suffix\":\"$tail\",\"max_tokens\":3}")"
  check "a served $options: the request's" " boy" "$(value "r['choices'][0]['text']")"
  kill -TERM $server; wait $server
done

# A model that reads both ways finds out how long gaps are while it fills them.
serving "$folder/both" "$program" serve -m tests/golden/models/llada --threads 1 --port 0 -q 2>"$folder/log"; servers+=("$server")
check "a gap in it" 200 "$(ask v1/fim/completions '{"prompt":"ab","suffix":" end","max_tokens":12,"seed":1}')"
check "one word at least" True "$(value "len(r['choices'][0]['text']) >= 1")"
check "as many as it may have" 200 "$(ask api/denoise '{"prompt":"hi","suffix":" end","tokens":12,"seed":1}')"
check "and no more" True "$(sed -n 's/^data: //p' "$folder/body" | tail -1 | python3 -c 'import json,sys; print(6 <= len(json.load(sys.stdin)["ids"]) <= 17)')"
check "several" 200 "$(ask api/denoise '{"prompt":"hi","template":"ab {mask} cd {mask:2}.","seed":1}')"
check "by growth" 1 "$(grep -c '"sampler":"daedal"' "$folder/body")"
check "from 8 and 2 places" 10 "$(sed -n 's/^data: //p' "$folder/body" | sed -n 2p | python3 -c 'import json,sys; print(len(json.load(sys.stdin)["masked"]))')"
check "around the text" "ab  cd ." "$(sed -n 's/^data: //p' "$folder/body" | tail -1 | python3 -c 'import json,re,sys; t=json.load(sys.stdin)["text"]; print(re.sub(r"^ab .+ cd.+\.$", "ab  cd .", t, flags=re.S))')"
check "a number is meant" 1 "$(ask api/denoise '{"prompt":"hi","template":"ab{mask:3}cd","seed":1}' >/dev/null; grep -c '"sampler":"low-confidence"' "$folder/body")"
kill -TERM $server; wait $server; check "exit status" 0 $?
# Text that goes on keeps the space at its beginning, also where a tokenizer puts one before every text (SentencePiece's).
serving "$folder/at" "$program" serve -m models/stories260K/stories260K.gguf --threads 1 --port 0 -q 2>"$folder/log"; servers+=("$server")
check "text that goes on, from SentencePiece's tokens" 200 "$(ask v1/completions '{"prompt":"Once upon","max_tokens":4,"temperature":0}')"
check "begins with its space" " a time, there" "$(value "r['choices'][0]['text']")"
check "echoed" 200 "$(ask v1/completions '{"prompt":"Once upon","max_tokens":4,"temperature":0,"echo":true}')"
check "prompt and text are the text" "Once upon a time, there" "$(value "r['choices'][0]['text']")"
check "a gap" 200 "$(ask infill '{"input_prefix":"Once upon a","input_suffix":" there was","n_predict":4}')"
check "keeps it too" " time," "$(value "r['content']")"
check "a text of its own" 200 "$(ask v1/completions '{"prompt":"","max_tokens":4,"temperature":0}')"
check "begins without one" "Once upon a time" "$(value "r['choices'][0]['text']")"
kill -TERM $server; wait $server; check "exit status, the second" 0 $?
exit $failed
