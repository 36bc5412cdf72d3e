#!/bin/bash
# redraft pull and models against a hub of the test's own.
exec python3 tests/http/hub.py "$1"
