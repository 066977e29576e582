// What a worker gives up, by itself or between fork and exec: async-signal-safe calls only, and system calls
// in place of the C library's setuid(3) and its like, which would speak to the parent's other threads.
#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint64_t bit(int capability) { return 1ULL << capability; }

static int read_capabilities(struct __user_cap_data_struct *data, uint64_t *permitted) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    if (syscall(SYS_capget, &header, data) != 0) return -1;
    *permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
    return 0;
}

static int write_capabilities(uint64_t permitted, uint64_t effective, uint64_t inheritable) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        data[i].permitted = (uint32_t)(permitted >> (32 * i));
        data[i].effective = (uint32_t)(effective >> (32 * i));
        data[i].inheritable = (uint32_t)(inheritable >> (32 * i));
    }
    return (int)syscall(SYS_capset, &header, data);
}

int wif_keep_capabilities(uint64_t kept) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, data) != 0) return -1;
    uint32_t surplus = 0;
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        uint32_t part = (uint32_t)(kept >> (32 * i));
        surplus |= (data[i].effective | data[i].permitted | data[i].inheritable) & ~part;
        data[i].effective &= part;
        data[i].permitted &= part;
        data[i].inheritable &= part;
    }
    // A unit that has none may not be allowed the call either.
    return surplus == 0 ? 0 : (int)syscall(SYS_capset, &header, data);
}

bool wif_can_change_user(void) {
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    uint64_t needed = bit(CAP_SETUID) | bit(CAP_SETGID) | bit(CAP_SETPCAP) | bit(CAP_KILL);
    uint64_t permitted;
    return geteuid() == 0 && read_capabilities(data, &permitted) == 0 && (permitted & needed) == needed;
}

int wif_become_user(uint32_t user, uint32_t group, uint64_t kept, bool until_exec) {
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    uint64_t permitted;
    if (read_capabilities(data, &permitted) != 0) return -1;
    kept &= permitted;
    // Only what is in the bounding set becomes inheritable.
    if (until_exec && write_capabilities(permitted, permitted, kept) != 0) return -1;
    // Nothing that is started later gains any, and a user's change takes none away but here.
    unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                         SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED;
    if (prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) != 0) return -1;
    for (int i = 0; i < 64; i++) {
        if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) != 0 && errno != EINVAL) return -1;
    }
    if (syscall(SYS_setgroups, 0, NULL) != 0) return -1;
    if (syscall(SYS_setresgid, group, group, group) != 0) return -1;
    if (syscall(SYS_setresuid, user, user, user) != 0) return -1;
    if (!until_exec) return write_capabilities(kept, kept, 0);
    // What outlives exec are the ambient ones alone.
    for (int i = 0; i < 64; i++) {
        if ((kept & bit(i)) == 0) continue;
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) != 0) return -1;
    }
    bits |= SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
    if (prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) != 0) return -1;
    // Until then the program's path may lead through directories that are closed to the user.
    uint64_t search = (bit(CAP_DAC_OVERRIDE) | bit(CAP_DAC_READ_SEARCH)) & permitted;
    return write_capabilities(kept | search, kept | search, kept);
}

static int limit(int resource, rlim_t most) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0) return -1;
    if (limit.rlim_max > most) limit.rlim_max = most;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(resource, &limit);
}

int wif_limit(const wif_limits *limits) {
    if (limit(RLIMIT_CORE, 0) != 0) return -1;
    if (limit(RLIMIT_CPU, limits->processor_seconds) != 0) return -1;
    if (limits->address_space != 0 && limit(RLIMIT_AS, limits->address_space) != 0) return -1;
    return limits->writes_files ? 0 : limit(RLIMIT_FSIZE, 0);
}

int wif_confine(const wif_confinement *confinement, int32_t parent) {
    if (wif_limit(&confinement->limits) != 0) return -1;
    if (confinement->changes_user) {
        if (wif_become_user(confinement->user, confinement->group, confinement->kept, true) != 0) return -1;
    } else if (confinement->keeps_capabilities) {
        if (wif_keep_capabilities(confinement->kept) != 0) return -1;
    }
    if (confinement->reaps && wif_set_child_subreaper() != 0) return -1;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    // After the change of users, which would undo it.
    if (parent != 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return -1;
        if (getppid() != parent) _exit(127);
    }
    return confinement->filters && wif_enter_filter(confinement->filter) < 0 ? -1 : 0;
}
