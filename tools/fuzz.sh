#!/bin/sh
# What `make fuzz` runs: libFuzzer targets of a build for some seconds each, from their corpora, some at a time. What one finds
# new stays in BUILD/found/NAME; an input that breaks something is BUILD/found/NAME-crash-..., and belongs
# into fuzz/corpus once mended: fuzz.sh keep NAME FILE... puts it there.
# fuzz.sh BUILD SECONDS [JOBS [NAME...]]
set -eu
[ "$1" != keep ] || {
  shift
  exec python3 -c 'import hashlib, sys, zipfile
with zipfile.ZipFile(sys.argv[1], "a", zipfile.ZIP_DEFLATED) as corpus:
    for name in sys.argv[3:]:
        data = open(name, "rb").read()
        corpus.writestr(zipfile.ZipInfo(hashlib.sha1(data).hexdigest()[:16]), data, zipfile.ZIP_DEFLATED)' "fuzz/corpus/$1.zip" "$@"
}
build=$1 seconds=$2 jobs=${3:-1}
[ $# -gt 3 ] || {
  ls fuzz/fuzz_*.c | sed 's/.*fuzz_\(.*\)\.c/\1/' | xargs -P "$jobs" -n 1 "$0" "$build" "$seconds" 1
  exit
}
shift 3
for name in "$@"; do
  mkdir -p "$build/found/$name"
  "$build/fuzz_$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -verbosity=0 -print_final_stats=1 \
    -artifact_prefix="$build/found/$name-" "$build/found/$name" "$build/corpus/$name" \
    2>"$build/found/$name.log" || {
    echo "$name: broken"
    tail -40 "$build/found/$name.log"
    exit 255 # xargs starts no further ones
  }
  sed -n "s/^stat::number_of_executed_units: */$name: $seconds s, inputs run: /p" "$build/found/$name.log"
done
