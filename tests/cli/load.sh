#!/bin/bash
# 64 clients at once, with slow readers, half requests, leavers and mistakes; for a minute with RD_TEST_ALL=1. Sanitized
# servers, ten times slower, meet fewer.
seconds=5
clients=64
[ "$RD_TEST_ALL" ] && seconds=60
# what AddressSanitizer keeps of freed memory is no growth of ours
export ASAN_OPTIONS="$ASAN_OPTIONS:quarantine_size_mb=8"
case $1 in *-asan/* | *-tsan/* | *-cov/*) clients=16 ;; esac
exec python3 tests/http/load.py "$1" --seconds $seconds --clients $clients
