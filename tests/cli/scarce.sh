#!/bin/bash
# redraft serve with less memory than its clients ask for.
[ -n "$SANITIZE" ] && echo "skipped: sanitizers take address space without end" && exit 77
exec python3 tests/http/scarce.py "$1"
