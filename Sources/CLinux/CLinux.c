#define _GNU_SOURCE
#include "CLinux.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int wif_accept(int listener, void *address, uint32_t capacity, uint32_t *length) {
    socklen_t size = capacity;
    int descriptor = accept4(listener, address, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    *length = size;
    return descriptor;
}

int wif_peer_credentials(int socket, int32_t *pid, uint32_t *uid, uint32_t *gid) {
    struct ucred credentials;
    socklen_t size = sizeof credentials;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return -1;
    *pid = credentials.pid;
    *uid = credentials.uid;
    *gid = credentials.gid;
    return 0;
}

int wif_peer_groups(int socket, uint32_t *groups, int capacity) {
    socklen_t size = (socklen_t)capacity * sizeof(gid_t);
    if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups, &size) != 0) return -1;
    return (int)(size / sizeof(gid_t));
}

int wif_pipe(int descriptors[2]) { return pipe2(descriptors, O_CLOEXEC); }

int wif_set_nonblocking(int descriptor) {
    int flags = fcntl(descriptor, F_GETFL);
    return flags < 0 ? -1 : fcntl(descriptor, F_SETFL, flags | O_NONBLOCK);
}

int wif_set_cloexec(int descriptor, bool on) {
    return fcntl(descriptor, F_SETFD, on ? FD_CLOEXEC : 0);
}

int wif_openat(int directory, const char *path, int flags, uint32_t mode) {
    return openat(directory, path, flags | O_CLOEXEC, (mode_t)mode);
}

int wif_open_directory(int parent, const char *name) {
    return openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int wif_rename(int directory, const char *from, const char *to) {
    return renameat(directory, from, directory, to);
}

int wif_visit_names(int directory, void *context, void (*visit)(void *context, const char *name)) {
    int own = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (own < 0) return -1;
    DIR *stream = fdopendir(own);
    if (stream == NULL) {
        close(own);
        return -1;
    }
    struct dirent *entry;
    for (errno = 0; (entry = readdir(stream)) != NULL; errno = 0) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        visit(context, entry->d_name);
    }
    int reason = errno;
    closedir(stream);
    errno = reason;
    return reason == 0 ? 0 : -1;
}

_Static_assert(WIF_EPOLL_IN == EPOLLIN && WIF_EPOLL_OUT == EPOLLOUT && WIF_EPOLL_ERR == EPOLLERR &&
                   WIF_EPOLL_HUP == EPOLLHUP && WIF_EPOLL_ONESHOT == EPOLLONESHOT &&
                   WIF_EPOLL_ADD == EPOLL_CTL_ADD && WIF_EPOLL_DELETE == EPOLL_CTL_DEL &&
                   WIF_EPOLL_MODIFY == EPOLL_CTL_MOD,
               "the header's copies of <sys/epoll.h>");

int wif_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

int wif_epoll_control(int epoll, int operation, int descriptor, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data.u64 = data};
    return epoll_ctl(epoll, operation, descriptor, &event);
}

int wif_epoll_wait(int epoll, wif_epoll_ready *ready, int capacity, int timeout_ms) {
    struct epoll_event events[64];
    if (capacity > 64) capacity = 64;
    int count = epoll_wait(epoll, events, capacity, timeout_ms);
    for (int i = 0; i < count; i++) {
        ready[i].events = events[i].events;
        ready[i].data = events[i].data.u64;
    }
    return count;
}

int wif_poll_writable(int descriptor, int timeout_ms) {
    struct pollfd wanted = {.fd = descriptor, .events = POLLOUT};
    return poll(&wanted, 1, timeout_ms);
}

int wif_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

uint64_t wif_ignored_signals(void) {
    uint64_t ignored = 0;
    for (int signal = 1; signal < NSIG; signal++) {
        struct sigaction action;
        if (sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
            ignored |= 1ULL << (signal - 1);
    }
    return ignored;
}

int wif_stopped_child(int32_t pid) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    int result;
    do result = waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOHANG);
    while (result != 0 && errno == EINTR);
    return result == 0 && info.si_pid == pid ? info.si_status : 0;
}

int wif_clock_watch(void) { return timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK); }

int wif_clock_watch_arm(int descriptor) {
    // Far, yet within what a 32-bit consumer of /proc would print.
    struct itimerspec far = {.it_value.tv_sec = 0x7fffffffffLL};
    int flags = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET;
    int result = timerfd_settime(descriptor, flags, &far, NULL);
    // A step between two settings is told once by settime itself; the timer is armed by the next.
    if (result != 0 && errno == ECANCELED) result = timerfd_settime(descriptor, flags, &far, NULL);
    return result;
}

int wif_boot_timer(void) { return timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK); }

int wif_boot_timer_arm(int descriptor, int64_t nanoseconds) {
    if (nanoseconds < 1) nanoseconds = 1;  // 0 would disarm
    struct itimerspec once = {
        .it_value = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000}};
    return timerfd_settime(descriptor, TFD_TIMER_ABSTIME, &once, NULL);
}

int wif_pidfd_open(int32_t pid) { return (int)syscall(SYS_pidfd_open, (pid_t)pid, 0); }

int wif_pidfd_signal(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

int wif_cloexec_from(uint32_t first) {
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif
    return (int)syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC);
}

