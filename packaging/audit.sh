#!/usr/bin/env bash
# What the programs ask of a system: nothing that glibc 2.34, libcurl 7.76 and OpenSSL 3.0 lack, and of libcurl
# no version of a symbol, which each distribution gives another name.
#   packaging/audit.sh DIRECTORY    # a folder with the programs, at any depth
set -euo pipefail
directory=${1:?a directory with the programs is missing}
glibc=2.34
# Functions of libcurl's that are younger than 7.76.
young='curl_(easy_(next)?header|easy_ssls_|global_trace|multi_(get_handles|get_offt|notify_|waitfds)|url_strerror|ws_)'
status=0
bad() {
    echo "$1: $2"
    status=1
}
for name in wif-agent wif-exchange wif-emulator; do
    program=$(find "$directory/" -name "$name" -type f -perm -100 | head -n 1)
    [ -n "$program" ] || { bad "$name" "is not in $directory"; continue; }
    versions=$(readelf --version-info --wide "$program" | grep -oE 'Name: [A-Z][A-Za-z0-9_.]+' | cut -d ' ' -f 2 | sort -uV)
    for version in $versions; do
        case $version in
        GLIBC_*)
            newest=$(printf '%s\n' "$glibc" "${version#GLIBC_}" | sort -V | tail -n 1)
            [ "$newest" = "$glibc" ] || bad "$name" "asks for $version: $(readelf --dyn-syms --wide "$program" | grep -oE "[^ ]+@$version" | tr '\n' ' ')"
            ;;
        OPENSSL_3.0.0 | GCC_*) ;;
        *) bad "$name" "asks for $version" ;;
        esac
    done
    found=$(readelf --dyn-syms --wide "$program" | grep -oE " ${young}[a-z0-9_]*" || true)
    [ -z "$found" ] || bad "$name" "calls what libcurl 7.76 lacks:$(tr '\n' ' ' <<<"$found")"
    needed=$(readelf --dynamic --wide "$program" | sed -En 's/.*\(NEEDED\).*\[(.*)\]/\1/p' | tr '\n' ' ')
    echo "$name: $(grep GLIBC_ <<<"$versions" | tail -n 1), $needed"
done
exit "$status"
