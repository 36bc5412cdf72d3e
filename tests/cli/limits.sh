#!/bin/bash
# redraft serve and clients that are broken, slow, rude or many, on raw sockets.
exec python3 tests/http/limits.py "$1"
