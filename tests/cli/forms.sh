#!/bin/bash
# Forms of answers and calls of tools over HTTP.
exec python3 tests/http/forms.py "$1"
