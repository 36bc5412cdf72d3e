#!/bin/sh
# Client libraries that the server is tried with, as they come from PyPI, in a virtual environment of their own.
#   tools/judges/clients.sh            makes it, in $REDRAFT_CLIENTS or ~/.cache/redraft/clients
# tests/cli/clients.sh, lmeval.sh and decide.sh run them; the versions in doc/SERVE.md are those that were run last.
set -eu
folder=${REDRAFT_CLIENTS:-${XDG_CACHE_HOME:-$HOME/.cache}/redraft/clients}
[ -x "$folder/bin/python" ] || python3 -m venv "$folder"
"$folder/bin/pip" install -q --upgrade openai langchain-openai litellm mcp instructor llm ollama typesafe-sdk 'lm_eval[api]' openapi-spec-validator schemathesis
echo "$folder"
