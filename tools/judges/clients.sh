#!/bin/sh
# Client libraries that the server is tried with, as they come from PyPI, in a virtual environment of their own.
#   tools/judges/clients.sh            makes it, in $REDRAFT_CLIENTS or ~/.cache/redraft/clients
# Where Python's venv or the registry is not to be had, nothing is left behind, and the tests that need them say that they are skipped.
# tests/cli/clients.sh, lmeval.sh and decide.sh run them; the versions in doc/SERVE.md are those that were run last.
set -eu
folder=${REDRAFT_CLIENTS:-${XDG_CACHE_HOME:-$HOME/.cache}/redraft/clients}
made=""
[ -x "$folder/bin/python" ] || made=yes
{ [ -z "$made" ] || python3 -m venv "$folder"; } &&
  timeout 600 "$folder/bin/pip" install -q --upgrade --retries 1 openai langchain-openai litellm mcp instructor llm ollama typesafe-sdk 'lm_eval[api]' openapi-spec-validator schemathesis || {
  [ -z "$made" ] || rm -rf "$folder"
  echo "clients: not to be had from the registry; the tests that need them are skipped" >&2
  exit 0
}
echo "$folder"
