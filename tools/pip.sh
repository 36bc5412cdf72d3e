#!/bin/sh
# pip.sh BUILD [all]: the Python binding over BUILD's library, with what its tests need, in BUILD/python; all: lm-eval too.
# Without Python's venv, or without the registry, its test says that it is skipped: nothing else needs them.
build=$(realpath "$1")
cd "$(dirname "$0")/.." || exit 0
folder=$build/python extras=test stamp=$build/python/installed
[ "${2:-}" = all ] && extras=test,lm-eval
[ -e "$build/libredraft.so" ] || exit 0
command -v python3 >/dev/null 2>&1 || exit 0
[ "$(cat "$stamp" 2>/dev/null)" = $extras ] &&
  [ -z "$(find bindings/python include "$build/libredraft.so" -newer "$stamp" -name '*.*' ! -path '*/build/*' ! -path '*.egg-info*' | head -1)" ] && exit 0
echo "pip: the Python binding, into $folder" >&2
log=$build/pip.log
{ [ -x "$folder/bin/pip" ] || python3 -m venv "$folder"; } >"$log" 2>&1 &&
  REDRAFT_LIBRARY=$build/libredraft.so timeout 600 "$folder/bin/pip" install -q --disable-pip-version-check "./bindings/python[$extras]" >>"$log" 2>&1 &&
  echo $extras >"$stamp" ||
  { rm -f "$stamp"; echo "pip: not to be had ($log says why); the test of the Python binding is skipped" >&2; }
rm -rf bindings/python/build bindings/python/src/*.egg-info # what setuptools leaves beside the sources
exit 0