int wif_set_dumpable(bool on) { return prctl(PR_SET_DUMPABLE, on ? 1 : 0, 0, 0, 0); }
int wif_set_no_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

int wif_open_path(int directory, const char *name) {
    return openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

int wif_chown_path(int descriptor, uint32_t owner, uint32_t group) {
    return fchownat(descriptor, "", owner, group, AT_EMPTY_PATH);
}

int wif_chmod_path(int descriptor, uint32_t mode) {
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452  // since Linux 6.6
#endif
    if (syscall(SYS_fchmodat2, descriptor, "", (mode_t)mode, AT_EMPTY_PATH) == 0) return 0;
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    return chmod(path, (mode_t)mode);
}

int wif_set_name(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }
int wif_set_child_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }
bool wif_is_child_subreaper(void) {
    int is_set = 0;
    return prctl(PR_GET_CHILD_SUBREAPER, &is_set, 0, 0, 0) == 0 && is_set != 0;
}

// What the soft limit was before it was raised; children start with it again.
static struct rlimit first_descriptor_limit;
static bool has_raised_descriptor_limit;

void wif_raise_descriptor_limit(void) {
    struct rlimit limit;
    if (has_raised_descriptor_limit || getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    first_descriptor_limit = limit;
    limit.rlim_cur = limit.rlim_max;
    has_raised_descriptor_limit = setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static void restore(const wif_process_origin *origin) {
    umask((mode_t)origin->mask);
    struct rlimit core = {.rlim_cur = origin->core_soft, .rlim_max = origin->core_hard};
    setrlimit(RLIMIT_CORE, &core);
    for (int i = 0; i < origin->inherited_count; i++) wif_set_cloexec(origin->inherited[i], false);
}

// A copy of a descriptor, out of the way of the first 16. EINVAL says that the limit is no higher than that.
static int copy_above(int descriptor) {
    int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 16);
    if (copy < 0 && errno == EINVAL) errno = EMFILE;
    return copy;
}

// Runs in the child between fork and exec: async-signal-safe calls only.
static void become(const wif_spawn_request *request, int report, pid_t parent) {
    struct sigaction standard;
    memset(&standard, 0, sizeof standard);
    standard.sa_handler = SIG_DFL;
    for (int signal = 1; signal < NSIG; signal++) {
        bool ignored = request->origin != NULL && request->origin->ignored >> (signal - 1) & 1;
        standard.sa_handler = ignored ? SIG_IGN : SIG_DFL;
        sigaction(signal, &standard, NULL);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (request->new_group && setpgid(0, 0) != 0) goto failed;
    if (request->directory != NULL && chdir(request->directory) != 0) goto failed;

    // First out of the way of 0..<count, then into place, so that no target overwrites a source.
    int moved[16];
    if (request->count > 16) {
        errno = E2BIG;
        goto failed;
    }
    for (int i = 0; i < request->count; i++) {
        int source = request->descriptors[i];
        if (source < 0) source = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (source < 0) goto failed;
        moved[i] = copy_above(source);
        if (moved[i] < 0) goto failed;
    }
    int kept = copy_above(report);
    if (kept < 0) goto failed;
    report = kept;
    for (int i = 0; i < request->count; i++) {
        if (dup2(moved[i], i) < 0) goto failed;
    }
    wif_cloexec_from((uint32_t)request->count);
    if (request->origin != NULL) restore(request->origin);
    if (has_raised_descriptor_limit) setrlimit(RLIMIT_NOFILE, &first_descriptor_limit);
    if (request->confinement != NULL && wif_confine(request->confinement, parent) != 0) goto failed;
    if (request->search) {
        execvpe(request->path, request->arguments, request->environment);
    } else {
        execve(request->path, request->arguments, request->environment);
    }
failed:;
    int reason = errno;
    while (write(report, &reason, sizeof reason) < 0 && errno == EINTR) {
    }
    _exit(127);
}

int32_t wif_spawn(const wif_spawn_request *request, int *pidfd) {
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) return -1;
    // Every signal is held over the fork, so that no handler of ours runs in the child.
    sigset_t all, previous;
    // What PR_SET_PDEATHSIG tells of is the end of a thread: the main one stays to the last.
    pid_t parent = syscall(SYS_gettid) == getpid() ? getpid() : 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &previous);
    pid_t pid = fork();
    if (pid == 0) become(request, report[1], parent);
    int fork_error = errno;
    pthread_sigmask(SIG_SETMASK, &previous, NULL);
    close(report[1]);
    if (pid < 0) {
        close(report[0]);
        errno = fork_error;
        return -1;
    }
    int reason = 0;
    ssize_t size;
    do size = read(report[0], &reason, sizeof reason);
    while (size < 0 && errno == EINTR);
    close(report[0]);
    if (size == (ssize_t)sizeof reason) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
        }
        errno = reason;
        return -1;
    }
    *pidfd = wif_pidfd_open(pid);
    if (*pidfd < 0) {
        int saved = errno;
        kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
        }
        errno = saved;
        return -1;
    }
    return pid;
}

int wif_is_memory_file_system(int descriptor) {
    struct statfs status;
    if (fstatfs(descriptor, &status) != 0) return -1;
    return status.f_type == TMPFS_MAGIC || status.f_type == RAMFS_MAGIC;
}
