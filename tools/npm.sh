#!/bin/sh
# Packages of the page and of the tests that run on node, as locked. Without node, or without the registry, those tests
# say that they are skipped: nothing else needs them.
cd "$(dirname "$0")/.." || exit 0
command -v npm >/dev/null 2>&1 || exit 0
node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' || exit 0
for folder in tests/web web; do
  [ -e $folder/node_modules/.package-lock.json ] && [ ! $folder/package-lock.json -nt $folder/node_modules/.package-lock.json ] && continue
  echo "npm: packages of $folder" >&2
  (cd $folder && timeout 180 npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null 2>&1) ||
    { rm -rf $folder/node_modules; echo "npm: not to be had; the tests that need them are skipped" >&2; }
done
exit 0
