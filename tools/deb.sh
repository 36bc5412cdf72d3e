#!/bin/sh
# What `make deb` runs: the Debian packages of the tree as it lies here, in build/deb. The packages are built in a copy, so
# that nothing else of the tree is touched; lintian has the last word where it is installed.
set -eu
out=$PWD/build/deb
rm -rf "$out"
mkdir -p "$out/redraft"
if git rev-parse --git-dir >/dev/null 2>&1; then
  git ls-files -z --cached --others --exclude-standard
else
  find . -path ./build -prune -o -path '*/node_modules' -prune -o -type f -print0
fi | xargs -0 cp --parents -Pt "$out/redraft"
cd "$out/redraft"
# debhelper has a home of its own, and the cache of the compiler lies in that of the user
export CCACHE_DIR="${CCACHE_DIR:-$HOME/.cache/ccache}"
DEB_BUILD_OPTIONS="noautodbgsym ${DEB_BUILD_OPTIONS:-}" dpkg-buildpackage -b -us -uc >"$out/log" 2>&1 || {
  tail -30 "$out/log" >&2
  exit 1
}
cd "$out"
rm -rf redraft
if command -v lintian >/dev/null 2>&1; then
  # the project has no mail address, and no bug of Debian's asks for the package
  lintian --allow-root --fail-on error,warning ./*.changes \
    --suppress-tags bogus-mail-host,bogus-mail-host-in-debian-changelog,initial-upload-closes-no-bugs
else
  echo "deb: lintian is not installed, so nobody has read the packages" >&2
fi
ls ./*.deb
