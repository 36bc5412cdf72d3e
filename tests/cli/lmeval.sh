#!/bin/bash
# lm-evaluation-harness, as it comes, against redraft serve, beside redraft eval.
[ "$REDRAFT_MODEL" ] && { echo "SKIP: asks the built-in model"; exit 77; }
folder=${REDRAFT_CLIENTS:-${XDG_CACHE_HOME:-$HOME/.cache}/redraft/clients}
[ -x "$folder/bin/lm_eval" ] || { echo "SKIP: no lm_eval; tools/judges/clients.sh installs it"; exit 77; }
exec "$folder/bin/python" tests/http/lmeval.py "$1"
