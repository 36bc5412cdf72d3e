#!/bin/sh
# bundle.sh BUILD VERSION: what `make bundle` runs. A folder and its tarball for any Linux of this processor: the program
# with every library that it loads, the C library and its loader among them, so that neither the distribution nor its age
# matters. /proc/self/exe is then the loader in lib/, and ../share/redraft from there has the built-in model.
set -eu
name=redraft-$2-linux-$(uname -m)
out=$1/$name
rm -rf "$out" "$out.tar.gz"
DESTDIR=$out cmake --install "$1" --prefix / --strip >/dev/null
rm -rf "$out/include" "$out/lib" # the library is for those who build: make install
mkdir "$out/lib"
mv "$out/bin/redraft" "$out/lib/redraft"
licences=$out/share/doc/redraft/licences
mkdir -p "$licences"
# what is linked, and what is opened when it is needed (late.h)
libraries=$(ldd "$1/redraft" "$1"/late/*.so | grep -o '=> /[^ ]*\|/[^ ]*/ld-linux[^ ]*' | sed 's/^=> //' | sort -u)
for library in $libraries; do
  cp -L "$library" "$out/lib/"
  # an installed library is known to dpkg by its real place, or by the one before /usr was merged
  owner=$(dpkg -S "$(readlink -f "$library")" 2>/dev/null || dpkg -S "$library" 2>/dev/null ||
    dpkg -S "${library#/usr}" 2>/dev/null || dpkg -S "/usr$library")
  owner=${owner%%:*}
  cp "/usr/share/doc/$owner/copyright" "$licences/$owner"
done
loader=$(basename "$(ldd "$1/redraft" | grep -o '/[^ ]*/ld-linux[^ ]*')")
cat >"$out/bin/redraft" <<END
#!/bin/sh
here=\$(dirname "\$(readlink -f "\$0")")/..
exec "\$here/lib/$loader" --argv0 "\$0" --library-path "\$here/lib" "\$here/lib/redraft" "\$@"
END
chmod +x "$out/bin/redraft"
tar -C "$1" --owner=0 --group=0 --numeric-owner -czf "$out.tar.gz" "$name"
ls -l "$out.tar.gz"
