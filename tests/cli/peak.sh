#!/bin/bash
# The peak that bench divides by: each of its loops holds as many multiply-adds as its row of peak.c counts, for a compiler
# that finds two of them alike makes them one.
program=$1
command -v objdump >/dev/null || { echo "SKIP: no objdump"; exit 77; }
. tests/expect.bash
loop() { # loop FUNCTION INSTRUCTION: how many there are between a jump back and where it goes
  objdump -d --no-show-raw-insn --disassemble="$1" "$program" | python3 -c '
import re, sys
lines = [m.groups() for m in map(re.compile(r"\s*([0-9a-f]+):\s+(\S+)\s*([0-9a-f]*)").match, sys.stdin) if m]
most = 0
for at, (address, name, to) in enumerate(lines):
    if name.startswith("j") and to and int(to, 16) <= int(address, 16):
        inside = [n for a, n, _ in lines[:at] if int(a, 16) >= int(to, 16)]
        most = max(most, sum(n.startswith(sys.argv[1]) for n in inside))
print(most)' "$2"
}
while read -r name instruction flops; do
  counted=$(grep -rho --include=peak.c "rd_peak_$name, [0-9]* \* $flops," src | sed 's/.*, \([0-9]*\) .*/\1/')
  check "$name: $instruction in the loop" "$counted" "$(loop "rd_peak_$name" "$instruction")"
done <<'END'
f32_scalar mulss 2
f32_scalar addss 2
f32_avx2 vfmadd 16
f32_avx512 vfmadd 32
bf16_avx512bf16 vdpbf16ps 64
i8_avx512vnni vpdpbusd 128
END
exit $failed
