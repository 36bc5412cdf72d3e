#!/bin/bash
# Every command of the README that runs the program, run: none may fail.
program=$1
status=0
count=0
while IFS= read -r line; do
  command=${line%%  #*}
  count=$((count + 1))
  if ! (eval "${command/build\/redraft/$program}") </dev/null >/dev/null 2>/tmp/readme.$$; then
    echo "FAILED: $command"
    cat /tmp/readme.$$
    status=1
  fi
done < <(sed -n '/^```sh/,/^```/p' README.md | grep '^build/redraft')
rm -f /tmp/readme.$$
[ "$count" -gt 0 ] || { echo "FAILED: the README shows no command"; status=1; }
exit $status
