// What the kernel offers to programs built like this one, for tests that need it. On a machine of its own that is
// everything; an emulator of another processor passes on some calls alone. Prints a line for
// each thing that is missing, NAME: CALL: ERROR, which tests find in MISSING.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void missing(const char *name, const char *call) { printf("%s: %s: %s\n", name, call, strerror(errno)); }

static int terminal(void) {
    int leader = posix_openpt(O_RDWR | O_NOCTTY);
    if (leader < 0 || grantpt(leader) != 0 || unlockpt(leader) != 0) return -1;
    int follower = open(ptsname(leader), O_RDWR | O_NOCTTY);
    return follower >= 0 && isatty(follower) == 1 ? 0 : -1;
}

static int peer_groups(void) {
    int pair[2];
    gid_t groups[1024] = {1, 2, 3};
    socklen_t size = sizeof groups;
    if (geteuid() == 0 && setgroups(3, groups) != 0) return -1;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return -1;
    return getsockopt(pair[0], SOL_SOCKET, SO_PEERGROUPS, groups, &size);
}

static int landlock(void) {
    return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 1 ? 0 : -1;
}

static int filter(void) {
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {.len = 1, .filter = &allow};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

// A thread that this program did not start keeps the powers that this one gives up.
static int own_threads(void) {
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    if (!tasks) return -1;
    for (struct dirent *entry; (entry = readdir(tasks));) count += entry->d_name[0] != '.';
    closedir(tasks);
    errno = EBUSY;
    return count == 1 ? 0 : -1;
}

static int file_limit(void) {
    struct rlimit none = {0, 0}, found;
    if (setrlimit(RLIMIT_FSIZE, &none) != 0 || getrlimit(RLIMIT_FSIZE, &found) != 0) return -1;
    errno = EINVAL;
    return found.rlim_max == 0 ? 0 : -1;
}

int main(void) {
    if (terminal() != 0) missing("terminals", "isatty");
    if (peer_groups() != 0) missing("peer groups", "getsockopt SO_PEERGROUPS");
    if (landlock() != 0) missing("Landlock", "landlock_create_ruleset");
    if (own_threads() != 0) missing("threads of its own alone", "/proc/self/task");
    // Last, as they cannot be undone.
    if (filter() != 0) missing("filters", "seccomp");
    if (file_limit() != 0) missing("a limit of files", "setrlimit RLIMIT_FSIZE");
    return 0;
}
