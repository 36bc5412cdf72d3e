#!/bin/bash
# redraft serve over a real socket: every route, OpenAI's shapes and errors, streams, the key, the
# queue, a client that leaves, a port in use, and the end on SIGTERM.
program=$1
folder=$(mktemp -d)
model=$folder/llama-mha
servers=()
key=()
trap 'kill "${servers[@]}" 2>/dev/null; rm -rf "$folder"' EXIT
. tests/expect.bash
serve() { # serve ARGUMENTS: starts one with the model, unless another is named; sets url and server
  local which=(-m "$model")
  [[ " $* " == *" -m "* ]] && which=()
  serving "$folder/out" "$program" serve "${which[@]}" --threads 1 --port 0 "$@" 2>"$folder/log"
  servers+=("$server")
  [ "$url" ] || { echo "FAILED to start: $(cat "$folder/log")"; exit 1; }
}
ask() { echo >>"$folder/asked"; curl -s -m 300 -o "$folder/body" -D "$folder/head" -w '%{http_code}' "$@"; } # prints the status; a line of asked is a request
value() { python3 -c "import json,sys; r=json.load(open('$folder/body')); print($1)"; }
metric() { echo >>"$folder/asked"; curl -s "${key[@]}" "$url"metrics | sed -n "s/^redraft_$1 //p"; }
metric_is() { [ "$(metric "$1")" == "$2" ]; }
# Room for drafts that take long enough: minutes under a sanitizer, seconds without.
cp -r tests/golden/models/llama-mha "$model"
sed -i 's/"max_position_embeddings": 256/"max_position_embeddings": 2048/' "$model/config.json"
echo '{"denoiser": true}' > "$model/redraft.json"
slow='{"prompt":"Hi","window":1000,"iterations":512,"patience":0,"seed":1}'

serve
check "page" 200 "$(ask "$url")"
cmp "$folder/body" web/dist/index.html || failed=1
check "policy" "$(cat web/dist/csp.txt)" "$(sed -n 's/\r$//; s/^Content-Security-Policy: //p' "$folder/head")"
check "health" 200 "$(ask "$url"health)"
check "health says" "ok llama-mha" "$(value "r['status'], r['model']" | tr -d "(),'")"
check "models" 200 "$(ask "$url"v1/models)"
check "models say" llama-mha "$(value "r['data'][0]['id']")"
check "options" 200 "$(ask "$url"api/options)"
check "options say" "int True" "$(value "[o['kind'] for o in r['options'] if o['name'] == 'top-k'][0], 'lad' in [s['name'] for s in r['samplers'] if 'noise-start' in s['options']]" | tr -d "(),'")"
window="[o['default'] for o in r['options'] if o['name'] == 'window'][0]"
check "options: the window" 256 "$(value "$window")"
check "and the most that it may be" 2048 "$(value "${window/default/max}")"
check "tokenize" 200 "$(ask "$url"api/tokenize -d '{"text":"Hello there"}')"
check "pieces" "Hello there" "$(value "''.join(r['pieces'])")"

# Events are those of `generate --json`, and depend on the seed alone.
check "denoise" 200 "$(ask "$url"api/denoise -d '{"prompt":"Hi","iterations":3,"window":40,"seed":1}')"
sed -n 's/^data: //p' "$folder/body" | sed 's/,"seconds":.*//' >"$folder/events"
"$program" generate -m "$model" --threads 1 --json --iterations 3 --window 40 --seed 1 Hi 2>/dev/null |
  sed 's/,"seconds":.*//' | cmp - "$folder/events" || failed=1
check "event names" "start noise draft noise draft noise draft done" "$(sed -n 's/^event: //p' "$folder/body" | xargs)"
check "a draft" 200 "$(ask "$url"api/denoise -d '{"prompt":"Hi","iterations":2,"draft":{"ids":[40,41,42],"state":["lock","mask","lock"]}}')"
check "locked places" "40 42" "$(sed -n 's/^data: //p' "$folder/body" | tail -1 | python3 -c 'import json,sys; r=json.load(sys.stdin)["ids"]; print(r[0], r[2])')"

