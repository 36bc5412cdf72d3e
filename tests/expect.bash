# What the scripts of tests/cli share: each ends with `exit $failed`.
failed=0
check() { # check WHAT EXPECTED FOUND
  [ "$2" == "$3" ] && return
  printf 'FAILED %s\n  expected: %s\n  found:    %s\n' "$1" "$2" "$3"
  failed=1
}
# No test depends on time: a wait is for what it waits for, and the bound is there for what never comes.
eventually() { # eventually COMMAND...: until it succeeds; fails after five minutes
  local end=$((SECONDS + 300))
  until "$@"; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.05
  done
}
serving() { # serving FILE COMMAND...: starts a server that writes its address into FILE; sets server, then url
  rm -f "$1" # there may be another server's address in it
  "${@:2}" >"$1" &
  server=$!
  eventually says_where "$1"
}
says_where() { url=$(grep -so 'https*://[^ ]*/' "$1") || ! kill -0 "$server" 2>/dev/null; }
refuses() { # refuses WHAT STATUS WORD ARGUMENTS...
  local what=$1 status=$2 word=$3 found
  shift 3
  found=$("$program" "$@" 2>&1 </dev/null); check "$what: status" "$status" $?
  [[ $found == *"$word"* ]] || check "$what: message" "$word" "$found"
}
