// Filters of system calls (seccomp(2)): programs of BPF, made from tables when they are entered.
#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// The architectures this is written for, and the only place that tells them apart. Where the kernel runs
// programs of a second architecture, too, COMPAT is that one and DENIED_COMPAT its numbers of `denied`.
#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#define COMPAT AUDIT_ARCH_I386
static const uint16_t denied_compat[] = {
    26, 51, 86, 87, 101, 110, 113, 115, 123, 128, 129, 131, 166, 169, 253, 283,  // ptrace to kexec_load
    336, 347, 348, 349, 350, 357, 374, 425, 426, 427, 438,  // perf_event_open to pidfd_getfd
};
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#define COMPAT AUDIT_ARCH_ARM
static const uint16_t denied_compat[] = {
    26, 51, 86, 87, 115, 128, 129, 131, 169, 249, 347,  // ptrace to kexec_load
    364, 376, 377, 378, 379, 386, 388, 401, 425, 426, 427, 438,  // perf_event_open to pidfd_getfd
};
#else
#error "the filters of system calls are written for x86_64 and aarch64"
#endif

#define COUNT(array) (sizeof(array) / sizeof *(array))

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

// What becomes of a call. What depends on its arguments is named by what is allowed.
enum action {
    REFUSE,  // EPERM
    UNKNOWN,  // ENOSYS: the C library then does without
    ALLOW,
    THREAD,  // clone(2) of a thread, and no process or name space
    READING,  // open(2) for reading alone
    READING_AT,  // the same of openat(2)
    SOCKET,
    PAIR,
    OPTION,
    CONTROL,
    DEVICE,
    OWN_THREAD,  // tgkill(2) within the process
    OWN_LIMIT,  // prlimit(2) of the process itself
    PROCESS,  // prctl(2)
    MAPPING,
    PROTECTION,
    REAPER,  // prctl(2) but to give up PR_SET_CHILD_SUBREAPER
    FAMILY,  // socket(2) of a family in use
    MARK,  // tells that the filter of WIF_FILTER_START is in force
    STARTED,  // prctl(2) but for what only WIF_FILTER_START allows
};

// How that filter answers a call that Linux has no more; nothing else answers it so.
enum { MARK_CALL = SYS_nfsservctl, MARK_ERROR = ENOTNAM };

// Calls whose numbers exceed every table's are newer than it.
enum { HIGHEST = 451, CALLS = HIGHEST + 1 };

// A worker's: memory, threads, time, reading of files, connections to the network.
static const uint16_t allowed[] = {
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_preadv, SYS_lseek, SYS_close,
    SYS_fstat, SYS_newfstatat, SYS_statx, SYS_statfs, SYS_fstatfs, SYS_getdents64,
    SYS_readlinkat, SYS_faccessat, SYS_getcwd, SYS_fadvise64, SYS_close_range, SYS_dup, SYS_dup3,
    SYS_getxattr, SYS_lgetxattr, SYS_fgetxattr, SYS_listxattr, SYS_llistxattr, SYS_flistxattr,
    SYS_pipe2, SYS_eventfd2, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_ppoll,
    SYS_pselect6, SYS_timerfd_create, SYS_timerfd_settime, SYS_timerfd_gettime,
    SYS_connect, SYS_getsockname, SYS_getpeername, SYS_getsockopt, SYS_shutdown,
    SYS_sendto, SYS_recvfrom, SYS_sendmsg, SYS_recvmsg, SYS_sendmmsg, SYS_recvmmsg,
    SYS_brk, SYS_munmap, SYS_mremap, SYS_madvise, SYS_mlock, SYS_mlock2, SYS_munlock, SYS_membarrier,
    SYS_futex, SYS_set_robust_list, SYS_set_tid_address, SYS_rseq, SYS_sched_yield,
    SYS_sched_getaffinity, SYS_sched_getparam, SYS_sched_getscheduler, SYS_getcpu,
    SYS_nanosleep, SYS_clock_nanosleep, SYS_clock_gettime, SYS_clock_getres, SYS_gettimeofday,
    SYS_times, SYS_getrusage, SYS_uname, SYS_sysinfo, SYS_getrandom, SYS_umask, SYS_getrlimit,
    SYS_getpid, SYS_gettid, SYS_getppid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid,
    SYS_getresuid, SYS_getresgid, SYS_getgroups, SYS_getpgid, SYS_getsid, SYS_capget,
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_rt_sigpending, SYS_rt_sigsuspend,
    SYS_rt_sigtimedwait, SYS_sigaltstack, SYS_restart_syscall, SYS_wait4, SYS_waitid,
    SYS_exit, SYS_exit_group,
#ifdef SYS_epoll_pwait2
    SYS_epoll_pwait2,
#endif
#ifdef SYS_faccessat2
    SYS_faccessat2,
#endif
#ifdef __x86_64__  // older forms, which newer architectures do not have
    SYS_stat, SYS_lstat, SYS_readlink, SYS_access, SYS_dup2, SYS_pipe, SYS_poll, SYS_select,
    SYS_epoll_create, SYS_epoll_wait, SYS_getpgrp, SYS_time, SYS_arch_prctl,
#endif
};

