#!/usr/bin/env bash
# Asks a policy of SELinux about what man/wif-agent-install.7 says: which types the files have, as what systemd starts
# the programs, and who may do what with their sockets. No system with SELinux is needed, only setools and matchpathcon
# (Debian: setools, selinux-utils), and a policy, as a package has it or as its sources give it.
#
# usage: packaging/selinux.sh [--modules] [POLICY FILE_CONTEXTS]    # default: the policy of this system
#   --modules      the policy has the page's modules, for LoadCredential= and for httpd_t as a reader
#   POLICY         the binary policy, as in /etc/selinux/targeted/policy/policy.33
#   FILE_CONTEXTS  /etc/selinux/targeted/contexts/files/file_contexts, with file_contexts.subs_dist beside it
set -euo pipefail
cd "$(dirname "$0")/.."
modules=no
[ "${1-}" != --modules ] || { modules=yes && shift; }
policy=${1:-/sys/fs/selinux/policy} contexts=${2:-/etc/selinux/targeted/contexts/files/file_contexts}
status=0

tell() { # RESULT TEXT
    if [ "$1" = 0 ]; then echo "  ✓ $2"; else echo "  ✗ $2" && status=1; fi
}
# labelled PATH KIND TYPE: KIND as in the mode of ls: - d l s.
labelled() {
    local found
    found=$(matchpathcon -f "$contexts" -m "$2" -n "$1" | cut -d : -f 3)
    tell "$([ "$found" = "$3" ] && echo 0 || echo 1)" "$1: ${found:-no type}"
}
# allowed SOURCE TARGET CLASS PERMISSION TEXT, and denied likewise.
rules() {
    sesearch "$policy" -A -s "$1" -t "$2" -c "$3" -p "$4" 2>/dev/null | grep -v ' \[ ' | grep -c . || true
}
allowed() { tell "$([ "$(rules "$@")" -gt 0 ] && echo 0 || echo 1)" "$1 may $4 $2:$3: $5"; }
denied() { tell "$([ "$(rules "$@")" -eq 0 ] && echo 0 || echo 1)" "$1 may not $4 $2:$3: $5"; }
# by_module: what is allowed by the page's modules alone.
by_module() { if [ "$modules" = yes ]; then allowed "$@"; else denied "$@"; fi; }

echo 'files:'
for place in '' /opt/wif-agent; do
    labelled "$place/usr/bin/wif-agent" file bin_t
    labelled "$place/usr/libexec/wif-agent/wif-exchange" file bin_t
done
labelled /etc/wif-agent dir etc_t
labelled /etc/wif-agent/mondoo.json file etc_t
labelled /etc/systemd/system/wif-agent.service file systemd_unit_file_t
labelled /usr/lib/systemd/system/wif-agent.service file systemd_unit_file_t
for path in /run/wif-agent /run/wif-agent/state; do labelled "$path" dir var_run_t; done
for path in /run/wif-exchange.sock /run/wif-agent/control.sock /run/wif-agent/mondoo.sock; do
    labelled "$path" sock_file var_run_t
done
labelled /run/wif-agent/mondoo.json file var_run_t
labelled /home/user/wif-agent file user_home_t

echo 'programs:'
found=$(sesearch "$policy" -T -s init_t -t bin_t -c process | sed -n 's/.* \(.*\);$/\1/p')
tell "$([ "$found" = unconfined_service_t ] && echo 0 || echo 1)" "systemd starts bin_t as ${found:-itself}"
allowed init_t unconfined_service_t process2 nnp_transition 'for NoNewPrivileges=yes'
allowed unconfined_service_t bin_t file execute_no_trans 'the agent its worker, hooks and programs'
denied init_t user_home_t file execute 'a program that was unpacked in a home directory'
denied init_t var_t file execute 'nor below /srv'
for type in etc_t cert_t user_home_t; do allowed unconfined_service_t "$type" file read 'account files, sources'; done

# A socket that systemd makes for a unit has the type of systemd, or of what it will start.
echo 'sockets:'
for owner in init_t unconfined_service_t; do
    allowed unconfined_service_t "$owner" unix_stream_socket connectto 'the agent to wif-exchange.sock'
    allowed unconfined_service_t "$owner" unix_stream_socket read 'the worker the connection that it was given'
    allowed "$owner" unreserved_port_t tcp_socket name_bind 'wif-agent-metrics.socket, port 9464'
done
allowed unconfined_service_t init_t unix_dgram_socket sendto 'READY=1'
allowed unconfined_service_t http_port_t tcp_socket name_connect 'the worker, port 443'
allowed unconfined_service_t systemd_unit_file_t service reload 'hooks that reload a unit'
allowed init_t var_run_t file open 'LoadCredential= from a file output'
allowed init_t var_run_t sock_file write 'LoadCredential= from a socket output'
by_module init_t unconfined_service_t unix_stream_socket connectto 'LoadCredential= from a socket output'

echo 'readers:'
by_module httpd_t var_run_t file open 'a file output'
by_module httpd_t var_run_t sock_file write 'a socket output'
by_module httpd_t unconfined_service_t unix_stream_socket connectto 'a socket output'
# Where container-selinux is installed.
if seinfo "$policy" -t container_t | grep -q '^ *container_t$'; then
    denied container_t var_run_t file open 'a file output'
    denied container_t unconfined_service_t unix_stream_socket connectto 'a socket output'
fi
exit "$status"
