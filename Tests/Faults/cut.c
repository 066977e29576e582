/*
 * Cuts a program off in the middle of what it does to files, at a system call of one's choice.
 *
 * usage: cut DIRECTORY PLANS LOG COMMAND...
 *
 * Runs COMMAND under ptrace(2) and counts its system calls that name something below DIRECTORY, for
 * each first path component KEY below it by itself; those that make descriptors, and name no file, under the
 * KEY `any`. At each it reads PLANS/KEY, where there is one:
 *
 *     SERIAL NUMBER ACTION [onwards | SECOND]
 *
 * A new SERIAL starts the count again. When the count is NUMBER (or SECOND or, with `onwards`, at every
 * later call but those that only look) ACTION happens instead of the call: `kill 0` (SIGKILL), or `fail E`
 * with the errno E. LOG gets a line
 * "SERIAL KEY COUNT CALL ACTION" for each, after a first one with the process's id. The status is
 * COMMAND's, 128 and the number for a signal.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum form { FD, AT, LINK, PATH };
static const struct { long number; const char *name; enum form form; } calls[] = {
    {SYS_write, "write", FD}, {SYS_pwrite64, "pwrite64", FD}, {SYS_writev, "writev", FD},
    {SYS_read, "read", FD}, {SYS_fsync, "fsync", FD}, {SYS_fdatasync, "fdatasync", FD},
    {SYS_fchmod, "fchmod", FD}, {SYS_fchown, "fchown", FD}, {SYS_fstat, "fstat", FD},
    {SYS_ftruncate, "ftruncate", FD}, {SYS_getdents64, "getdents64", FD}, {SYS_close, "close", FD},
    {SYS_openat, "openat", AT}, {SYS_openat2, "openat2", AT}, {SYS_newfstatat, "newfstatat", AT},
    {SYS_statx, "statx", AT}, {SYS_unlinkat, "unlinkat", AT}, {SYS_mkdirat, "mkdirat", AT},
    {SYS_renameat2, "renameat2", AT}, {SYS_fchmodat, "fchmodat", AT}, {SYS_fchownat, "fchownat", AT},
    {SYS_readlinkat, "readlinkat", AT}, {SYS_symlinkat, "symlinkat", LINK},
#ifdef SYS_renameat
    {SYS_renameat, "renameat", AT},
#endif
#ifdef SYS_rename
    {SYS_open, "open", PATH}, {SYS_stat, "stat", PATH}, {SYS_lstat, "lstat", PATH},
    {SYS_rename, "rename", PATH}, {SYS_unlink, "unlink", PATH}, {SYS_mkdir, "mkdir", PATH},
    {SYS_rmdir, "rmdir", PATH}, {SYS_readlink, "readlink", PATH}, {SYS_chmod, "chmod", PATH},
#endif
};

/* Those that are about no path: sockets, timers, pipes, watches. Their first failure is the kernel's "no more". */
static const struct { long number; const char *name; } others[] = {
    {SYS_socket, "socket"}, {SYS_bind, "bind"}, {SYS_listen, "listen"}, {SYS_connect, "connect"},
    {SYS_accept4, "accept4"}, {SYS_setsockopt, "setsockopt"}, {SYS_getsockopt, "getsockopt"},
    {SYS_socketpair, "socketpair"}, {SYS_pipe2, "pipe2"}, {SYS_eventfd2, "eventfd2"},
    {SYS_epoll_create1, "epoll_create1"}, {SYS_epoll_ctl, "epoll_ctl"}, {SYS_timerfd_create, "timerfd_create"},
    {SYS_timerfd_settime, "timerfd_settime"}, {SYS_inotify_init1, "inotify_init1"},
    {SYS_inotify_add_watch, "inotify_add_watch"}, {SYS_signalfd4, "signalfd4"}, {SYS_fcntl, "fcntl"},
    {SYS_dup3, "dup3"}, {SYS_memfd_create, "memfd_create"}, {SYS_prlimit64, "prlimit64"},
    {SYS_sendto, "sendto"}, {SYS_sendmsg, "sendmsg"},
};

static struct counter { char key[64]; long serial; int count; } counters[4096];
static struct pending { pid_t thread; int error; } pendings[256];
static const char *directory, *plans;
static FILE *records;
static pid_t leader;

static void die(const char *what) { perror(what); exit(125); }

static int read_text(pid_t pid, unsigned long long address, char *text, size_t size) {
    size_t length = 0;
    while (length < size) {
        errno = 0;
        long word = ptrace(PTRACE_PEEKDATA, pid, (void *)(address + length), 0);
        if (errno) return -1;
        for (size_t i = 0; i < sizeof word && length < size; i++, length++) {
            text[length] = (char)(word >> (8 * i));
            if (!text[length]) return 0;
        }
    }
    return -1;
}

static int base_of(pid_t pid, int fd, char *path) {
    char link[64];
    if (fd == AT_FDCWD) snprintf(link, sizeof link, "/proc/%d/cwd", pid);
    else snprintf(link, sizeof link, "/proc/%d/fd/%d", pid, fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return -1;
    path[length] = 0;
    return 0;
}

/* The path that the call is about. */
static int subject(pid_t pid, enum form form, const __uint64_t *args, char *path) {
    char name[PATH_MAX], base[PATH_MAX];
    if (form == FD) return base_of(pid, (int)args[0], path);
    int at = form == LINK ? (int)args[1] : form == PATH ? AT_FDCWD : (int)args[0];
    if (read_text(pid, args[form == LINK ? 2 : form == PATH ? 0 : 1], name, sizeof name)) return -1;
    if (name[0] == '/') return strcpy(path, name), 0;
    if (base_of(pid, at, base)) return -1;
    return snprintf(path, PATH_MAX, name[0] ? "%s/%s" : "%s", base, name) >= PATH_MAX ? -1 : 0;
}

static struct counter *counter_of(const char *key) {
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
        if (!counters[i].key[0]) snprintf(counters[i].key, sizeof counters[i].key, "%s", key);
        if (!strcmp(counters[i].key, key)) return &counters[i];
    }
    errno = ENOSPC;
    die("keys");
    return NULL;
}

