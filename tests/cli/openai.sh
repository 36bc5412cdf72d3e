#!/bin/bash
# OpenAI's client library against redraft serve.
command -v node >/dev/null || { echo "SKIP: no node"; exit 77; }
[ -d tests/web/node_modules/openai ] ||
  { echo "SKIP: OpenAI's client is not installed; (cd tests/web && npm ci) does it"; exit 77; }
exec node tests/web/openai.mjs "$1"
