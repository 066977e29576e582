// A worker that was taken over. It tries whatever would harm the host or the agent, and tells a listener on
// loopback TCP, a line for each: "NAME: succeeded" or "NAME: reason". A worker as it should be lets all fail.
//
//   cc -o wif-exchange hostile-worker.c                        in the worker's place, from its first instruction
//   cc -shared -fPIC -DINSIDE -o hostile.so hostile-worker.c   preloaded: within the real one (or the agent),
//                                                              once it has entered its sandbox
//
// The first argument of the program, or the variable HOSTILE, is "PORT MODE ARGUMENTS...":
//   try PID VICTIM SECRET SOCKET   PID: whom to harm; VICTIM, SECRET: files; SOCKET: a Unix socket of the agent
//   flood-stdout, flood-stderr     write without end
//   absurd                         answer each job with what cannot be
//   linger                         close nothing, answer nothing, and stay when the input has ended
//   leave                          leave a child behind
// In place of an argument it may stand in a file of the program's name with ".mode" added.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static int listener = -1;
static pid_t target;
static const char *victim, *secret, *agent_socket;

static void say(const char *text) {
    size_t size = strlen(text);
    while (size > 0) {
        ssize_t done = send(listener, text, size, MSG_NOSIGNAL);
        if (done <= 0) return;
        text += done;
        size -= (size_t)done;
    }
}

// Whatever is not negative has succeeded.
static void result(const char *name, long value) {
    char line[256];
    int reason = errno;
    snprintf(line, sizeof line, "%s: %s\n", name, value < 0 ? strerror(reason) : "succeeded");
    say(line);
}

#define TRY(call) result(#call, (long)(call))
#define NAMED(name, call) result(name, (long)(call))

static void change_files(void) {
    struct timespec times[2] = {{0, 0}, {0, 0}};
    char acl[44] = {2};
    NAMED("chmod", syscall(SYS_fchmodat, AT_FDCWD, victim, 04755));
    NAMED("fchmodat2", syscall(452, AT_FDCWD, victim, 04755, 0));
    int file = open(victim, O_PATH);
    NAMED("fchmod", file < 0 ? -1 : syscall(SYS_fchmod, file, 04755));
    NAMED("chown", syscall(SYS_fchownat, AT_FDCWD, victim, 0, 0, 0));
    NAMED("fchown", file < 0 ? -1 : syscall(SYS_fchown, file, 0, 0));
    NAMED("setxattr", setxattr(victim, "user.x", "y", 1, 0));
    NAMED("setxattr of an access list", setxattr(victim, "system.posix_acl_access", acl, sizeof acl, 0));
    NAMED("removexattr", removexattr(victim, "user.x"));
    NAMED("utimensat", utimensat(AT_FDCWD, victim, times, 0));
    NAMED("truncate", truncate(victim, 0));
    NAMED("open for writing", open(victim, O_WRONLY));
    NAMED("open for appending", open(victim, O_RDWR | O_APPEND));
    NAMED("create", open("/tmp/hostile-worker", O_CREAT | O_WRONLY, 0666));
    NAMED("create without a name", open("/tmp", O_TMPFILE | O_WRONLY, 0666));
    NAMED("mkdir", mkdir("/tmp/hostile-worker.d", 0777));
    NAMED("mknod", mknod("/tmp/hostile-worker.f", S_IFIFO | 0666, 0));
    NAMED("symlink", symlink("/etc/shadow", "/tmp/hostile-worker.s"));
    NAMED("link", link(victim, "/tmp/hostile-worker.l"));
    NAMED("rename", rename(victim, "/tmp/hostile-worker.r"));
    NAMED("unlink", unlink(victim));
    NAMED("memfd_create", syscall(SYS_memfd_create, "x", 0));
}

