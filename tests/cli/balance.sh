#!/bin/bash
# Replicas of redraft serve behind HAProxy, configured as packaging/haproxy has it.
command -v haproxy > /dev/null || { echo "skipped: no haproxy"; exit 77; }
exec python3 tests/http/balance.py "$1"
