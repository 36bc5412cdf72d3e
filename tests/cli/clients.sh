#!/bin/bash
# Client libraries of Python, as they come, against redraft serve.
folder=${REDRAFT_CLIENTS:-${XDG_CACHE_HOME:-$HOME/.cache}/redraft/clients}
[ -x "$folder/bin/python" ] || { echo "SKIP: no client libraries; tools/judges/clients.sh installs them"; exit 77; }
exec "$folder/bin/python" tests/http/clients.py "$1"
