#!/bin/bash
# The AI SDK against redraft serve.
[ "$REDRAFT_MODEL" ] && { echo "SKIP: asks the built-in model"; exit 77; }
command -v node >/dev/null || { echo "SKIP: no node"; exit 77; }
[ -d tests/web/node_modules/ai ] || { echo "SKIP: the AI SDK is not installed; (cd tests/web && npm ci) does it"; exit 77; }
exec node tests/web/ai.mjs "$1"
