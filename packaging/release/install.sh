#!/bin/sh
# Installs this folder's units, users, completions and manual pages, wherever the folder stands
# (/opt/wif-agent, say): for systems without the packages, and those whose /usr cannot be written. What it
# makes are links and files below /etc and /usr/local; --remove stops the units, takes these files away again and
# says what is left.
#   ./install.sh [--remove]    # as root
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
case $here in *[!A-Za-z0-9/._-]*) echo "install.sh: units cannot name $here: choose a plain path" >&2; exit 1 ;; esac
root=${DESTDIR-}
units=$root/etc/systemd/system
local=$root/usr/local

links() { # PLACE FILE, one a line: what is linked from where
    for program in wif-agent wif-emulator; do echo "$local/bin/$program $here/usr/bin/$program"; done
    echo "$local/share/bash-completion/completions/wif-agent $here/usr/share/bash-completion/completions/wif-agent"
    echo "$local/share/zsh/site-functions/_wif-agent $here/usr/share/zsh/vendor-completions/_wif-agent"
    echo "$local/share/fish/vendor_completions.d/wif-agent.fish $here/usr/share/fish/vendor_completions.d/wif-agent.fish"
    for page in "$here"/usr/share/man/man?/*; do echo "$local/share/man/${page#"$here"/usr/share/man/} $page"; done
}

case ${1-} in
--remove)
    running=no
    if [ -d /run/systemd/system ] && [ -z "$root" ]; then running=yes; fi
    if [ "$running" = yes ]; then
        for unit in "$units"/wif-agent*.service "$units"/wif-*.socket; do
            [ ! -e "$unit" ] || systemctl disable --quiet "${unit##*/}" || true
        done
        # By name, whether or not their files are still there.
        systemctl stop 'wif-agent*.service' 'wif-*.socket' 'wif-exchange@*.service' || true
    fi
    links | while read -r place file; do
        if [ "$(readlink "$place")" = "$file" ]; then rm -f "$place"; fi
    done
    for unit in "$here"/usr/lib/systemd/system/*; do rm -f "$units/${unit##*/}"; done
    rm -f "$root/etc/sysusers.d/wif-agent.conf"
    if [ "$running" = yes ]; then
        # Else systemd would start the agent from memory, for a unit that wants it.
        systemctl daemon-reload
        # What an agent keeps for the next one to adopt.
        rm -rf /run/wif-agent
    fi
    echo "left, to be removed by hand where they are not wanted: /etc/wif-agent, /etc/default/wif-agent, $here,"
    echo "the users wif-agent and wif-exchange"
    ;;
'')
    links | while read -r place file; do
        # A read-only /usr: the programs are used where they are.
        mkdir -p "${place%/*}" 2>/dev/null && ln -sfn "$file" "$place" 2>/dev/null || echo "not linked: $place"
    done
    mkdir -p "$units" "$root/etc/sysusers.d" "$root/etc/default"
    for unit in "$here"/usr/lib/systemd/system/*; do
        sed "s|/usr/bin/wif-agent|$here/usr/bin/wif-agent|; s|/usr/libexec/wif-agent/|$here/usr/libexec/wif-agent/|" \
            "$unit" >"$units/${unit##*/}"
    done
    cp "$here/usr/lib/sysusers.d/wif-agent.conf" "$root/etc/sysusers.d/"
    [ -e "$root/etc/default/wif-agent" ] || cp "$here/etc/default/wif-agent" "$root/etc/default/"
    if [ -z "$root" ]; then
        systemd-sysusers wif-agent.conf
        [ -d /etc/wif-agent ] || install -d -o root -g wif-agent -m 0750 /etc/wif-agent
        if [ -d /run/systemd/system ]; then
            systemctl daemon-reload
            systemctl try-restart wif-agent.service 'wif-agent@*.service' || true
        fi
    fi
    echo "next: an account file in /etc/wif-agent, then systemctl enable --now wif-agent"
    ;;
*) echo 'usage: install.sh [--remove]' >&2; exit 64 ;;
esac