/* Whether a disk that has gone bad still does it. */
static int only_looks(const char *call) {
    return strstr(call, "stat") || !strcmp(call, "close") || !strcmp(call, "readlinkat");
}

/* What to do at the call: -1 nothing, 0 kill, else the errno to fail with. */
static int decide(const char *key, const char *call) {
    char file[PATH_MAX], action[16] = "", more[16] = "";
    struct counter *counter = counter_of(key);
    snprintf(file, sizeof file, "%s/%s", plans, key);
    long serial = 0;
    int number = 0, error = 0, verdict = -1;
    FILE *plan = fopen(file, "r");
    if (plan) {
        int count = fscanf(plan, "%ld %d %15s %d %15s", &serial, &number, action, &error, more);
        if (count < 3) number = 0;
        fclose(plan);
    }
    if (serial != counter->serial) *counter = (struct counter){.serial = serial};
    snprintf(counter->key, sizeof counter->key, "%s", key);
    counter->count++;
    int is_later = !strcmp(more, "onwards") ? counter->count > number && !only_looks(call)
                                            : counter->count == atoi(more);
    if (number && (counter->count == number || is_later))
        verdict = !strcmp(action, "kill") ? 0 : error;
    fprintf(records, "%ld %s %d %s %d\n", serial, key, counter->count, call, verdict);
    fflush(records);
    return verdict;
}

/* The first component of the path below the directory; NULL for one that is elsewhere. */
static const char *key_of(const char *path) {
    static char key[64];
    size_t length = strlen(directory);
    if (strncmp(path, directory, length) || path[length] != '/') return NULL;
    key[0] = 0;
    sscanf(path + length + 1, "%63[^/]", key);
    return key;
}

static void skip_call(pid_t pid, int error) {
#if defined(__x86_64__)
    ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, orig_rax), -1L);
#elif defined(__aarch64__)
    int none = -1;
    struct iovec vector = {&none, sizeof none};
    ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &vector);
#else
#error "how to skip a system call here?"
#endif
    for (size_t i = 0; i < sizeof pendings / sizeof *pendings; i++)
        if (!pendings[i].thread) {
            pendings[i] = (struct pending){pid, error};
            return;
        }
}

static void finish_call(pid_t pid) {
    for (size_t i = 0; i < sizeof pendings / sizeof *pendings; i++) {
        if (pendings[i].thread != pid) continue;
#if defined(__x86_64__)
        ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, rax), -(long)pendings[i].error);
#elif defined(__aarch64__)
        struct user_regs_struct registers;
        struct iovec vector = {&registers, sizeof registers};
        ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &vector);
        registers.regs[0] = -(long)pendings[i].error;
        ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &vector);
#endif
        pendings[i].thread = 0;
    }
}

static void act(pid_t pid, const char *key, const char *call) {
    int verdict = decide(key, call);
    if (verdict == 0) kill(leader, SIGKILL);
    else if (verdict > 0) skip_call(pid, verdict);
}

static void at_call(pid_t pid) {
    struct __ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) <= 0) return;
    if (info.op == PTRACE_SYSCALL_INFO_EXIT) return finish_call(pid);
    if (info.op != PTRACE_SYSCALL_INFO_ENTRY) return;
    /* Undumpable, its descriptors would be hidden from a tracer that is not root. */
    if (info.entry.nr == SYS_prctl && info.entry.args[0] == PR_SET_DUMPABLE) return skip_call(pid, 0);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        char path[2 * PATH_MAX];
        if (calls[i].number != (long)info.entry.nr) continue;
        if (subject(pid, calls[i].form, info.entry.args, path)) return;
        const char *key = key_of(path);
        return key ? act(pid, key, calls[i].name) : (void)0;
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (others[i].number == (long)info.entry.nr) return act(pid, "any", others[i].name);
}

/* Waits for whatever happens to any thread, until none is left; the leader's status. */
static int trace(void) {
    int status, result = 0;
    pid_t pid;
    while ((pid = waitpid(-1, &status, __WALL)) > 0) {
        int signal = 0;
        if (!WIFSTOPPED(status)) {
            if (pid == leader) result = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
            continue;
        }
        if (WSTOPSIG(status) == (SIGTRAP | 0x80)) at_call(pid);
        else if (!(status >> 16) && WSTOPSIG(status) != SIGSTOP) signal = WSTOPSIG(status);
        ptrace(PTRACE_SYSCALL, pid, 0, (long)signal);
    }
    return result;
}

int main(int count, char **arguments) {
    if (count < 5) return fprintf(stderr, "usage: cut DIRECTORY PLANS LOG COMMAND...\n"), 64;
    directory = arguments[1], plans = arguments[2];
    if (!(records = fopen(arguments[3], "ae"))) die(arguments[3]);
    if ((leader = fork()) < 0) die("fork");
    if (leader == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        execv(arguments[4], arguments + 4);
        die(arguments[4]);
    }
    fprintf(records, "pid %d\n", leader);
    fflush(records);
    if (waitpid(leader, NULL, 0) < 0) die("waitpid");
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SETOPTIONS, leader, 0, options)) die("ptrace");
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    ptrace(PTRACE_SYSCALL, leader, 0, 0);
    return trace();
}
