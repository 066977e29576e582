#!/usr/bin/env bash
# The programs as they are shipped, on systems other than the one they were built on: in a clean root of each
# release of Debian, which has another glibc, libcurl and OpenSSL, the release's archive is unpacked below /opt,
# and the demo, the end-to-end tests and the Swift tests of what uses those libraries are run. Needs root.
# The roots are kept in $ROOTS (/var/tmp/wif-agent-roots); each run works on a layer above, which goes.
#
# usage: packaging/roots.sh [--only NAME]... [RELEASE...]    # default: bookworm trixie sid
#   --only NAME  of the end-to-end tests those alone, and nothing else
set -euo pipefail
cd "$(dirname "$0")/.."
. packaging/requirements.sh
[ "$(id -u)" -eq 0 ] || { echo 'skipped: needs root'; exit 0; }
only=()
while [ "${1-}" = --only ]; do only+=("$2") && shift 2; done
releases=("$@")
[ $# -gt 0 ] || releases=(bookworm trixie sid)
roots=${ROOTS:-/var/tmp/wif-agent-roots}
own_folder "$roots" ROOTS
install_missing mmdebstrap util-linux=unshare

# For the tests; the programs need libcurl, OpenSSL and the certificates alone.
tools=ca-certificates,python3,iproute2,procps,openssl,curl,jq,mandoc,systemd,util-linux,mount,strace,gcc,libc6-dev,dash,zsh,fish,git,locales-all
failed=()
for release in "${releases[@]}"; do
    root=$roots/$release
    if [ ! -e "$root" ]; then
        rm -rf "$root.new"
        case $release in bookworm) libraries=libcurl4,libssl3 ;; *) libraries=libcurl4t64,libssl3t64 ;; esac
        # A mirror that is a copy of some day has lists that are out of date; they are signed all the same.
        mmdebstrap --quiet --variant=apt --dpkgopt=force-unsafe-io --aptopt='Acquire::Check-Valid-Until "false"' \
            --include="$libraries,$tools" \
            "$release" "$root.new" "${MIRROR:-http://deb.debian.org/debian}"
        mv "$root.new" "$root"
    fi
    layer=$(mktemp -d "$roots/layer-XXXXXX")
    status=0
    # Private to this block: the mounts end with it.
    unshare --mount --net --propagation private bash packaging/roots-inside.sh "$root" "$layer" "${only[@]}" || status=$?
    rm -rf "$layer"
    [ "$status" -eq 0 ] || failed+=("$release")
done
[ "${#failed[@]}" -eq 0 ] || { echo "FAILED on ${failed[*]}"; exit 1; }
