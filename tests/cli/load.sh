#!/bin/bash
# 64 clients at once, with slow readers, half requests, leavers and mistakes; for a minute with RD_TEST_ALL=1.
seconds=5
[ "$RD_TEST_ALL" ] && seconds=60
exec python3 tests/http/load.py "$1" --seconds $seconds
