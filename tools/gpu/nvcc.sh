#!/bin/sh
# nvcc.sh BUILD [ARCH...]: what `make CUDA=1` runs. Builds BUILD/libredraft-cuda.so for the cards named (80 90 100: A100, H100 and
# H200, B200), with the nvcc of $NVCC, of the path or of /usr/local/cuda; where there is none, with NVIDIA's from PyPI, put into
# BUILD/nvcc (1.1 GB). No card is needed. cuBLAS is found beside nvcc or in Python's packages, and where it lies is remembered
# in the library. Status 75: NVIDIA's packages could not be fetched.
set -eu
build=$1
shift
mkdir -p "$build"
[ $# -gt 0 ] || set -- 80 90 100
nvcc=${NVCC:-$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)}
if [ ! -x "$nvcc" ]; then
  venv=$build/nvcc
  if ! ls "$venv"/lib/python3*/site-packages/nvidia/cu13/include/cublasLt.h >/dev/null 2>&1; then
    echo "nvcc.sh: no nvcc here: taking NVIDIA's packages from PyPI into $venv" >&2
    python3 -m venv "$venv"
    "$venv/bin/pip" install -q 'nvidia-cuda-nvcc>=13,<14' 'nvidia-cuda-runtime>=13,<14' 'nvidia-cuda-cccl>=13,<14' \
      'nvidia-cublas>=13,<14' || {
      echo "nvcc.sh: NVIDIA's packages could not be fetched from PyPI: install nvcc, or name it in NVCC" >&2
      exit 75
    }
  fi
  nvcc=$(echo "$venv"/lib/python3*/site-packages/nvidia/cu13/bin/nvcc)
fi
root=$(cd "$(dirname "$nvcc")/.." && pwd)
# places of cuBLAS: beside nvcc, or where Python has it
places="$root $root/targets/x86_64-linux $(python3 -c '
import site, glob
for folder in [*site.getsitepackages(), site.getusersitepackages()]:
    print(*glob.glob(folder + "/nvidia/cu13"), *glob.glob(folder + "/nvidia/cublas"))' 2>/dev/null || true)"
include="" library=""
for place in $places; do
  [ -n "$include" ] || [ ! -f "$place/include/cublasLt.h" ] || include=$place/include
  for folder in "$place/lib64" "$place/lib"; do
    [ -n "$library" ] || library=$(ls "$folder"/libcublasLt.so.1? 2>/dev/null | head -1)
  done
done
[ -n "$include" ] && [ -n "$library" ] || {
  echo "nvcc.sh: $nvcc is there, but no cublasLt.h and libcublasLt.so beside it or in Python's packages" >&2
  exit 1
}
codes=""
for card in "$@"; do
  codes="$codes -gencode arch=compute_$card,code=sm_$card"
done
runtime=""
for folder in "$root/lib64" "$root/lib" "$root/targets/x86_64-linux/lib"; do
  [ ! -f "$folder/libcudart_static.a" ] || runtime="-L$folder"
done
# shellcheck disable=SC2086 # lists of options
"$nvcc" -std=c++17 -O3 $codes -Xcompiler -fPIC,-fvisibility=hidden,-Wall -shared $runtime \
  -Iinclude -Isrc/base -Isrc/kern -Isrc/cuda -I"$include" -o "$build/libredraft-cuda.so.new" src/cuda/device_card.cu \
  -L"$(dirname "$library")" -l:"$(basename "$library")" -Xlinker -rpath -Xlinker "$(dirname "$library")" -Xlinker -rpath -Xlinker '$ORIGIN'
mv "$build/libredraft-cuda.so.new" "$build/libredraft-cuda.so"
echo "built $build/libredraft-cuda.so for $*, with $nvcc"
