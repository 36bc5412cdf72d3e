#!/bin/bash
# --grammar: answers have the form, whatever model, sampler and length; what cannot be is refused with its place.
program=$1
model=tests/golden/models/llada
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
. tests/expect.bash
generate() { "$program" generate -q --seed 3 --threads 1 hi "$@" 2>"$folder/err"; }
cat > "$folder/schema.json" <<'END'
{"properties": {"name": {"type": "string", "maxLength": 8}, "size": {"enum": ["S", "M", "L"]}, "n": {"type": "integer", "minimum": 1, "maximum": 12}},
 "required": ["name", "size", "n"], "additionalProperties": false}
END
cat > "$folder/judge.py" <<'END'
import json
import sys
for line in sys.stdin:
    x = json.loads(line)
    assert set(x) == {"name", "size", "n"} and len(x["name"]) <= 8 and x["size"] in "SML" and 1 <= x["n"] <= 12, line
END
for sampler in lad low-confidence threshold entropy ar jacobi; do
  for tokens in 60 100; do
    for warm in 0 1; do
      generate -m $model --mask-token '!' --sampler $sampler --tokens $tokens --temperature $warm --grammar "json-schema:$folder/schema.json" > "$folder/out"
      check "$sampler, $tokens tokens: status" 0 $?
      python3 "$folder/judge.py" < "$folder/out" || { cat "$folder/err"; failed=1; }
    done
  done
done
generate --tokens 40 --grammar 'regex:(Paris|Rome) has [0-9]{2,7} people\.' > "$folder/out"; check "tini: status" 0 $?
grep -qE '^(Paris|Rome) has [0-9]{2,7} people\.$' "$folder/out" || check "tini" "a text of the form" "$(cat "$folder/out")"
locked="--sampler lad-generic --base-lead --retention"
generate $locked retained --grammar 'regex:The [a-z]+ is [A-Z][a-z]+\.' > "$folder/out"; check "led and retained: status" 0 $?
generate $locked locked --grammar 'regex:The [a-z]+ is [A-Z][a-z]+\.' > "$folder/out"; check "led and locked, where both cannot be: status" 2 $?
grep -q -- "--retention retained lets what is locked change" "$folder/err" || check "the way out" "--retention retained" "$(cat "$folder/err")"
generate --tokens 40 --grammar json-object | python3 -c 'import json, sys; assert isinstance(json.load(sys.stdin), dict)' || failed=1
generate --tokens 40 --grammar 'json-schema:{"enum": ["yes", "no"]}' > "$folder/out"
grep -qE '^"(yes|no)"$' "$folder/out" || check "a schema itself" "yes or no" "$(cat "$folder/out")"
check "prefix" 1 "$(generate --tokens 20 --prefix 'In 19' --grammar 'regex:In [0-9]{4}' | grep -cE '^In 19[0-9]{2}$')"
check "every draft" 0 "$(generate --tokens 12 --sampler lad --iterations 5 --grammar 'regex:[a-z ]+\.' --json | grep '"event":"draft"' | grep -vcE '"text":"[a-z ]+\."')"
for iterations in 1 2 3 5; do # where the base leads, its words and those behind them are one text
  check "the base's lead, $iterations iterations" 1 \
    "$(generate --iterations $iterations --grammar 'regex:(red|green|blue)( (red|green|blue)){5}' | grep -cE '^(red|green|blue)( (red|green|blue)){5}$')"
done
check "the base's lead, every draft" 0 "$(generate --grammar 'regex:(red|green|blue)( (red|green|blue)){5}' --json | grep '"event":"draft"' | grep -vcE '"text":"(red|green|blue)( (red|green|blue)){5}"')"
# A canvas that grows too slowly for its iterations is brought to the end of the form too.
check "grown" 1 "$(generate --grow 8 --iterations 3 --grammar 'regex:[a-z ]{60,80}' | grep -cE '^[a-z ]{60,80}$')"

refuses "too short" 2 'at least 14: give it more' generate hi --tokens 6 --grammar 'regex:[0-9]{14}' --threads 1
refuses "too many" 1 'at most 10000 repetitions' generate hi --grammar 'regex:a{999999}'
refuses "a bad expression" 1 'regex: at 3: the group is not closed' generate hi --grammar 'regex:abc(d'
refuses "an unknown kind" 2 'there are regex, json-schema and json-object' generate hi --grammar yaml:x
refuses "no such file" 1 "$folder/none.json" generate hi --grammar "json-schema:$folder/none.json"
refuses "a bad schema" 1 'at #/items: unknown type strin' generate hi --grammar 'json-schema:{"items": {"type": "strin"}}'
refuses "with --room" 2 'goes without --grow' generate hi --grammar json-object --room 8
refuses "with --no-eos" 2 '--grammar' generate hi --grammar json-object --sampler low-confidence --no-eos
refuses "a prefix of another form" 2 'no part of a text of the form' generate hi --tokens 20 --prefix 'On 19' --grammar 'regex:In [0-9]{4}'
exit $failed
