#!/bin/bash
# Tools and calls over HTTP, as templates lay them out.
exec python3 tests/http/tools.py "$1"
