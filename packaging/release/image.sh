#!/usr/bin/env bash
# The release's image, an OCI archive: the programs of a staged tree on the few packages of Debian that hold
# the libraries they need, unpacked without their scripts: no shell, no package manager, nothing to run but
# the programs. Needs root, for the owners of the unpacked files.
#   packaging/release/image.sh STAGED VERSION COMMIT OUT
set -euo pipefail
staged=$(realpath "$1") version=$2 commit=$3 out=$(realpath -m "$4")
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
. /etc/os-release
case $(uname -m) in x86_64) architecture=amd64 ;; aarch64) architecture=arm64 ;; *) architecture=$(uname -m) ;; esac

base=$scratch/base
mmdebstrap --quiet --variant=extract --include=libcurl4,libssl3,ca-certificates,base-files,tzdata \
    "$VERSION_CODENAME" "$base" "${MIRROR:-http://deb.debian.org/debian}"
# What nobody there reads, and what tells when and where it was unpacked.
find "$base/usr/share" -mindepth 1 -maxdepth 1 ! -name doc ! -name ca-certificates ! -name zoneinfo -exec rm -rf {} +
find "$base/usr/share/doc" -type f ! -name copyright -delete
find "$base/usr/share/doc" -depth -mindepth 1 -type d -empty -delete
rm -rf "${base:?}"/{bin,sbin,usr/bin,usr/sbin,dev,proc,sys,boot,home,media,mnt,opt,srv,root} "$base"/var/{cache,lib,log} \
    "$base"/etc/{apt,dpkg,cron*,init.d,ldap,gss,issue*,motd,update-motd.d,profile.d,default,ca-certificates*,ld.so.cache}
mkdir -p "$base"/{dev,proc,sys,run,etc/ssl/certs}
install -d -m 1777 "$base/tmp"
# What the package's script would have made: the bundle, and the folder in which OpenSSL looks by hash.
for certificate in "$base"/usr/share/ca-certificates/mozilla/*.crt; do
    cat "$certificate" >>"$base/etc/ssl/certs/ca-certificates.crt"
    cp "$certificate" "$base/etc/ssl/certs/$(basename "$certificate" .crt).pem"
done
openssl rehash "$base/etc/ssl/certs" 2>/dev/null
rm -rf "$base/usr/share/ca-certificates"
printf '%s\n' 'root:x:0:0:root:/:/nonexistent' 'wif-agent:x:65532:65532::/:/nonexistent' >"$base/etc/passwd"
printf '%s\n' 'root:x:0:' 'wif-agent:x:65532:' >"$base/etc/group"
printf '%s\n' 'hosts: files dns' 'passwd: files' 'group: files' >"$base/etc/nsswitch.conf"

own=$scratch/own
install -D -t "$own/usr/bin" "$staged/usr/bin/wif-agent"
install -d "$own/usr/share"
install -D -t "$own/usr/libexec/wif-agent" "$staged/usr/libexec/wif-agent/wif-exchange"
cp -r --preserve=mode,timestamps "$staged/usr/share/wif-agent" "$own/usr/share"
# With a read-only root, a tmpfs or memory-backed volume belongs here, or --runtime-dir elsewhere.
install -d "$own/run/wif-agent" "$own/etc/wif-agent"
packaging/release/oci.py image "$out" "$architecture" "$version" "$commit" "$base" "$own"