static void read_secrets(void) {
    char path[64];
    NAMED("read /etc/shadow", open("/etc/shadow", O_RDONLY));
    NAMED("read the agent's file", open(secret, O_RDONLY));
    snprintf(path, sizeof path, "/proc/%d/mem", target);
    NAMED("read the agent's memory", open(path, O_RDONLY));
    snprintf(path, sizeof path, "/proc/%d/environ", target);
    NAMED("read the agent's environment", open(path, O_RDONLY));
    NAMED("open_by_handle_at", syscall(SYS_open_by_handle_at, AT_FDCWD, path, O_RDONLY));
}

// Connects, and where that succeeds asks for a credential.
static int ask(int client, const struct sockaddr_un *address, socklen_t size) {
    static const char request[] = "GET /credential?file=%2Fhostile HTTP/1.1\r\nHost: x\r\n\r\n";
    if (client < 0) return -1;
    if (connect(client, (const struct sockaddr *)address, size) != 0) return -1;
    return (int)send(client, request, sizeof request - 1, MSG_NOSIGNAL);
}

static void use_sockets(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", agent_socket);
    NAMED("connect to the agent", ask(socket(AF_UNIX, SOCK_STREAM, 0), &address, sizeof address));
    int pair[2];
    int made = socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
    NAMED("a datagram to any address", made < 0 ? -1 : ask(pair[0], &address, sizeof address));
    struct sockaddr_un abstract = {.sun_family = AF_UNIX, .sun_path = "\0hostile"};
    NAMED("connect to an abstract socket", ask(socket(AF_UNIX, SOCK_STREAM, 0), &abstract,
                                               offsetof(struct sockaddr_un, sun_path) + 8));
    made = socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    NAMED("a pair of streams that leads elsewhere", made < 0 ? -1 : ask(pair[0], &address, sizeof address));
    for (int family = 3; family < 46; family++) {
        char name[32];
        if (family == AF_INET6) continue;
        snprintf(name, sizeof name, "socket of family %d", family);
        result(name, socket(family, SOCK_RAW, 0));
        result(name, socket(family, SOCK_DGRAM, 0));
    }
    NAMED("a raw socket", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
    struct sockaddr_in any = {.sin_family = AF_INET};
    int server = socket(AF_INET, SOCK_STREAM, 0);
    NAMED("bind", bind(server, (struct sockaddr *)&any, sizeof any));
    NAMED("listen", listen(server, 1));
    NAMED("a program of BPF on a socket",
          setsockopt(server, SOL_SOCKET, SO_ATTACH_BPF, &server, sizeof server));
}

static void harm_processes(void) {
    struct sched_param priority = {0};
    cpu_set_t processors;
    struct iovec piece = {&priority, sizeof priority};
    siginfo_t info = {.si_code = SI_QUEUE};
    struct rlimit64 limit = {0, 0};
    sched_getaffinity(0, sizeof processors, &processors);
    // SIGURG is ignored by whoever does not ask for it.
    NAMED("kill", kill(target, SIGURG));
    NAMED("kill to ask", kill(target, 0));
    NAMED("kill everyone", kill(-1, 0));
    NAMED("tgkill", syscall(SYS_tgkill, target, target, SIGURG));
    NAMED("tkill", syscall(SYS_tkill, target, SIGURG));
    NAMED("rt_sigqueueinfo", syscall(SYS_rt_sigqueueinfo, target, SIGURG, &info));
    int descriptor = (int)syscall(SYS_pidfd_open, target, 0);
    NAMED("pidfd_open", descriptor);
    NAMED("pidfd_send_signal", syscall(SYS_pidfd_send_signal, descriptor, SIGURG, NULL, 0));
    NAMED("pidfd_getfd", syscall(SYS_pidfd_getfd, descriptor, 0, 0));
    NAMED("a signal by fcntl", fcntl(listener, F_SETOWN, target));
    NAMED("ptrace", ptrace(PTRACE_SEIZE, target, 0, 0));
    NAMED("process_vm_readv", syscall(SYS_process_vm_readv, target, &piece, 1, &piece, 1, 0));
    NAMED("process_vm_writev", syscall(SYS_process_vm_writev, target, &piece, 1, &piece, 1, 0));
    NAMED("kcmp", syscall(SYS_kcmp, getpid(), target, 0, 0, 0));
    NAMED("prlimit", syscall(SYS_prlimit64, target, RLIMIT_CORE, NULL, &limit));
    NAMED("setpriority", setpriority(PRIO_PROCESS, (id_t)target, 19));
    NAMED("sched_setaffinity", sched_setaffinity(target, sizeof processors, &processors));
    NAMED("sched_setscheduler", sched_setscheduler(target, SCHED_IDLE, &priority));
    NAMED("setpgid", setpgid(0, 0) == 0 ? 0 : setpgid(0, target));
    NAMED("setsid", setsid());
}

// A child that ends at once, for it is the call that counts.
static long ended(long pid) {
    if (pid == 0) _exit(0);
    return pid;
}

static void start_programs(void) {
    char *arguments[] = {"true", NULL};
    uint64_t clone_arguments[11] = {0};
    clone_arguments[4] = SIGCHLD;
    NAMED("fork", ended(fork()));
#ifdef SYS_fork
    NAMED("fork(2)", ended(syscall(SYS_fork)));
#endif
#ifdef SYS_vfork
    NAMED("vfork(2)", ended(syscall(SYS_vfork)));
#endif
    NAMED("clone", ended(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)));
    NAMED("clone3", ended(syscall(SYS_clone3, clone_arguments, sizeof clone_arguments)));
    NAMED("clone into a user name space", ended(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0)));
