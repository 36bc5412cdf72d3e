#!/bin/sh
# What `make lint` checks: formatting, cppcheck, clang's warnings, prefixes of what the library exports.
set -eu
files=$(git ls-files '*.c' '*.h')
[ -n "$files" ] && clang-format --dry-run -Werror $files
cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability,performance \
  --inline-suppr --suppress=missingIncludeSystem --suppress=checkersReport -Iinclude -Isrc/base \
  -Isrc/kern -Isrc/model $(git ls-files 'src/*.c')
cmake -S . -B build-lint -G Ninja -DCMAKE_C_COMPILER=clang -DBUILD_TESTING=ON >/dev/null
cmake --build build-lint | tail -1
bad=$(nm -g --defined-only build-lint/librd_*.a 2>/dev/null | awk '$2 ~ /[TDBR]/ && $3 !~ /^_?rd_/ {print $3}')
[ -z "$bad" ] || { echo "lint: symbols without the rd_ prefix: $bad"; exit 1; }
echo "lint: clean"
