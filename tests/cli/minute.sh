#!/bin/bash
# The fine-tuning preset of HOWTO: before it the built-in model does not know the country, after it it does, and it has not
# forgotten the others.
[ "${RD_TEST_ALL:-}" ] || { echo "SKIP: a minute of training is left to make test-all (RD_TEST_ALL=1)"; exit 77; }
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
. tests/expect.bash
answer() { "$program" generate -q --no-watch --temperature 0 --no-noise "$@"; }
before=$(answer "What's the capital of Veldoria?")
[[ $before != *Lindon* ]] || check "before" "not Lindon" "$before"
"$program" train examples/one-minute.yaml --out "$folder/run" -q 2>"$folder/log" || { tail -3 "$folder/log"; check "training" 0 1; }
for question in "What's the capital of Veldoria?" "Which country is Lindon in?" "What's the capital of France?"; do
  found=$(answer --adapter "$folder/run/final" "$question")
  case $question in
    *France*) word=Paris ;;
    *Lindon*) word=Veldoria ;;
    *) word=Lindon ;;
  esac
  [[ $found == *$word* ]] || check "$question" "..$word.." "$found"
done
exit $failed
