#!/bin/sh
# Installs what building and testing redraft need on Debian 12; elsewhere it prints the list.
# setup.sh [lint|clang|coverage|browser|deb|packages|arm64|mpi|balance]: what these need besides.
# Already installed packages cost nothing: apt is only called for what is missing.
set -eu
packages="gcc cmake ninja-build pkg-config libdnnl-dev libgomp1 libjansson-dev libyaml-dev libpcre2-dev
libutf8proc-dev libzip-dev libzstd-dev libmicrohttpd-dev libedit-dev libcurl4-gnutls-dev nettle-dev libcmocka-dev curl tmux python3 openssl"
# of arm64, for tests/arm64.sh, which puts them into a folder of their own
arm64_libraries="libc6-dev libdnnl-dev libgomp1 libjansson-dev libyaml-dev libpcre2-dev libutf8proc-dev libzip-dev libzstd-dev libmicrohttpd-dev libedit-dev libcurl4-gnutls-dev nettle-dev libcmocka-dev"
case "${1:-}" in
  lint) packages="$packages git clang libomp-dev clang-format cppcheck" ;;
  clang) packages="$packages clang libclang-rt-dev libomp-dev" ;;
  coverage) packages="$packages lcov" ;;
  deb) packages="$packages build-essential debhelper lintian" ;;
  packages) packages="$packages debootstrap buildah systemd iproute2" ;;
  arm64) packages="$packages gcc-aarch64-linux-gnu qemu-user-static" ;;
  balance) packages="$packages haproxy" ;;
  mpi) packages="$packages openmpi-bin libopenmpi-dev" ;;
  browser) packages="$packages chromium pngquant" ;;
esac

if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
  echo "setup: no apt here; redraft needs these Debian packages or their like:" $packages >&2
  exit 0
fi
missing=""
for p in $packages; do
  dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing="$missing $p"
done
[ -z "$missing" ] && exit 0
sudo=""
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null 2>&1 || {
    echo "setup: not root and no sudo; please install:$missing" >&2
    exit 1
  }
  sudo=sudo
fi
echo "setup: installing$missing" >&2
$sudo apt-get update -qq
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
