#!/bin/sh
# uninstall.sh BUILD PREFIX: removes what `make install` puts there, files one by one and folders that it leaves empty.
# The list is what installing into an empty folder makes, so it needs no record of the install.
set -eu
list=$(mktemp -d)
trap 'rm -rf "$list"' EXIT
root=${DESTDIR:-}
DESTDIR=$list cmake --install "$1" --prefix "$2" >/dev/null
cd "$list$2"
find . ! -type d | while read -r file; do rm -f "$root$2/$file"; done
find . -mindepth 1 -depth -type d | while read -r folder; do
  rmdir "$root$2/$folder" 2>/dev/null || true # others have files in it
done