// Beside these, for a program that is about to become a worker and to enter the filter of one.
static const uint16_t allowed_at_start[] = {
    SYS_execve, SYS_execveat, SYS_capset, SYS_setrlimit, SYS_seccomp,
    SYS_landlock_create_ruleset, SYS_landlock_add_rule, SYS_landlock_restrict_self,
};

// What neither an agent needs nor a program that it or a worker starts: to look into other processes, to
// change the kernel, and interfaces that are known for their faults. Such a filter is inherited.
static const uint16_t denied[] = {
    SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp, SYS_pidfd_getfd,
    SYS_perf_event_open, SYS_bpf, SYS_userfaultfd, SYS_lookup_dcookie,
    SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register,
    SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_acct,
    SYS_swapon, SYS_swapoff, SYS_quotactl, SYS_nfsservctl,
#ifdef SYS_kexec_file_load
    SYS_kexec_file_load,
#endif
#ifdef __x86_64__
    SYS_iopl, SYS_ioperm, SYS_modify_ldt, SYS_uselib,
#endif
};

typedef struct {
    struct sock_filter *code;
    int count;
    wif_filter filter;
    uint32_t process;
} writer;

enum { LONGEST = 1400 };

static void put(writer *out, uint16_t code, uint32_t value, uint8_t yes, uint8_t no) {
    if (out->count < LONGEST) {
        out->code[out->count] = (struct sock_filter){code, yes, no, value};
    }
    out->count++;
}

static void finish(writer *out, uint32_t result) { put(out, BPF_RET | BPF_K, result, 0, 0); }
static void refuse(writer *out, int reason) {
    finish(out, SECCOMP_RET_ERRNO | ((uint32_t)reason & SECCOMP_RET_DATA));
}
static void allow(writer *out) { finish(out, SECCOMP_RET_ALLOW); }

