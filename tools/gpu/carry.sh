#!/bin/sh
# carry.sh BUILD OUT.tar.xz: what check.sh needs on a machine that has no Debian libraries: the program, the tests of engines and of training,
# the library for cards if it was built, and the libraries that they load, but those of the C library, of which that machine has its own.
set -eu
build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/carried/lib"
cp "$build/redraft" "$work/carried"
for name in test_devices test_engine test_step test_clean_half test_train_step; do
  cp "$build/$name" "$work/carried" # check.sh runs every one
done
[ ! -f "$build/libredraft-cuda.so" ] || cp "$build/libredraft-cuda.so" "$work/carried"
for binary in "$work/carried/redraft" "$work"/carried/test_devices "$work"/carried/test_step; do
  [ ! -x "$binary" ] || ldd "$binary" | grep -o '/[^ ]*' | grep -vE '/(ld-linux|libc|libm|libdl|libpthread|librt)[-.]' |
    while read -r library; do cp -Ln "$library" "$work/carried/lib/" 2>/dev/null || true; done
done
pwd >"$work/carried/source"
strip "$work"/carried/redraft "$work"/carried/test_* 2>/dev/null || true
tar -C "$work" -I 'xz -6' -cf "$2" carried
ls -l "$2"