#ifdef INSIDE
    // A program that is about to become the worker must be started once.
    NAMED("execve", execve("/bin/true", arguments, NULL));
    NAMED("execveat", syscall(SYS_execveat, AT_FDCWD, "/bin/true", arguments, NULL, 0));
#else
    (void)arguments;
#endif
}

static void gain_powers(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct all[2] = {{~0u, ~0u, ~0u}, {~0u, ~0u, ~0u}};
    NAMED("setuid", syscall(SYS_setresuid, 0, 0, 0));
    NAMED("setgid", syscall(SYS_setresgid, 0, 0, 0));
    NAMED("setgroups", syscall(SYS_setgroups, 0, NULL));
    NAMED("capset", syscall(SYS_capset, &header, all));
    NAMED("ambient capabilities", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0));
    NAMED("securebits", prctl(PR_SET_SECUREBITS, 0, 0, 0, 0));
    NAMED("outlive the agent", prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0));
    NAMED("adopt", prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0));
    NAMED("trace by others", prctl(PR_SET_PTRACER, -1, 0, 0, 0));
#ifdef INSIDE
    NAMED("be dumpable", prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
#endif
    NAMED("personality", syscall(SYS_personality, 0x0040000));
    NAMED("memory to write and execute",
          mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
                  MAP_FAILED ? -1 : 0);
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    NAMED("memory to execute later", mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

static void change_kernel(void) {
    char buffer[128] = {0};
    NAMED("mount", mount("none", "/mnt", "tmpfs", 0, NULL));
    NAMED("umount", umount2("/mnt", MNT_DETACH));
    NAMED("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
    NAMED("open_tree", syscall(SYS_open_tree, AT_FDCWD, "/", 1));
    NAMED("pivot_root", syscall(SYS_pivot_root, "/", "/"));
    NAMED("chroot", chroot("/"));
    NAMED("unshare a user name space", unshare(CLONE_NEWUSER));
    NAMED("unshare mounts", unshare(CLONE_NEWNS));
    NAMED("setns", setns(0, 0));
    NAMED("bpf", syscall(SYS_bpf, 0, buffer, sizeof buffer));
    NAMED("io_uring_setup", syscall(SYS_io_uring_setup, 4, buffer));
    NAMED("perf_event_open", syscall(SYS_perf_event_open, buffer, 0, -1, -1, 0));
    NAMED("userfaultfd", syscall(SYS_userfaultfd, 1));
    NAMED("add_key", syscall(SYS_add_key, "user", "x", "y", 1, -3));
    NAMED("keyctl", syscall(SYS_keyctl, 0, -3, 0));
    NAMED("request_key", syscall(SYS_request_key, "user", "x", NULL, 0));
    NAMED("init_module", syscall(SYS_init_module, buffer, sizeof buffer, ""));
    NAMED("finit_module", syscall(SYS_finit_module, 0, "", 0));
    NAMED("delete_module", syscall(SYS_delete_module, "x", 0));
    NAMED("kexec_load", syscall(SYS_kexec_load, 0, 0, NULL, 0));
    NAMED("reboot", syscall(SYS_reboot, 0, 0, 0, NULL));
    NAMED("swapon", syscall(SYS_swapon, "/x", 0));
    NAMED("acct", syscall(SYS_acct, "/x"));
    NAMED("quotactl", syscall(SYS_quotactl, 0, "/x", 0, NULL));
    NAMED("syslog", syscall(SYS_syslog, 3, buffer, sizeof buffer));
    NAMED("sethostname", sethostname("x", 1));
    NAMED("settimeofday", settimeofday(&(struct timeval){0, 0}, NULL));
    NAMED("clock_settime", clock_settime(CLOCK_REALTIME, &(struct timespec){0, 0}));
    NAMED("shmget", syscall(SYS_shmget, 0, 4096, 01600));
    NAMED("mq_open", syscall(SYS_mq_open, "x", O_CREAT | O_RDWR, 0600, NULL));
    NAMED("splice", syscall(SYS_splice, 0, NULL, 1, NULL, 1, 0));
    NAMED("fanotify_init", syscall(SYS_fanotify_init, 0, 0));
#ifdef SYS_iopl
    NAMED("iopl", syscall(SYS_iopl, 3));
    NAMED("modify_ldt", syscall(SYS_modify_ldt, 0, buffer, sizeof buffer));
#endif
    NAMED("a call that no table knows", syscall(100000));
#ifdef __x86_64__
    NAMED("a call of x32", syscall(0x40000000 + 39));
#endif
}

// What the agent's filter refuses is little, for hooks inherit it.
static void try_agent(void) {
    char buffer[128] = {0};
    struct iovec piece = {buffer, sizeof buffer};
    NAMED("ptrace", ptrace(PTRACE_SEIZE, target, 0, 0));
    NAMED("process_vm_readv", syscall(SYS_process_vm_readv, target, &piece, 1, &piece, 1, 0));
    NAMED("process_vm_writev", syscall(SYS_process_vm_writev, target, &piece, 1, &piece, 1, 0));
    NAMED("kcmp", syscall(SYS_kcmp, getpid(), getpid(), 0, 0, 0));
    NAMED("pidfd_getfd", syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, getpid(), 0), 0, 0));
    NAMED("bpf", syscall(SYS_bpf, 0, buffer, sizeof buffer));
    NAMED("io_uring_setup", syscall(SYS_io_uring_setup, 4, buffer));
    NAMED("perf_event_open", syscall(SYS_perf_event_open, buffer, 0, -1, -1, 0));
    NAMED("userfaultfd", syscall(SYS_userfaultfd, 1));
    NAMED("init_module", syscall(SYS_init_module, buffer, sizeof buffer, ""));
    NAMED("kexec_load", syscall(SYS_kexec_load, 0, 0, NULL, 0));
    NAMED("swapon", syscall(SYS_swapon, "/x", 0));
    NAMED("mount", mount("none", "/mnt", "tmpfs", 0, NULL));
    NAMED("reboot", syscall(SYS_reboot, 0, 0, 0, NULL));
    NAMED("sethostname", sethostname("x", 1));
    NAMED("a socket of AF_X25", socket(9, SOCK_STREAM, 0));
    NAMED("a raw socket", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static void flood(int descriptor) {
    static char piece[65536];
    memset(piece, 'x', sizeof piece);
    for (size_t i = 127; i < sizeof piece; i += 128) piece[i] = '\n';
    while (write(descriptor, piece, sizeof piece) >= 0 || errno == EINTR) {
    }
}

// Results that no service gave: received in the future, valid for ever, full of text.
static void answer_absurdly(void) {
    static char text[200000];
    char line[65536];
    memset(text, 'w', sizeof text - 1);
    for (int id = 1; fgets(line, sizeof line, stdin) != NULL; id++) {
        const char *found = strstr(line, "\"id\":");
        if (found != NULL) id = atoi(found + 5);
        printf("{\"id\":%d,\"credential\":{\"value\":\"hostile\",\"kind\":\"bearer\","
               "\"expiresAt\":\"9999-12-31T23:59:59Z\",\"receivedAt\":9223372036854775807,"
               "\"lifetime\":1e300},\"clockSkew\":1e300,\"warnings\":[\"%s%d\"]}\n", id, text, id);
        fflush(stdout);
    }
}

static void linger(void) {
    say("lingers\n");
    signal(SIGTERM, SIG_IGN);
    for (;;) pause();
}

static void leave_child(void) {
    pid_t child = fork();
    if (child == 0) {
        setsid();
        if (fork() == 0) linger();
        _exit(0);
    }
    result("leave a child", child);
}

static void run(char *order) {
    char *word[8] = {NULL};
    int count = 0;
    for (char *rest = order, *next; count < 8 && (next = strsep(&rest, " \n")) != NULL;) {
        if (*next != 0) word[count++] = next;
    }
    if (count < 2) return;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(word[0]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(listener, (struct sockaddr *)&address, sizeof address) != 0) return;
    if (strcmp(word[1], "try") == 0 && count == 6) {
        target = atoi(word[2]);
        victim = word[3];
        secret = word[4];
        agent_socket = word[5];
        change_files();
        read_secrets();
        use_sockets();
        harm_processes();
        gain_powers();
        change_kernel();
        start_programs();
    } else if (strcmp(word[1], "agent") == 0 && count == 3) {
        target = atoi(word[2]);
        try_agent();
    } else if (strcmp(word[1], "flood-stdout") == 0) {
        flood(STDOUT_FILENO);
    } else if (strcmp(word[1], "flood-stderr") == 0) {
        flood(STDERR_FILENO);
    } else if (strcmp(word[1], "absurd") == 0) {
        answer_absurdly();
    } else if (strcmp(word[1], "linger") == 0) {
        linger();
    } else if (strcmp(word[1], "leave") == 0) {
        leave_child();
    }
    say("done\n");
    close(listener);
}

#ifdef INSIDE
#include <dlfcn.h>

static char order[1024];

__attribute__((constructor)) static void remember(void) {
    const char *given = getenv("HOSTILE");
    if (given != NULL) snprintf(order, sizeof order, "%s", given);
    unsetenv("LD_PRELOAD");
}

static void run_once(void) {
    if (order[0] == 0) return;
    char once[sizeof order];
    memcpy(once, order, sizeof once);
    order[0] = 0;
    run(once);
}

// Where the main thread of both programs waits for work, for a while first: the sandbox has been entered long
// before.
int sem_timedwait(sem_t *semaphore, const struct timespec *end) {
    static int (*next)(sem_t *, const struct timespec *);
    if (next == NULL) next = (int (*)(sem_t *, const struct timespec *))dlsym(RTLD_NEXT, "sem_timedwait");
    run_once();
    return next(semaphore, end);
}

int sem_wait(sem_t *semaphore) {
    static int (*next)(sem_t *);
    if (next == NULL) next = (int (*)(sem_t *))dlsym(RTLD_NEXT, "sem_wait");
    run_once();
    return next(semaphore);
}
#else
int main(int count, char **arguments) {
    static char order[1024];
    if (count > 1 && strchr(arguments[1], ' ') != NULL) {
        snprintf(order, sizeof order, "%s", arguments[1]);
    } else {
        char path[4096];
        ssize_t size = readlink("/proc/self/exe", path, sizeof path - 6);
        if (size < 0) return 1;
        strcpy(path + size, ".mode");
        int file = open(path, O_RDONLY);
        if (file < 0 || read(file, order, sizeof order - 1) <= 0) return 1;
    }
    run(order);
    return 0;
}
#endif
