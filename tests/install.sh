#!/bin/bash
# make install: into a temporary folder, from which a user's program is built with pkg-config's word alone and run, and
# the installed program answers with the installed model. make uninstall then leaves nothing of it.
build=$1 compiler=$2
tree=$PWD folder=$(mktemp -d)
installed=$folder/installed # nothing else is put there
trap 'rm -rf "$folder"' EXIT
. tests/expect.bash
below() { (cd "$1" && find . -mindepth 1 "${@:2}" -printf '%P\n' | sort | xargs); } # below FOLDER [WHICH]: all that is in it, files, links and folders
DESTDIR=$installed cmake --install "$build" --prefix /opt/redraft >"$folder/log" || { cat "$folder/log"; exit 1; }
root=$installed/opt/redraft
for name in bin/redraft lib/systemd/system/redraft.service include/redraft.h share/man/man1/redraft.1 share/bash-completion/completions/redraft \
  share/zsh/site-functions/_redraft share/redraft/models/tini/model.gguf share/doc/redraft/LICENSE; do
  [ -s "$root/$name" ] || check "$name is installed" yes no
done
check "nothing outside the prefix" "opt opt/redraft" "$(below "$installed" -not -path './opt/redraft/*')"

export PKG_CONFIG_PATH=$(dirname "$(find "$root" -name redraft.pc)")
check "version" "$("$root/bin/redraft" --version)" "redraft $(pkg-config --modversion redraft)"
library=$(pkg-config --variable=libdir redraft)
sanitize=${SANITIZE:+-fsanitize=$SANITIZE}
cp examples/hello.c "$folder"
(cd "$folder" && "$compiler" -std=c17 $FLAGS $sanitize hello.c $(pkg-config --cflags --libs redraft) -o hello)
check "a user's program builds" 0 $?
answer=$(LD_LIBRARY_PATH=$library "$folder/hello" tests/golden/models/llama-mha Hello 2>"$folder/drafts")
check "a user's program runs" 0 $?
[[ $answer == *" iterations, "* ]] || check "what it says" "... iterations, ..." "$answer $(cat "$folder/drafts")"
if [ -e "$library/libredraft.so" ]; then
  check "what the library shows" "" "$(nm -D --defined-only "$library/libredraft.so" | awk '{print $3}' |
    while read -r name; do grep -q "\\b$name(" include/redraft.h || echo "$name"; done | grep -v '^__\|^_init\|^_fini')"
fi
cd "$folder" # so that no model of the tree is near
answer=$("$root/bin/redraft" generate --no-watch --iterations 2 --seed 1 -q "What's the capital of France?")
check "the installed program answers" 0 $?
[ -n "$answer" ] || check "the installed answer" "some text" none
answer=$(REDRAFT_MODEL=/nowhere "$root/bin/redraft" inspect 2>&1)
[[ $answer == */nowhere* ]] || check "REDRAFT_MODEL goes before the built-in model" "... /nowhere ..." "$answer"
cd "$tree" && touch "$root/share/man/man1/another.1"
DESTDIR=$installed tools/uninstall.sh "$build" /opt/redraft
check "uninstalling leaves what is not its own, and no empty folders" \
  "opt opt/redraft opt/redraft/share opt/redraft/share/man opt/redraft/share/man/man1 opt/redraft/share/man/man1/another.1" "$(below "$installed")"
exit $failed
