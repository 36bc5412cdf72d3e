# What the scripts of tests/cli share: each ends with `exit $failed`.
failed=0
check() { # check WHAT EXPECTED FOUND
  [ "$2" == "$3" ] && return
  printf 'FAILED %s\n  expected: %s\n  found:    %s\n' "$1" "$2" "$3"
  failed=1
}
refuses() { # refuses WHAT STATUS WORD ARGUMENTS...
  local what=$1 status=$2 word=$3 found
  shift 3
  found=$("$program" "$@" 2>&1 </dev/null); check "$what: status" "$status" $?
  [[ $found == *"$word"* ]] || check "$what: message" "$word" "$found"
}
