#!/bin/bash
# arm64.sh PROGRAM: the project cross-built for arm64 in build-arm64, and tests of every layer run there by qemu; the program
# must write what PROGRAM writes on the same portable kernels. Part of make test-all; it needs tools/setup.sh arm64, which
# brings the compiler and qemu, and Debian's mirror, once, for arm64's libraries, which go into build-arm64/sysroot alone.
skip() { echo "SKIP: $1"; exit 77; }
[ "${RD_TEST_ALL:-}" ] || skip "arm64 is tried by make test-all (RD_TEST_ALL=1)"
[ -z "${SANITIZE:-}" ] || skip "arm64 is tried as released"
command -v aarch64-linux-gnu-gcc >/dev/null && command -v qemu-aarch64-static >/dev/null ||
  skip "no cross compiler or no qemu; tools/setup.sh arm64 installs them"
. tests/expect.bash
root=$PWD/build-arm64/sysroot
libraries=$(sed -n 's/^arm64_libraries="\(.*\)"/\1/p' tools/setup.sh)
if [ "$(cat "$root/complete" 2>/dev/null)" != "$libraries" ]; then
  state=$PWD/build-arm64/apt
  rm -rf "$root" "$state"
  mkdir -p "$root" "$state/lists/partial" "$state/archives/partial"
  : >"$state/status"
  apt() {
    apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o Dir::State="$state" -o Dir::State::status="$state/status" \
      -o Dir::Cache="$state" -o APT::Sandbox::User="$(id -un)" -o Debug::NoLocking=1 "$@"
  }
  apt update >"$state/log" 2>&1 && apt --no-install-recommends --download-only -y install $libraries >>"$state/log" 2>&1 ||
    skip "no libraries of arm64 to be had: $(tail -1 "$state/log")"
  for package in "$state"/archives/*.deb; do dpkg-deb -x "$package" "$root" || exit 1; done
  rm -rf "$state" && echo "$libraries" >"$root/complete"
fi
# not test_matmul and test_engine: oneDNN has other code there, and the last bits of products in f32 depend on rows and threads
export RD_SYSROOT=$root QEMU_LD_PREFIX=$root
tests="test_base test_file_write test_ops test_propose test_groups test_blocks test_tensor_files test_tokenizer test_chat_template
  test_golden test_denoise test_policy test_session test_schedule test_train_step test_eval_exact test_words_scores test_view"
cmake --preset arm64 >build-arm64/configured 2>&1 && cmake --build build-arm64 --target redraft $tests >build-arm64/built 2>&1 ||
  { tail -30 build-arm64/configured build-arm64/built; exit 1; }
for test in $tests; do
  out=$(timeout 3000 qemu-aarch64-static build-arm64/$test 2>&1)
  status=$?
  [ $status == 0 ] || { tail -20 <<<"$out"; check "$test on arm64" 0 $status; }
done
words() { "$@" generate -q --no-watch --seed 3 --threads 1 --precision f32 -m tests/golden/models/llama-mha --sampler lad --iterations 4 --json Hello |
  grep -o '"event":"done","text":"[^"]*"'; }
own=$(REDRAFT_CPU=scalar words "$1")
[ -n "$own" ] || check "an answer" some none
check "arm64 writes what this machine writes" "$own" "$(words qemu-aarch64-static build-arm64/redraft)"
exit $failed
