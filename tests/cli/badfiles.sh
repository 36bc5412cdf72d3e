#!/bin/bash
# Model folders and GGUF files that are not what they say: one line that names the thing, status 1, nothing written.
exec python3 tests/cli/badfiles.py "$1"
