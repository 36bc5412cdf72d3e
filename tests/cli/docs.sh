#!/bin/bash
# Every `console` block of the documents, run as it stands: none may fail. A document's blocks are one script, in a folder
# that looks like the tree; build/ is the one under test.
program=$1
tree=$PWD
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for name in doc examples include models tests; do ln -s "$tree/$name" "$folder/$name"; done
ln -s "$(dirname "$(realpath "$program")")" "$folder/build"
# the documents' 8443 may be taken: the system says which port is free
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
blocks() { sed -n '/^```console$/,/^```$/{/^```/!p}' "$1"; }
failed=0
for document in README.md doc/*.md; do
  blocks "$document" | sed "s/8443/$port/g" > "$folder/script"
  [ -s "$folder/script" ] || continue
  if ! (cd "$folder" && bash -u -o pipefail -c '
      trap "echo \"FAILED: \$BASH_COMMAND\" >&2; kill %1 2>/dev/null; exit 1" ERR
      . ./script' </dev/null >out.txt 2>&1); then
    echo "$document:"
    tail -20 "$folder/out.txt"
    failed=1
  fi
  rm -f "$folder/out.txt"
done
for document in README.md doc/HOWTO.md; do
  [ "$(blocks "$document" | grep -c '^build/redraft')" -gt 5 ] || { echo "$document shows no commands"; failed=1; }
done
# A command outside of such a block is one that cannot be run here, or a slip.
unmarked=$(sed -n '/^```sh$/,/^```$/{/build\/redraft/p}' README.md)
[ -z "$unmarked" ] || { echo "README.md: commands that no test runs: $unmarked"; failed=1; }
exit $failed
