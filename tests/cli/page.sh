#!/bin/bash
# The page: its unit tests, and web/dist is what its sources make.
command -v node >/dev/null || { echo "SKIP: no node"; exit 77; }
[ -d web/node_modules/vite ] || { echo "SKIP: the page's packages are not installed; tools/npm.sh does it"; exit 77; }
case $1 in *-asan/* | *-tsan/* | *-cov/*) echo "SKIP: the page is the same for every preset"; exit 77 ;; esac
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
status=0
cd web || exit 1
node_modules/.bin/tsc --noEmit || status=1
node_modules/.bin/tsc -p tsconfig.test.json --outDir "$folder/test" || status=1
ln -s "$PWD/node_modules" "$folder/node_modules"
echo '{"type":"module"}' >"$folder/package.json"
node --test "$folder"/test/test/*.test.js || status=1
node_modules/.bin/vite build --logLevel error --emptyOutDir --outDir "$folder/dist" || status=1
for name in index.html csp.txt; do
  cmp "$folder/dist/$name" "dist/$name" || { echo "FAILED: web/dist/$name is not what web/src makes; make web does"; status=1; }
done
exit $status
