#!/usr/bin/env bash
# Lays out an installation below a directory, from the release build in .build/release: what the archive
# and the packages are made of. Every file has the date of $SOURCE_DATE_EPOCH, or of the last commit.
#   packaging/stage.sh DIRECTORY
set -euo pipefail
cd "$(dirname "$0")/.."
root=${1:?a directory is missing}
release=.build/release
umask 022

# put MODE FILE PLACE: a file where it belongs.
put() { install -D -m "$1" "$2" "$root/$3"; }

# What is left out tells of the place where it was built, and is used by nobody. GNU's strip would take the
# read-only relocations with it.
program() {
    put 755 "$release/$1" "$2"
    llvm-objcopy --strip-all --remove-section=.swift_modhash --remove-section=.comment \
        --remove-section=.note.gnu.build-id "$root/$2"
}
program wif-agent usr/bin/wif-agent
program wif-emulator usr/bin/wif-emulator
# By these names other programs start it for a credential.
for helper in git docker bazel; do
    ln -s wif-agent "$root/usr/bin/$helper-credential-wif-agent"
done
program wif-exchange usr/libexec/wif-agent/wif-exchange

for page in man/*.[1-8]; do
    put 644 "$page" "usr/share/man/man${page##*.}/${page##*/}"
    gzip -9n "$root/usr/share/man/man${page##*.}/${page##*/}"
done

# The same as text, for wif-agent help where there is no man.
packaging/help.sh "$root/usr/share/wif-agent/help"

for helper in git docker bazel; do
    ln -s wif-agent.1.gz "$root/usr/share/man/man1/$helper-credential-wif-agent.1.gz"
done

for shell in bash zsh fish; do
    case $shell in
    bash) place=bash-completion/completions/wif-agent ;;
    zsh) place=zsh/vendor-completions/_wif-agent ;;
    fish) place=fish/vendor_completions.d/wif-agent.fish ;;
    esac
    mkdir -p "$root/usr/share/$(dirname "$place")"
    "$release/wif-agent" completion "$shell" >"$root/usr/share/$place"
done

for unit in packaging/systemd/*.{service,socket}; do
    put 644 "$unit" "usr/lib/systemd/system/${unit##*/}"
done
put 644 packaging/systemd/sysusers.conf usr/lib/sysusers.d/wif-agent.conf
put 644 packaging/systemd/wif-agent.default etc/default/wif-agent

docs=usr/share/doc/wif-agent
put 644 README.md "$docs/README.md"
for folder in systemd/drop-ins systemd/examples prometheus grafana; do
    place=$docs/examples/${folder#systemd/}
    for file in packaging/"$folder"/*; do
        case $file in *.test.yml) continue ;; esac
        put 644 "$file" "${place%/examples}/${file##*/}"
    done
done

epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
find "$root" -depth -exec touch --no-dereference --date="@$epoch" {} +
