#!/bin/bash
# redraft tokenize and logits: every way in and out, against the golden files, and what they refuse.
program=$1
golden=tests/golden
model=$golden/models/llama-mha
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
. tests/expect.bash
tokenize() { "$program" tokenize -m $model "$@"; }

# Text to ids and back: an argument, standard input whole or by lines, bytes that are no UTF-8 text at all.
text=$'Hello  there,\nh\xc3\xa9llo \xe2\x82\xac \xf0\x9f\x98\x80.\n'
ids=$(printf %s "$text" | tokenize); check "tokenize" 0 $?
check "round trip" "$text." "$(tokenize --decode "$ids"; echo .)"
check "commas and brackets" "$text." "$(tokenize --decode "[${ids// /, }]"; echo .)"
check "an argument" "$(printf 'Hello' | tokenize)" "$(tokenize Hello)"
check "nothing" "" "$(printf '' | tokenize)"
check "lines" 2 "$(printf 'Hello\nthere' | tokenize --lines | wc -l)"
check "lines, back" $'Hello\nthere' "$(printf 'Hello\nthere' | tokenize --lines | tokenize --decode --lines)"
check "BOS" "280 $(tokenize Hello)" "$(tokenize --bos Hello)"
special=$("$program" tokenize -m models/tini '<|mask|>')
check "a special token" 4 "$special"
[ "$("$program" tokenize -m models/tini --no-special '<|mask|>' | wc -w)" -gt 1 ] || check "plain text" many one
check "JSON" '{"ids":['"$(tokenize Hi | tr ' ' ,)"'],"pieces":["H","i"]}' "$(tokenize --json Hi)"
check "half a character" '{"text":"�"}' "$(tokenize --decode --json "$(tokenize € | cut -d' ' -f1)")"
check "lines as JSON" '{"ids":['"$(tokenize Hi | tr ' ' ,)"'],"pieces":["H","i"]}' "$(printf 'Hi\nx' | tokenize --json --lines | head -1)"
check "lines of ids as JSON" 2 "$(printf 'Hi\nx' | tokenize --lines | tokenize --decode --json --lines | grep -c '^{"text":"')"
refuses "no number" 1 'token ids expected, found "x"' tokenize -m $model --decode "1 x"
refuses "an id too large" 1 288 tokenize -m $model --decode 288
refuses "two texts" 2 "unexpected argument b" tokenize -m $model a b
refuses "BOS of ids" 2 "--bos means nothing to --decode" tokenize -m $model --decode --bos 1
refuses "special tokens of ids" 2 "--special means nothing to --decode" tokenize -m $model --decode --no-special 1
refuses "an adapter of words" 2 "unknown option --adapter" tokenize -m $model --adapter none a
refuses "more ids than positions" 2 "300 ids; llama-mha has 256 positions" logits -m $model --ids "$(seq -s, 1 300 | sed 's/28[89],//g; s/29[0-9],/1,/g; s/300/1,1,1/')" -o "$folder/x.npy"
refuses "a dash" 2 "standard output is called /dev/stdout" logits -m $model --ids 1 -o -
if command -v script >/dev/null; then
  check "a terminal" 1 "$(script -qec "'$program' tokenize -m $model" /dev/null </dev/null 2>&1 | grep -c 'no text: give it as an argument, or on standard input')"
fi
refuses "no tokenizer" 1 "$folder" tokenize -m "$folder" a
check "a bad line is named" 1 "$(printf '1\ny\n' | tokenize --decode --lines 2>&1 | grep -c 'line 2')"

# A megabyte of one thing comes back whole, in far less processor time than a quadratic encoder takes.
for unit in a ' ' 0 $'\n' $'\xe2\x82\xac' $'\xff' '<|mask|' "'"; do
  python3 -c 'import os, sys; unit = os.fsencode(sys.argv[1]); sys.stdout.buffer.write(unit * (1000000 // len(unit)))' "$unit" > "$folder/large"
  (ulimit -t 60; "$program" tokenize -m models/tini < "$folder/large" > "$folder/ids"); check "a megabyte of $unit" 0 $?
  (ulimit -t 60; "$program" tokenize -m models/tini --decode < "$folder/ids") | cmp -s - "$folder/large"; check "a megabyte of $unit, back" 0 $?
done

# Logits: the golden cases of one model without an adapter, for every attention kind; a header that NumPy reads.
cat > "$folder/compare.py" <<'END'
import array, ast, json, math, subprocess, sys
program, golden, out = sys.argv[1:]
kinds = set()
for case in json.load(open(golden + "/logits.json")):
    if case["model"] != "models/llama-mha" or case["adapter"]:
        continue
    subprocess.run([program, "logits", "-m", golden + "/" + case["model"], "--precision", "f32", "--attention", case["attention"],
                    "--ids", ",".join(map(str, case["ids"])), "-o", out], check=True)
    data = open(out, "rb").read()
    header = ast.literal_eval(data[10:128].decode())
    rows, width = header["shape"]
    assert data[:10] == b"\x93NUMPY\x01\x00\x76\x00" and header["descr"] == "<f4" and rows == len(case["ids"]), header
    golden_data = open(golden + "/" + case["file"], "rb").read()
    start = 10 + int.from_bytes(golden_data[8:10], "little")
    found, wanted = array.array("f", data[128:]), array.array("f", golden_data[start:])
    error = norm = 0
    for i, row in enumerate(case["rows"]):
        for j in range(width):
            error += (found[row * width + j] - wanted[i * width + j]) ** 2
            norm += wanted[i * width + j] ** 2
    assert math.sqrt(error / norm) < 1e-4, (case["attention"], math.sqrt(error / norm))
    kinds.add(case["attention"])
print(*sorted(kinds))
END
check "logits" "bidirectional block:4 causal" "$(python3 "$folder/compare.py" "$program" $golden "$folder/logits.npy" 2>&1 | tail -1)"
refuses "no ids" 2 "--ids and -o are needed" logits -m $model -o "$folder/x.npy"
refuses "a word among the ids" 2 "found b" logits -m $model --ids 1,b -o "$folder/x.npy"
refuses "none at all" 2 "between 1 and" logits -m $model --ids "" -o "$folder/x.npy"
refuses "an attention kind" 2 "expected causal, bidirectional or block:N" logits -m $model --ids 1 --attention block:0 -o "$folder/x.npy"
refuses "a draft behind all ids" 2 "--gate 2: no draft begins behind the last id, which is id 1" logits -m $model --ids 1,2 --gate 2 -o "$folder/x.npy"
refuses "an id outside the vocabulary" 1 288 logits -m $model --ids 288 -o "$folder/x.npy"
refuses "a folder that is not there" 1 "$folder/none" logits -m $model --ids 1 -o "$folder/none/x.npy"
[ -e "$folder/x.npy" ] && check "nothing written" no yes
exit $failed
