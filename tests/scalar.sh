#!/bin/bash
# scalar.sh PROGRAM...: the tests of `make test-all` on the kernels that every processor has, as machines without AVX run them.
# Programs that pass on the best kernels must pass on these; test_memory,
# which counts allocations, and test_real, which runs a model of 135 M parameters, would take many minutes and are left out.
[ "${RD_TEST_ALL:-}" ] || { echo "SKIP: the scalar kernels are tried by make test-all (RD_TEST_ALL=1)"; exit 77; }
failed=0
for program in "$@"; do
  out=$(REDRAFT_CPU=scalar timeout 1500 "$program" 2>&1)
  status=$?
  [ $status == 0 ] || [ $status == 77 ] || { printf 'FAILED %s, status %s\n%s\n' "$program" $status "$(tail -20 <<<"$out")"; failed=1; }
done
exit $failed
