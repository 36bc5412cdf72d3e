#!/bin/bash
# The page in a real browser against redraft serve on the built-in model: tests/web/run.mjs, or the script named.
skip() { echo "SKIP: $1"; exit 77; }
command -v node >/dev/null || skip "no node"
[ -d web/node_modules/playwright-core ] || skip "the page's packages are not installed; tools/npm.sh does it"
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || skip "no chromium"
case $1 in *-asan/* | *-tsan/* | *-cov/*) [ "$RD_TEST_ALL" ] || skip "a sanitized server is too slow to watch; RD_TEST_ALL=1 does it" ;; esac
folder=$(mktemp -d)
trap 'kill $server; rm -rf "$folder"' EXIT
. tests/expect.bash
serving "$folder/out" "$1" serve --port 0 -q
few='small, whole|ask and watch|scrub, step|keyboard only' # enough for every day
[ "$RD_TEST_ALL" ] && few=.
REDRAFT_URL=$url node --test-reporter=spec --test-name-pattern="$few" "tests/web/${2:-run.mjs}"
