# Built by Debian's cross compiler, with its arm64 libraries beside those of this machine, and run by qemu.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static)
set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig)
# The vectoriser of Debian 12's cross compiler (12.2) stops with an internal error in four files.
set(CMAKE_C_FLAGS_INIT -fno-tree-loop-vectorize)
