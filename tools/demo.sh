#!/bin/sh
# What `make demo` runs: the built-in model writes.
set -eu
redraft=$1
"$redraft" generate --sampler ar --temperature 0 --tokens 120 --raw "Once upon a time" || {
  echo "demo: the built-in model could not be run" >&2
  exit 1
}