static void load(writer *out, size_t offset) {
    put(out, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

// The lower half of an argument: all that the kernel looks at where its type is an int.
static void load_argument(writer *out, int index) {
    load(out, offsetof(struct seccomp_data, args) + (size_t)index * sizeof(uint64_t));
}

static void mask(writer *out, uint32_t bits) { put(out, BPF_ALU | BPF_AND | BPF_K, bits, 0, 0); }

// Ends with `yes` where the loaded value is this one; goes on where it is not.
static void if_equal(writer *out, uint32_t value, uint32_t yes) {
    put(out, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
    finish(out, yes);
}

static void one_of(writer *out, int argument, const uint32_t *values, size_t count) {
    load_argument(out, argument);
    for (size_t i = 0; i < count; i++) if_equal(out, values[i], SECCOMP_RET_ALLOW);
    refuse(out, EPERM);
}

// Allowed where of these bits exactly those of `value` are set.
static void bits(writer *out, int argument, uint32_t which, uint32_t value) {
    load_argument(out, argument);
    mask(out, which);
    if_equal(out, value, SECCOMP_RET_ALLOW);
    refuse(out, EPERM);
}

static void sockets(writer *out) {
    enum { TYPE = 0xf };  // without SOCK_CLOEXEC and SOCK_NONBLOCK
    uint32_t unsupported = SECCOMP_RET_ERRNO | EAFNOSUPPORT;
    load_argument(out, 0);
    if (out->filter.unix_sockets) {
        put(out, BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 0, 5);
        load_argument(out, 1);
        mask(out, TYPE);
        if_equal(out, SOCK_STREAM, SECCOMP_RET_ALLOW);
        refuse(out, EPERM);
    }
    put(out, BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 2, 0);
    put(out, BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 1, 0);
    finish(out, unsupported);
    load_argument(out, 1);
    mask(out, TYPE);
    if_equal(out, SOCK_STREAM, SECCOMP_RET_ALLOW);
    if_equal(out, SOCK_DGRAM, SECCOMP_RET_ALLOW);
    refuse(out, EPERM);
}

// Allows the call unless its argument is that; what follows is about those calls.
static void allow_unless(writer *out, unsigned argument, uint32_t value) {
    load_argument(out, argument);
    put(out, BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0);
    allow(out);
}

// No programs of BPF on a socket; their options have numbers of SOL_SOCKET.
static void socket_options(writer *out) {
    allow_unless(out, 1, SOL_SOCKET);
    load_argument(out, 2);
    static const uint32_t programs[] = {
        SO_ATTACH_FILTER, SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_CBPF, SO_ATTACH_REUSEPORT_EBPF,
    };
    for (size_t i = 0; i < COUNT(programs); i++) {
        if_equal(out, programs[i], SECCOMP_RET_ERRNO | EPERM);
    }
    allow(out);
}

static const uint32_t controls_at_start[] = {PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP};

static void started_control(writer *out) {
    load_argument(out, 0);
    for (size_t i = 0; i < COUNT(controls_at_start); i++) {
        if_equal(out, controls_at_start[i], SECCOMP_RET_ERRNO | EPERM);
    }
    allow(out);
}

static void process_control(writer *out) {
    static const uint32_t always[] = {
        PR_SET_NAME, PR_GET_NAME, PR_SET_VMA, PR_GET_DUMPABLE, PR_GET_NO_NEW_PRIVS, PR_CAPBSET_READ,
    };
    load_argument(out, 0);
    if (out->filter.kind == WIF_FILTER_START) {
        for (size_t i = 0; i < COUNT(controls_at_start); i++) {
            if_equal(out, controls_at_start[i], SECCOMP_RET_ALLOW);
        }
    }
    for (size_t i = 0; i < COUNT(always); i++) if_equal(out, always[i], SECCOMP_RET_ALLOW);
    refuse(out, EPERM);
}

// Whoever has programs started reaps what they leave behind, and cannot stop doing so.
static void reaper(writer *out) {
    allow_unless(out, 0, PR_SET_CHILD_SUBREAPER);
    load_argument(out, 1);
    if_equal(out, 0, SECCOMP_RET_ERRNO | EPERM);
    allow(out);
}

static void families(writer *out) {
    static const uint32_t known[] = {
        AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_ALG, AF_VSOCK,
    };
    load_argument(out, 0);
    for (size_t i = 0; i < COUNT(known); i++) if_equal(out, known[i], SECCOMP_RET_ALLOW);
    refuse(out, EAFNOSUPPORT);
}

static void put_action(writer *out, enum action action) {
    static const uint32_t controls[] = {
        F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL,
    };
    static const uint32_t devices[] = {TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, SIOCGIFINDEX, SIOCGIFNAME};
    static const uint32_t clone_process = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
    static const uint32_t clone_space = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                        CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
    static const uint32_t writing = O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);
    switch (action) {
        case REFUSE: refuse(out, EPERM); break;
        case UNKNOWN: refuse(out, ENOSYS); break;
        case ALLOW: allow(out); break;
        case THREAD: bits(out, 0, clone_process | clone_space, clone_process); break;
        case READING: bits(out, 1, writing, O_RDONLY); break;
        case READING_AT: bits(out, 2, writing, O_RDONLY); break;
        case SOCKET: sockets(out); break;
        case PAIR:
            // A connected one of streams leads nowhere else; a datagram could be sent to any address.
            load_argument(out, 0);
            put(out, BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 1, 0);
            refuse(out, EPERM);
            bits(out, 1, 0xf, SOCK_STREAM);
            break;
        case OPTION: socket_options(out); break;
        case CONTROL: one_of(out, 1, controls, COUNT(controls)); break;
        case DEVICE: one_of(out, 1, devices, COUNT(devices)); break;
        case OWN_THREAD: one_of(out, 0, &out->process, 1); break;
        case OWN_LIMIT: {
            const uint32_t own[] = {0, out->process};
            one_of(out, 0, own, COUNT(own));
            break;
        }
        case PROCESS: process_control(out); break;
        case MAPPING:
            load_argument(out, 2);
            mask(out, PROT_WRITE | PROT_EXEC);
            if_equal(out, PROT_WRITE | PROT_EXEC, SECCOMP_RET_ERRNO | EPERM);
            allow(out);
            break;
        case PROTECTION: bits(out, 2, PROT_EXEC, 0); break;
        case REAPER: reaper(out); break;
        case FAMILY: families(out); break;
        case MARK: refuse(out, MARK_ERROR); break;
        case STARTED: started_control(out); break;
    }
}

// A binary search for the loaded number among ranges of one action each.
static void search(writer *out, const uint8_t *actions, const uint16_t *starts, int first, int last) {
    if (first == last) {
        put_action(out, (enum action)actions[starts[first]]);
        return;
    }
    int middle = (first + last + 1) / 2;
    put(out, BPF_JMP | BPF_JGE | BPF_K, starts[middle], 0, 1);
    int jump = out->count;
    put(out, BPF_JMP | BPF_JA, 0, 0, 0);
    search(out, actions, starts, first, middle - 1);
    if (jump < LONGEST) out->code[jump].k = (uint32_t)(out->count - jump - 1);
    search(out, actions, starts, middle, last);
}

static void set(uint8_t *actions, const uint16_t *calls, size_t count, enum action action) {
    for (size_t i = 0; i < count; i++) {
        if (calls[i] < CALLS) actions[calls[i]] = (uint8_t)action;
    }
}

// The rest of a worker's filter, where that of its start is in force: filters add up, and both together
// allow what WIF_FILTER_WORKER does.
static void fill_rest(uint8_t *actions) {
    memset(actions, ALLOW, CALLS);
    set(actions, allowed_at_start, COUNT(allowed_at_start), REFUSE);
    actions[SYS_prctl] = STARTED;
}

static void fill(uint8_t *actions, const wif_filter *filter) {
    bool denies = filter->kind == WIF_FILTER_AGENT || filter->kind == WIF_FILTER_PROGRAMS;
    memset(actions, denies ? ALLOW : REFUSE, CALLS);
    if (denies) {
        set(actions, denied, COUNT(denied), REFUSE);
        actions[SYS_socket] = FAMILY;
        if (filter->kind == WIF_FILTER_PROGRAMS) actions[SYS_prctl] = REAPER;
        return;
    }
    set(actions, allowed, COUNT(allowed), ALLOW);
    if (filter->kind == WIF_FILTER_START) {
        set(actions, allowed_at_start, COUNT(allowed_at_start), ALLOW);
        actions[MARK_CALL] = MARK;
    }
    actions[SYS_clone] = THREAD;
    actions[SYS_clone3] = UNKNOWN;  // its flags are in memory; clone(2) does as well
#ifdef SYS_openat2
    actions[SYS_openat2] = UNKNOWN;
#endif
#ifdef SYS_open
    actions[SYS_open] = READING;
#endif
    actions[SYS_openat] = READING_AT;
    actions[SYS_socket] = SOCKET;
    actions[SYS_socketpair] = PAIR;
    actions[SYS_setsockopt] = OPTION;
    actions[SYS_fcntl] = CONTROL;
    actions[SYS_ioctl] = DEVICE;
    actions[SYS_tgkill] = OWN_THREAD;
    actions[SYS_prlimit64] = OWN_LIMIT;
    actions[SYS_prctl] = PROCESS;
    actions[SYS_mmap] = MAPPING;
    actions[SYS_mprotect] = PROTECTION;
}

static bool has_start_filter(void) { return syscall(MARK_CALL) == -1 && errno == MARK_ERROR; }

static void foreign_architecture(writer *out, bool denies) {
    if (!denies) {
        finish(out, SECCOMP_RET_KILL_PROCESS);
        return;
    }
    // A program for the other architecture may be among those that are started.
    put(out, BPF_JMP | BPF_JEQ | BPF_K, COMPAT, 1, 0);
    refuse(out, ENOSYS);
    load(out, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < COUNT(denied_compat); i++) {
        if_equal(out, denied_compat[i], SECCOMP_RET_ERRNO | EPERM);
    }
    allow(out);
}

int wif_enter_filter(wif_filter filter) {
    uint8_t actions[CALLS];
    uint16_t starts[CALLS];
    struct sock_filter code[LONGEST];
    writer out = {code, 0, filter, (uint32_t)getpid()};
    bool is_rest = filter.kind == WIF_FILTER_WORKER && has_start_filter();
    bool denies = is_rest || filter.kind == WIF_FILTER_AGENT || filter.kind == WIF_FILTER_PROGRAMS;
    if (is_rest) fill_rest(actions);
    else fill(actions, &filter);
    int ranges = 0;
    for (int i = 0; i < CALLS; i++) {
        // What asks for its arguments has a range of its own, by being an action of its own.
        if (i == 0 || actions[i] != actions[i - 1]) starts[ranges++] = (uint16_t)i;
    }
    load(&out, offsetof(struct seccomp_data, arch));
    put(&out, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
    int jump = out.count;
    put(&out, BPF_JMP | BPF_JA, 0, 0, 0);
    load(&out, offsetof(struct seccomp_data, nr));
    put(&out, BPF_JMP | BPF_JGT | BPF_K, HIGHEST, 0, 3);
#ifdef __X32_SYSCALL_BIT
    put(&out, BPF_JMP | BPF_JGE | BPF_K, __X32_SYSCALL_BIT, 0, 1);
#else
    put(&out, BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1);
#endif
    refuse(&out, ENOSYS);
    if (denies) allow(&out); else refuse(&out, ENOSYS);
    search(&out, actions, starts, 0, ranges - 1);
    code[jump].k = (uint32_t)(out.count - jump - 1);
    foreign_architecture(&out, denies);
    if (out.count > LONGEST) {
        errno = E2BIG;
        return -1;
    }
    struct sock_fprog program = {(unsigned short)out.count, code};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0) return 0;
    return errno == EINVAL || errno == ENOSYS ? 1 : -1;  // a kernel without
}
