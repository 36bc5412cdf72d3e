#!/bin/sh
# What `make coverage` runs: the tests of an instrumented build, then the share of the lines of src/ they went through,
# file by file with the worst first. Fails below LEAST percent (85).
set -eu
build=$1
least=${LEAST:-85}
quiet="--quiet --rc lcov_branch_coverage=0"
lcov $quiet --directory "$build" --zerocounters
ctest -j2 --test-dir "$build" --output-on-failure ${CTEST:-}
lcov $quiet --directory "$build" --capture --no-external --base-directory . --output-file "$build/all.info"
lcov $quiet --extract "$build/all.info" "$PWD/src/*" --output-file "$build/src.info"
awk -v root="$PWD/" -v least="$least" -F '[:,]' '
  /^SF:/ { file = substr($0, 4); sub(root, "", file) }
  /^LF:/ { lines[file] = $2; all += $2 }
  /^LH:/ { hit[file] = $2; seen += $2 }
  END {
    for (f in lines)
      if (lines[f] > 0)
        printf "%5.1f%% %5d of %5d missed  %s\n", 100 * hit[f] / lines[f], lines[f] - hit[f], lines[f], f | "sort -n | head -25"
    close("sort -n | head -25")
    printf "line coverage of src/: %.1f%% of %d lines\n", 100 * seen / all, all
    exit 100 * seen < least * all
  }' "$build/src.info" || { echo "coverage: below $least%"; exit 1; }
