#!/bin/bash
# Requests as clients of other servers send them.
exec python3 tests/http/asking.py "$1"
