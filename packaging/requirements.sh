# shellcheck shell=bash
# Sourced by check.sh and demo.sh: what the build and the tests need beside the Swift toolchain,
# and how to get it where apt-get is at hand.

# say TEXT: one plain line on standard error.
say() { printf '%s\n' "$*" >&2; }

# missing_packages WHAT...: the Debian packages for what is not there, one a line.
# WHAT is PACKAGE (a pkg-config module or a command of that name) or PACKAGE=COMMAND.
missing_packages() {
    local item package command
    for item in "$@"; do
        package=${item%%=*} command=${item#*=}
        case $package in
        libcurl4-openssl-dev) pkg-config --exists libcurl 2>/dev/null || echo "$package" ;;
        libssl-dev) pkg-config --exists 'openssl >= 3' 2>/dev/null || echo "$package" ;;
        *) PATH=$PATH:/usr/sbin:/sbin command -v "$command" >/dev/null 2>&1 || echo "$package" ;;
        esac
    done
}

# as_root COMMAND...: as root, through sudo where needed; fails where neither is possible.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1 && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
        sudo "$@"
    else
        return 127
    fi
}

# install_missing WHAT...: installs what is missing with apt-get, or says what to install.
install_missing() {
    local packages
    command -v swift >/dev/null 2>&1 || {
        say "swift is not in PATH: install the Swift 6.3 toolchain from https://swift.org/install/linux"
        return 1
    }
    mapfile -t packages < <(missing_packages "$@")
    [ "${#packages[@]}" -gt 0 ] || return 0
    if ! command -v apt-get >/dev/null 2>&1; then
        say "missing, and there is no apt-get here to install it: ${packages[*]} (Debian's names)"
        return 1
    fi
    say "installing ${packages[*]}"
    if ! as_root true; then
        say "not root and no sudo that works without a terminal; run this as root, then try again:"
        say "    apt-get update && apt-get install -y ${packages[*]}"
        return 1
    fi
    as_root apt-get -qq update || say "apt-get update failed; trying with the lists that are here"
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${packages[@]}" >&2 || {
        say "apt-get could not install ${packages[*]}; its messages are above"
        return 1
    }
    mapfile -t packages < <(missing_packages "$@")
    [ "${#packages[@]}" -eq 0 ] || {
        say "still missing after the installation: ${packages[*]}"
        return 1
    }
}

# promtool_path: where promtool is, and prometheus beside it, from Prometheus' Debian package; unpacked, not
# installed, because the package would start a server. Nothing where it is not to be had.
promtool_path() {
    local tools=$PWD/.build/tools
    command -v promtool && return
    if [ ! -x "$tools/usr/bin/prometheus" ]; then
        mkdir -p "$tools"
        as_root apt-get -qq update >&2 || true
        (cd "$tools" && apt-get -qq -o APT::Sandbox::User=root download prometheus >&2 && dpkg -x prometheus_*.deb .) || return 0
        rm -f "$tools"/prometheus_*.deb
    fi
    echo "$tools/usr/bin/promtool"
}

# What reads credentials in the tests: the SDKs' modules, and the AWS CLI, which PyPI has.
readonly consumers_venv=.build/consumers-venv
consumer_modules() { "$1" -c 'import azure.identity, botocore, google.auth, grpc, requests'; }

# consumer_programs: kubectl and skopeo from Debian, where they are missing and can be had. Their tests skip
# otherwise.
consumer_programs() {
    local programs
    mapfile -t programs < <(missing_packages kubernetes-client=kubectl skopeo)
    [ "${#programs[@]}" -gt 0 ] || return 0
    (install_missing kubernetes-client=kubectl skopeo) ||
        say "${programs[*]} not to be had: the tests that use them are skipped"
}

# consumer_sdks: a virtual environment with the SDKs and the AWS CLI, where this machine's Python has them
# not. It waits for the network most of the time, so it is made beside the build.
consumer_sdks() {
    ! { consumer_modules python3 2>/dev/null && command -v aws >/dev/null; } || return 0
    ! consumer_modules "$consumers_venv/bin/python3" 2>/dev/null || return 0
    rm -rf "$consumers_venv"
    python3 -c 'import ensurepip' 2>/dev/null || as_root apt-get -qq install -y python3-venv
    python3 -m venv "$consumers_venv"
    "$consumers_venv/bin/pip" -q install --disable-pip-version-check --only-binary :all: \
        awscli azure-identity botocore google-auth grpcio requests
}

# consumers_path: PATH with that environment first, where it is whole.
consumers_path() {
    if consumer_modules "$consumers_venv/bin/python3" 2>/dev/null; then
        echo "$PWD/$consumers_venv/bin:$PATH"
    else
        echo "$PATH"
    fi
}

# own_folder FOLDER VARIABLE: makes it; ends the script where it is another user's, or others may write to it: what
# root starts there may be nobody else's. VARIABLE is what names another place.
own_folder() {
    mkdir -p "$1"
    if [ "$(stat -c %u "$1")" -ne "$(id -u)" ] || [ -n "$(find "$1" -maxdepth 0 -perm /022)" ]; then
        say "$1 is another user's, or others may write to it: name another place with $2"
        exit 1
    fi
}
