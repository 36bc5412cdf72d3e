# Built by Debian's cross compiler and run by qemu. Its arm64 libraries lie beside those of this machine (dpkg --add-architecture),
# or in the folder RD_SYSROOT of the environment, as tests/arm64.sh makes one.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static)
if(DEFINED ENV{RD_SYSROOT})
  set(CMAKE_SYSROOT $ENV{RD_SYSROOT})
  set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
  set(ENV{PKG_CONFIG_SYSROOT_DIR} $ENV{RD_SYSROOT})
endif()
set(ENV{PKG_CONFIG_LIBDIR} $ENV{RD_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:$ENV{RD_SYSROOT}/usr/share/pkgconfig)
# The vectoriser of Debian 12's cross compiler (12.2) stops with an internal error in four files.
set(CMAKE_C_FLAGS_INIT -fno-tree-loop-vectorize)
