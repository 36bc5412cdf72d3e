#!/bin/bash
# redraft pull and models against a hub of the test's own. What few runs need is opened when it is needed (late.h).
if ldd "$1" | grep -E 'libcurl|libmicrohttpd|libzip|libedit'; then
  echo "linked, and loaded at every start" >&2
  exit 1
fi
exec python3 tests/http/hub.py "$1"
