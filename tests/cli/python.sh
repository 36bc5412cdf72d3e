#!/bin/bash
# The Python binding, as it was installed by tools/pip.sh: its own tests, beside the program's words.
build=$(dirname "$1")
[ -z "${SANITIZE:-}" ] || { echo "SKIP: Python is not built for -fsanitize=$SANITIZE"; exit 77; }
[ -e "$build/python/installed" ] ||
  { echo "SKIP: no Python binding; tools/pip.sh $build installs it (it needs python3-venv and a way to PyPI)"; exit 77; }
export REDRAFT_SOURCE=$PWD REDRAFT_PROGRAM=$(realpath "$1")
exec "$build/python/bin/python" -m pytest -q -p no:cacheprovider bindings/python/tests
