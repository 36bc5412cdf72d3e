#!/bin/bash
# Every curl command of the README and of doc/SERVE.md, run against redraft serve: none may fail.
folder=$(mktemp -d)
trap 'kill $server; rm -rf "$folder"' EXIT
. tests/expect.bash
serving "$folder/out" "$1" serve --port 0 --threads 1 -q
status=0
count=0
while IFS= read -r line; do
  command=${line//http:\/\/127.0.0.1:8080\//$url}
  count=$((count + 1))
  (eval "${command/#curl/curl -sS --fail-with-body -m 300}") >"$folder/answer" 2>&1 && [ -s "$folder/answer" ] &&
    ! grep -q '^event: error' "$folder/answer" || { echo "FAILED: $line"; cat "$folder/answer"; status=1; }
done < <(cat README.md doc/SERVE.md | sed -n '/^```/,/^```/p' | grep '^curl')
[ "$count" -gt 3 ] || { echo "FAILED: no curl commands found"; status=1; }
exit $status
