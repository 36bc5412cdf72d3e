#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `make lint` asks of the tree's shape, beside what the compiler does:

- no two sources have one name, so that an include and a test's name say which file is meant;
- no circle of modules: x.c with x.h is one module, an include is an arrow. A header without a source
  of its own (types, what a folder keeps to itself) is no module: what it includes is its includer's;
- a header that another folder of src/ includes is listed in tools/faces.txt as its folder's face,
  and what is listed there is so used;
- comments and documents name only sources and rd_ names that there are.
"""
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

FOREIGN = {"llama2.c", "dnnl.h"}  # sources of others that are spoken of
COMMENT = re.compile(r"/\*.*?\*/", re.S)
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def listed(*folders):
    out = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", *folders],
                         capture_output=True, text=True, check=True).stdout
    return [Path(line) for line in sorted(set(out.splitlines()))
            if Path(line).suffix in (".c", ".h", ".inc") and Path(line).exists()]


def same_names(files):
    places = defaultdict(list)
    for file in files:
        places[file.name].append(str(file))
    return [f"two files of one name: {' and '.join(where)}" for where in places.values() if len(where) > 1]


def reach(arrows, module):
    """Modules that a module includes, through headers that are none."""
    seen, todo, found = set(), list(arrows[module]), set()
    while todo:
        other = todo.pop()
        if other in own:
            found.add(other)
        elif other not in seen:
            seen.add(other)
            todo += arrows[other]
    return found - {module}


def circles(arrows):
    """Strongly connected parts of more than one module, by Tarjan's algorithm."""
    found, number, low, stack = [], {}, {}, []
    arrows = {module: reach(arrows, module) for module in arrows if module in own}

    def visit(module):
        number[module] = low[module] = len(number)
        stack.append(module)
        for other in sorted(arrows[module]):
            if other not in number:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], number[other])
        if low[module] == number[module]:
            part = stack[stack.index(module):]
            del stack[stack.index(module):]
            if len(part) > 1:
                found.append(f"a circle of files: {', '.join(sorted(part))} include each other")

    for module in sorted(arrows):
        if module not in number:
            visit(module)
    return found


def faces(used):
    """`used`: the headers of each folder that others include."""
    path, wrong = Path("tools/faces.txt"), []
    said = {folder: set(names.split()) for folder, names in
            (line.split(":", 1) for line in path.read_text().splitlines() if line.strip())}
    for folder in sorted(set(used) | set(said)):
        new, gone = used[folder] - said.get(folder, set()), said.get(folder, set()) - used[folder]
        wrong += [f"src/{folder}/{name} is used by {used_by[folder, name]}, and {path} does not list it as {folder}'s face"
                  for name in sorted(new)]
        wrong += [f"{path} lists {folder}: {name}, which no other folder uses" for name in sorted(gone)]
    return wrong


def stale(files):
    """Names in comments and documents that nothing has."""
    texts = {file: file.read_text() for file in files}
    known = set(re.findall(r"\brd_\w+", COMMENT.sub("", "".join(texts.values()))))
    build = [Path("CMakeLists.txt"), *Path("cmake").glob("*.cmake")]
    known |= set(re.findall(r"\brd_\w+", "".join(path.read_text() for path in build)))
    names = {file.name for file in files + listed("include", "examples")} | FOREIGN
    said = {file: " ".join(COMMENT.findall(text)) for file, text in texts.items()}
    for document in [*Path(".").glob("*.md"), *Path("doc").glob("*.md"), *Path("bench").glob("*.md")]:
        said[document] = document.read_text()
    wrong = []
    for file, text in said.items():
        if file.name in ("CHANGELOG.md", "SPEED.md"):  # what was, under its name of then
            continue
        spoken = re.findall(r"(?<![\w./*-])(?:\w+/)*([a-z]\w*\.(?:c|h|inc))\b", text)
        gone = set(spoken) - names | set(re.findall(r"\brd_\w+", text)) - known
        wrong += [f"{file} speaks of {name}, which there is not" for name in sorted(gone)
                  if "NAME" not in name and not any(other.startswith(name) for other in known)]
    return wrong


files = listed("src", "tests", "fuzz", "bench")
sources = [file for file in files if file.parts[0] == "src"]
own = {file.stem for file in sources if file.suffix == ".c"}
home = {file.name: file for file in sources}
arrows, used, used_by = defaultdict(set), defaultdict(set), {}
for file in sources:
    module = arrows[file.stem]
    for name in INCLUDE.findall(file.read_text()):
        target = home.get(name)
        if target is None:
            continue
        if target.stem != file.stem:
            module.add(target.stem)
        if target.parent != file.parent:
            used[target.parts[1]].add(name)
            used_by[target.parts[1], name] = str(file)

wrong = same_names(files) + circles(arrows) + faces(used) + stale(files)
for line in wrong:
    print("lint:", line)
sys.exit(bool(wrong))
