#!/bin/bash
# redraft serve in front of strangers: requests that two readers would read in two ways, pages of other sites, crowds.
exec python3 tests/http/strangers.py "$1"