# OpenAI's shapes.
chat='"messages":[{"role":"user","content":"Hi"}],"iterations":3,"seed":1,"max_tokens":8'
check "chat" 200 "$(ask "$url"v1/chat/completions -d "{$chat,\"foo\":1}")"
check "usage adds up" True "$(value "r['usage']['prompt_tokens'] + r['usage']['completion_tokens'] == r['usage']['total_tokens'] and r['usage']['completion_tokens'] <= 8")"
check "warning" "unknown fields: foo; the draft was still changing when it stopped: do not trust it" "$(sed -n 's/\r$//; s/^X-Redraft-Warning: //p' "$folder/head")"
check "it did not converge" False "$(value "r['converged']")"
value "r['choices'][0]['message']['content']" >"$folder/answer"
deltas() { python3 - "$folder/body" "$1" <<'END'
import json, sys
lines = [l[6:] for l in open(sys.argv[1], encoding="utf-8") if l.startswith("data: ")]
assert lines[-1].strip() == "[DONE]", lines[-1]
if sys.argv[2] == "draft":
    print([json.loads(l)["draft"] for l in lines[:-1] if "draft" in json.loads(l)][-1])
    sys.exit()
parts = [c["delta"].get("content", "") for l in lines[:-1] for c in json.loads(l)["choices"]]
print("".join(parts))
END
}
check "stream" 200 "$(ask "$url"v1/chat/completions -d "{$chat,\"stream\":true}")"
check "deltas make the answer" "$(cat "$folder/answer")" "$(deltas text)"
check "signs of life" 3 "$(grep -c '^: draft [1-3]$' "$folder/body")"
blocks="\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"max_tokens\":8,\"seed\":1,\"sampler\":\"low-confidence\",\"block_length\":2"
check "in blocks" 200 "$(ask "$url"v1/chat/completions -d "{$blocks}")"
value "r['choices'][0]['message']['content']" >"$folder/blocks"
check "in blocks, streamed" 200 "$(ask "$url"v1/chat/completions -d "{$blocks,\"stream\":true}")"
check "the settled prefix goes out while the rest is drafted" yes \
  "$(awk '/^: draft/ && text { found = 1 } /"content":"[^"]/ { text = 1 } END { print found ? "yes" : "no" }' "$folder/body")"
check "and is not taken back" "$(cat "$folder/blocks")" "$(deltas text)"
check "diffusing" 200 "$(ask "$url"v1/chat/completions -d "{$chat,\"stream\":true,\"diffusing\":true}")"
check "drafts are no text of the answer" "$(cat "$folder/answer")" "$(deltas text)"
check "the last draft is the answer" "$(cat "$folder/answer")" "$(deltas draft)"
for sampler in ar low-confidence; do
  fill="\"prompt\":\"Hi\",\"sampler\":\"$sampler\",\"max_tokens\":6,\"seed\":1"
  check "$sampler" 200 "$(ask "$url"v1/completions -d "{$fill}")"
  value "r['choices'][0]['text']" >"$folder/answer"
  check "$sampler stream" 200 "$(ask "$url"v1/completions -d "{$fill,\"stream\":true}")"
  check "$sampler deltas" "$(cat "$folder/answer")" "$(sed 's/"text":\("[^}]*\)}/"delta":{"content":\1}}/' "$folder/body" >"$folder/b"; mv "$folder/b" "$folder/body"; deltas all)"
done

# Mistakes: status, one JSON error, a word of it.
while IFS='|' read -r what status word path body; do
  check "$what" "$status" "$(ask "$url$path" -d "$body")"
  check "$what: message" True "$(value "'$word' in r['error']['message'] and bool(r['error']['type'])")"
