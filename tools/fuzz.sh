#!/bin/sh
# What `make fuzz` runs: every libFuzzer target of a build for some seconds, from its corpus. What it finds
# new stays in BUILD/found/NAME; an input that breaks something is BUILD/found/NAME-crash-..., and belongs
# into fuzz/corpus once mended.
set -eu
build=$1 seconds=$2
for source in fuzz/fuzz_*.c; do
  name=$(basename "$source" .c)
  subject=${name#fuzz_}
  mkdir -p "$build/found/$subject"
  echo "$subject: $seconds s"
  "$build/$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -verbosity=0 -print_final_stats=1 \
    -artifact_prefix="$build/found/$subject-" "$build/found/$subject" "fuzz/corpus/$subject" \
    2>"$build/found/$subject.log" || {
    tail -40 "$build/found/$subject.log"
    exit 1
  }
  sed -n 's/^stat::number_of_executed_units: */  inputs run: /p' "$build/found/$subject.log"
done
