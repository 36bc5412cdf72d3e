#!/bin/sh
# What `make lint` checks: formatting, the shape of the tree, cppcheck, clang's warnings, prefixes of what the library exports.
set -eu
files=$(git ls-files '*.c' '*.h')
[ -n "$files" ] && clang-format --dry-run -Werror $files
python3 tools/structure.py
python3 tools/tini/more.py --check
PYTHONPYCACHEPREFIX=build-lint/pycache python3 -m py_compile $(git ls-files "tools/*.py" "bench/*.py" "bindings/*.py")
# portability: pointers into arenas are cast, and integers are two's complement, on purpose
# invalidFunctionArg: the logarithm of a sum that an attention row never leaves at zero
# comparePointers: the two ends of an embedded file; ctunullpointer: the frame is there whenever a status line is
# uninitvar: a chunk that is filled two numbers at a time
# preprocessorErrorDirective: macros of macros that cppcheck cannot expand; a -D ends at a semicolon, so no for
cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance --inline-suppr \
  --suppress=missingIncludeSystem --suppress=shiftTooManyBitsSigned \
  --suppress=invalidFunctionArg:src/kern/kernels_typed.inc --suppress=comparePointers:src/serve/page.c \
  --suppress=uninitvar:src/kern/propose_sweeps.inc --suppress=ctunullpointer:src/tool/view_paint.c \
  --suppress=preprocessorErrorDirective:src/text/chat_rows.c \
  '-Djson_array_foreach(a,i,v)=while((i=0,v=json_array_get(a,i)))' \
  '-Djson_object_foreach(o,k,v)=while((k="",v=json_object_get(o,k)))' -Iinclude -Isrc/base -Isrc/kern -Isrc/store -Isrc/text -Isrc/form -Isrc/model -Isrc/cuda \
  -Isrc/engine -Isrc/diffuse -Isrc/learn -Isrc/train -Isrc/eval -Isrc/adapt -Isrc/serve $(git ls-files 'src/*.c')
cmake -S . -B build-lint -G Ninja -DCMAKE_C_COMPILER=clang -DBUILD_TESTING=ON >/dev/null
cmake --build build-lint >build-lint/log || {
  grep -E -A6 'FAILED|error:' build-lint/log | head -60
  exit 1
}
bad=$(nm -g --defined-only build-lint/librd_*.a 2>/dev/null | awk '$2 ~ /[TDBR]/ && $3 !~ /^_?rd_/ {print $3}')
[ -z "$bad" ] || { echo "lint: symbols without the rd_ prefix: $bad"; exit 1; }
echo "lint: clean"
