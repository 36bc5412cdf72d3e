#!/bin/bash
# packages.sh BUNDLE: what `make test-packages` runs, as root. On a bare Debian 12, made here by debootstrap, and without a
# network: the packages of build/deb are installed, used and removed, and the bundle answers; then the Containerfile is built
# with that Debian as its base. Packages come from $MIRROR; the folder $BASES keeps the bare systems for the next time.
set -u
bundle=$1
. tests/expect.bash
folder=$(mktemp -d)
bases=${BASES:-$folder/bases}
mirror=${MIRROR:-http://deb.debian.org/debian}
trap 'images rm -a >/dev/null 2>&1; rm -rf "$folder"' EXIT
question="What's the capital of France?"
answer="The capital of France is Paris"

logged() { # logged WHAT COMMAND...: it succeeds; if not, the end of what it said
  "${@:2}" >"$folder/log" 2>&1
  local status=$?
  [ $status == 0 ] || tail -20 "$folder/log"
  check "$1" 0 $status
}
images() { buildah --root "$folder/images" --runroot "$folder/run" --storage-driver vfs "$@"; }
# offline FOLDER COMMAND: in a system that lies in FOLDER, with a network of its own that leads nowhere
offline() {
  unshare --mount --net --pid --fork bash -c 'ip link set lo up; mount -t proc proc "$0/proc"
    exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 chroot "$0" sh -c "$1"' "$1" "$2"
}
bare() { # bare RELEASE FOLDER: a copy of that Debian with nothing but what it requires
  [ -e "$bases/$1" ] || {
    rm -rf "$bases/part"
    debootstrap --variant=minbase "$1" "$bases/part" "$mirror" >"$folder/log" && mv "$bases/part" "$bases/$1"
  } || { tail -5 "$folder/log"; exit 1; }
  cp -a "$bases/$1" "$2"
}
mkdir -p "$bases"

# The packages with all that they depend on, as if nothing were installed; required ones are in the bare system.
mkdir -p "$folder/lists/partial" "$folder/archives/partial"
: >"$folder/status"
apt-get -qq -o Dir::State::status="$folder/status" -o Dir::Cache::archives="$folder/archives" \
  -o APT::Sandbox::User=root --no-install-recommends --download-only -y install ./build/deb/*_"$(dpkg --print-architecture)".deb >"$folder/log" ||
  { tail -5 "$folder/log"; exit 1; }
bare bookworm "$folder/debian"
mkdir "$folder/debian/packages"
cp build/deb/*.deb "$folder/debian/packages"
for package in "$folder"/archives/*.deb; do
  [ "$(dpkg-deb -f "$package" Priority)" == required ] || cp "$package" "$folder/debian/packages"
done
logged "the packages are installed without a network" offline "$folder/debian" "dpkg -i /packages/*.deb"
found=$(offline "$folder/debian" "redraft generate -q --no-watch --temperature 0 --no-noise \"$question\"")
[[ $found == *"$answer"* ]] || check "the installed program answers" "$answer" "$found"
found=$(offline "$folder/debian" "REDRAFT_MODEL=/usr/share/redraft/models/tini redraft inspect --json")
check "REDRAFT_MODEL names a model" 0 $?
found=$(offline "$folder/debian" "redraft serve --quiet --port 8080 >/out & while ! grep -q http /out; do sleep 0.1; done
  bash -c 'exec 3<>/dev/tcp/127.0.0.1/8080; printf \"GET /health HTTP/1.0\r\n\r\n\" >&3; cat <&3'")
[[ $found == *'"status":"ok"'* ]] || check "the installed server answers" ok "$found"
cp /lib/systemd/system/*.target "$folder/debian/usr/lib/systemd/system" # those that it is ordered by
check "the unit is one that systemd takes" "" "$(systemd-analyze verify --man=no --root="$folder/debian" redraft.service 2>&1)"
exposure=$(systemd-analyze security --offline=yes --root="$folder/debian" redraft.service | sed -n 's/.*level for redraft.service: \([0-9]*\)\..*/\1/p')
[ "${exposure:-9}" -lt 2 ] || check "exposure of the unit" "below 2.0" "$exposure"
logged "the packages are removed" offline "$folder/debian" "dpkg -P redraft libredraft-dev libredraft0.1"
check "nothing of them stays" "" "$(find "$folder/debian" -xdev -path "$folder/debian/packages" -prune -o -name '*redraft*' -print)"

# The bundle where nothing but the bare system is, and where that is older than the libraries: Debian 11 has glibc 2.31.
for release in bookworm bullseye; do
  bare $release "$folder/$release"
  tar -C "$folder/$release/opt" -xzf "$bundle"
  found=$(offline "$folder/$release" "ln -s /opt/redraft-*/bin/redraft /usr/bin && redraft generate -q --no-watch --temperature 0 --no-noise \"$question\"")
  [[ $found == *"$answer"* ]] || check "the bundle answers in $release" "$answer" "$found"
  rm -rf "$folder/$release"
done

# The container. Without a registry the base is the bare system.
container=$(images from scratch)
tar -C "$bases/bookworm" -cf "$folder/base.tar" . && images add -q "$container" "$folder/base.tar" / >/dev/null
images commit -q "$container" localhost/bare >/dev/null
logged "the container is built" images bud --isolation chroot --build-arg BASE=localhost/bare -t redraft \
  -f packaging/Containerfile .
container=$(images from redraft)
found=$(images run --isolation chroot "$container" -- redraft generate -q --no-watch --temperature 0 --no-noise "$question")
[[ $found == *"$answer"* ]] || check "the container answers" "$answer" "$found"
check "as whom" nobody "$(images run --isolation chroot "$container" -- id -un)"
exit $failed