done <<'END'
not JSON|400|not valid JSON|v1/chat/completions|{"messages"
no object|400|expected an object|api/denoise|[1]
wrong type|400|expected a string|api/denoise|{"prompt":{}}
half a message|400|content|v1/chat/completions|{"messages":[{"role":"user"}]}
no messages|400|messages|v1/chat/completions|{}
out of range|400|outside 0..1000|api/denoise|{"prompt":"Hi","top_k":5000}
without meaning|400|means nothing|api/denoise|{"prompt":"Hi","threshold":0.5}
long window|400|2048|api/denoise|{"prompt":"Hi","window":4000}
model|404|no model gpt|v1/completions|{"prompt":"Hi","model":"gpt"}
a form|400|unknown type xml|v1/chat/completions|{"messages":[{"role":"user","content":"Hi"}],"response_format":{"type":"xml"}}
a call|400|there are no tools|v1/chat/completions|{"messages":[{"role":"user","content":"Hi"}],"tool_choice":"required"}
nothing asked|400|prompt is empty|v1/chat/completions|{"messages":[{"role":"user","content":" "}]}
no answers|400|at least one|v1/completions|{"prompt":"Hi","n":0}
states|400|equally many|api/denoise|{"prompt":"Hi","draft":{"ids":[1,2],"state":["mask"]}}
token id|400|outside|api/denoise|{"prompt":"Hi","draft":{"ids":[99999,2],"state":["lock","mask"]}}
path|404|nothing at|nowhere|{}
END
check "bytes that are no UTF-8" 400 "$(printf '{"prompt":"\xff("}' | ask "$url"api/denoise --data-binary @-)"
check "method" 405 "$(ask "$url"api/denoise)"
check "the one it takes" 1 "$(grep -ci '^allow: POST' "$folder/head")"
check "large body" 413 "$(head -c 2000000 /dev/zero | ask "$url"v1/completions --data-binary @-)"
check "large body in chunks" 413 "$(head -c 2000000 /dev/zero | ask "$url"v1/completions -H 'Transfer-Encoding: chunked' -H 'Expect:' --data-binary @-)"

# A client that leaves frees its place; others share passes.
echo >>"$folder/asked"; curl -sN "$url"api/denoise -d "$slow" >/dev/null & leaver=$!
eventually metric_is queue 1
kill $leaver
eventually metric_is cancelled_total 1
check "the leaver's draft" "1 0" "$(metric cancelled_total) $(metric queue)"

# SIGTERM: refuses, stops, leaves with 0.
kill -TERM $server; wait $server; check "exit status" 0 $?
check "access log: a line of each request" "$(wc -l <"$folder/asked") True" \
  "$(python3 -c "import json; rows = [json.loads(l) for l in open('$folder/log')]; print(len(rows), all(r['status'] for r in rows))")"

cp -r "$model" "$folder/canvas"
sed -i 's/"use_cache"/"canvas_length": 200, "use_cache"/' "$folder/canvas/config.json"
serve -m "$folder/canvas" --api-key secret --max-queue 1 --grace 0 -q
check "no key" 401 "$(ask "$url"v1/models)"
check "wrong key" 401 "$(ask "$url"v1/models -H 'Authorization: Bearer secreT')"
check "part of a key" 401 "$(ask "$url"v1/models -H 'Authorization: Bearer secretsecret')"
check "right key" 200 "$(ask "$url"v1/models -H 'Authorization: Bearer secret')"
check "the page needs none" 200 "$(ask "$url")"
key=(-H 'Authorization: Bearer secret')
check "options of a model with a canvas" 200 "$(ask "${key[@]}" "$url"api/options)"
check "options: the model's own canvas" 200 "$(value "$window")"
check "a draft in it" 200 "$(ask "${key[@]}" "$url"api/denoise -d '{"prompt":"Hi","iterations":1}')"
check "its window" 1 "$(grep -c '"window":200,' "$folder/body")"
curl -sN "${key[@]}" "$url"api/denoise -d "$slow" >"$folder/long" & long=$!
eventually grep -sq draft "$folder/long"
check "full queue" 429 "$(ask "${key[@]}" "$url"api/denoise -d "$slow")"
check "try again" 1 "$(grep -ci retry-after "$folder/head")"
"$program" serve -m "$model" --port "$(echo "$url" | sed 's/.*:\([0-9]*\).*/\1/')" >/dev/null 2>"$folder/err"
check "port in use" 1 $?
check "port in use: message" 1 "$(grep -c 'in use' "$folder/err")"
kill $long
eventually metric_is queue 0
curl -sN "${key[@]}" "$url"api/denoise -d "$slow" >"$folder/last" & long=$!
eventually grep -sq draft "$folder/last"
kill -TERM $server; wait $server; check "exit status under work" 0 $?
wait $long
check "the draft under way was stopped" 1 "$(grep -c '"stopped":"cancelled"' "$folder/last")"

# The built-in model: from left to right it answers without the adapter that makes it a denoiser, here as in generate.
if [ ! "$REDRAFT_MODEL" ]; then
  serving "$folder/out" "$program" serve --threads 1 --port 0 -q 2>"$folder/log"; servers+=("$server")
  question="What is the capital of France?"
  for sampler in ar lad; do
    check "built-in $sampler" 200 "$(ask "$url"api/denoise -d "{\"prompt\":\"$question\",\"window\":48,\"seed\":1,\"sampler\":\"$sampler\"}")"
    sed -n 's/^data: //p' "$folder/body" | sed 's/,"seconds":.*//' >"$folder/events"
    "$program" generate --threads 1 --json --window 48 --seed 1 --sampler $sampler "$question" 2>/dev/null |
      sed 's/,"seconds":.*//' | cmp - "$folder/events" || failed=1
  done
  kill -TERM $server; wait $server; check "built-in: exit status" 0 $?
fi

# Several models, by name; defaults of generation; a causal model that nobody trained to refine.
cp -r tests/golden/models/llama-mha "$folder/bare"
serve -m "first=$model" -m "$folder/bare" --iterations 2 --alias one -q
check "two models" "one bare" "$(curl -s "$url"v1/models | python3 -c "import json,sys; print(*[m['id'] for m in json.load(sys.stdin)['data']])")"
ask "$url"v1/chat/completions -d '{"model":"bare","messages":[{"role":"user","content":"Hi"}],"max_tokens":3}' >"$folder/status"
check "the other one" "200 bare" "$(cat "$folder/status") $(value "r['model']")"
check "says which there are" "404" "$(ask "$url"v1/chat/completions -d '{"model":"gpt","messages":[{"role":"user","content":"Hi"}]}')"
check "by name" True "$(value "'one and bare are' in r['error']['message']")"
check "its own sampler" "ar lad" "$(curl -s "$url"api/options?model=bare | python3 -c "import json,sys; print(json.load(sys.stdin)['options'][0]['default'])") $(curl -s "$url"api/options | python3 -c "import json,sys; print(json.load(sys.stdin)['options'][0]['default'])")"
check "the server's iterations" 200 "$(ask "$url"api/denoise -d '{"prompt":"Hi"}')"
check "two drafts" 2 "$(grep -c '^event: draft' "$folder/body")"
check "a request's own" 200 "$(ask "$url"api/denoise -d '{"prompt":"Hi","iterations":3}')"
check "three drafts" 3 "$(grep -c '^event: draft' "$folder/body")"
check "a sampler that it was not made for" 200 "$(ask "$url"api/denoise -d '{"model":"bare","prompt":"Hi","sampler":"lad"}')"
check "is warned of in the header" 1 "$(grep -c '^X-Redraft-Warning: the model was never trained to refine' "$folder/head")"
check "and in the done event" 1 "$(grep -c '"warning":"the model was never trained to refine' "$folder/body")"
check "text goes on from left to right" 200 "$(ask "$url"v1/completions -d '{"prompt":"Hi","max_tokens":3,"temperature":0}')"
value "r['choices'][0]['text']" >"$folder/answer"
"$program" generate -m "$folder/bare" --raw --sampler ar --tokens 3 -q Hi >"$folder/b"; cmp "$folder/answer" "$folder/b" || failed=1
kill -TERM $server; wait $server; check "two models: exit status" 0 $?
serve --any-model -q
check "any name" 200 "$(ask "$url"v1/chat/completions -d '{"model":"gpt-4o","messages":[{"role":"user","content":"Hi"}],"iterations":1}')"
kill -TERM $server; wait $server
"$program" serve -m "$model" -m "$model" --port 0 2>"$folder/err"; check "two of one name" 2 $?
check "two of one name: message" 1 "$(grep -c 'NAME=PATH' "$folder/err")"

# Options with which no request could be answered keep it from starting: what generate says of them.
never() { # never WHAT WORD ARGUMENTS...: it ends at once, with the word
  local found
  found=$(timeout 100 "$program" serve -q --threads 1 --port 0 "${@:3}" 2>&1 </dev/null); check "$1: status" 2 $?
  [[ $found == *"$2"* ]] || check "$1: message" "$2" "$found"
}
bare=(-m "s=$folder/bare")
never "a window" "s: --window 9999 is beyond the model's 256 positions" "${bare[@]}" --window 9999
never "a template" "s: --template has no gap" "${bare[@]}" --template "no gap"
never "no mask" "s: the model has no mask token" -m s=models/stories260K/stories260K.gguf --sampler lad
never "ar with iterations" "--iterations means nothing to --sampler ar" "${bare[@]}" --sampler ar --iterations 5
never "lad with a threshold" "--threshold means nothing to --sampler lad" -m "$model" --sampler lad --threshold 0.5
never "verify beside a sampler" "with --sampler lad it means nothing" -m "$model" --verify --sampler lad
never "verify without an adapter" "no adapter with a gate" "${bare[@]}" --verify
never "no expression" "the expression is empty" "${bare[@]}" --grammar regex
never "the other model" "two: llada does not read from left to right" -m "$folder/bare" -m two=tests/golden/models/llada --template "a {mask:2} b" --sampler infill
found=$(timeout 100 "$program" serve "${bare[@]}" --port 0 --grammar 'regex:(' 2>&1 </dev/null)
check "half an expression" "1 redraft serve: s: regex: at 0: the group is not closed" "$? $found"

# HTTPS, and pages of other sites.
if openssl req -x509 -newkey rsa:2048 -nodes -keyout "$folder/key" -out "$folder/cert" -days 2 \
  -subj /CN=localhost 2>/dev/null; then
  serve --tls-cert "$folder/cert" --tls-key "$folder/key" --cors https://example.org -q
  check "https" "https 200" "${url%%:*} $(ask -k "$url"health)"
  check "other sites" https://example.org "$(sed -n 's/\r$//; s/^Access-Control-Allow-Origin: //p' "$folder/head")"
  check "stream over TLS" 200 "$(ask -k "$url"api/denoise -d '{"prompt":"Hi","iterations":2,"window":40}')"
else
  echo "no openssl: HTTPS not tried"
fi
exit $failed
