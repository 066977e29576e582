#!/usr/bin/env bash
# The programs as they are shipped, under glibc 2.34 and libcurl 7.76, the oldest that they are for: no Debian that
# has OpenSSL 3 has these. Builds both from their sources (a quarter of an hour), and runs the end-to-end tests.
# The programs are told by patchelf where the older libraries are; nothing else of them is changed.
#
# usage: packaging/older-glibc.sh GLIBC CURL DIRECTORY [NAME-OF-TEST...]
#   GLIBC, CURL  the unpacked sources: glibc-2.34, curl-7_76_1
#   DIRECTORY    where they are built and kept
set -euo pipefail
cd "$(dirname "$0")/.."
. packaging/requirements.sh
glibc=$(realpath "$1") curl=$(realpath "$2") place=$(realpath -m "$3")
shift 3
install_missing patchelf bison gawk cmake gcc
mkdir -p "$place"/{glibc-build,lib}
if [ ! -e "$place/glibc/lib/libc.so.6" ]; then
    (cd "$place/glibc-build" && "$glibc/configure" --prefix="$place/glibc" --disable-werror --disable-profile \
        --without-selinux --disable-nscd --enable-kernel=4.14 && make -j2 CXX= && make CXX= install) >"$place/glibc.log" 2>&1
fi
if [ ! -e "$place/lib/libcurl.so.4" ]; then
    # As autoconf finds out and cmake does not: without it libcurl wakes itself up through a TCP port of its own.
    cmake -S "$curl" -B "$place/curl-build" -DCMAKE_BUILD_TYPE=Release -DBUILD_CURL_EXE=OFF -DBUILD_TESTING=OFF \
        -DCMAKE_USE_LIBSSH2=OFF -DCURL_DISABLE_LDAP=ON -DUSE_NGHTTP2=OFF -DUSE_LIBIDN2=OFF -DENABLE_MANUAL=OFF \
        -DCURL_ZLIB=OFF -DCMAKE_C_FLAGS=-DHAVE_SOCKETPAIR -DCURL_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt >"$place/curl.log" 2>&1
    cmake --build "$place/curl-build" >>"$place/curl.log" 2>&1
    cp "$place"/curl-build/lib/libcurl.so "$place/lib/libcurl.so.4"
fi
if [ ! -e "$place/lib/libgcc_s.so.1" ]; then
    # Debian 12's own asks for a newer glibc; Debian 11's does not.
    (cd "$place" && wget -q "${MIRROR:-http://deb.debian.org/debian}/pool/main/g/gcc-10/libgcc-s1_10.2.1-6_amd64.deb" &&
        dpkg -x libgcc-s1_*.deb gcc && cp gcc/lib/x86_64-linux-gnu/libgcc_s.so.1 lib/)
fi
cp /usr/lib/x86_64-linux-gnu/lib{ssl,crypto}.so.3 "$place/lib/"
rm -rf "${place:?}/bin"
mkdir "$place/bin"
for program in wif-agent wif-exchange wif-emulator; do
    cp ".build/release/$program" "$place/bin/"
    patchelf --set-interpreter "$place/glibc/lib/ld-linux-x86-64.so.2" --force-rpath \
        --set-rpath "$place/glibc/lib:$place/lib" "$place/bin/$program"
    "$place/bin/$program" --version
done
"$place/glibc/lib/libc.so.6" | head -n 1
WIF_BIN=$place/bin Tests/EndToEndTests/run.py "$@"
