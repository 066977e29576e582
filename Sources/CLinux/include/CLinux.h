// What Swift cannot reach through the Glibc module: functions behind _GNU_SOURCE, variadic
// functions, and system calls without a wrapper. Every function is prefixed `wif_` and, unless
// said otherwise, returns -1 with errno set on failure, as the call it stands for does.
#ifndef WIF_CLINUX_H
#define WIF_CLINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Which build this is: debug or release, and of which commit where packaging/build.sh made it.
const char *wif_build(void);

// accept4(2) with SOCK_CLOEXEC | SOCK_NONBLOCK; the peer's address is written to `address`
// (at most `capacity` bytes), its true length to `length`.
int wif_accept(int listener, void *address, uint32_t capacity, uint32_t *length);

// SO_PEERCRED (unix(7)).
int wif_peer_credentials(int socket, int32_t *pid, uint32_t *uid, uint32_t *gid);
// SO_PEERGROUPS (unix(7)); returns how many groups the peer has, or -1.
int wif_peer_groups(int socket, uint32_t *groups, int capacity);

// pipe2(2) with O_CLOEXEC.
int wif_pipe(int descriptors[2]);
// fcntl(2): O_NONBLOCK on; FD_CLOEXEC on or off.
int wif_set_nonblocking(int descriptor);
int wif_set_cloexec(int descriptor, bool on);
// open(2) and openat(2) with a mode (variadic in C).
int wif_openat(int directory, const char *path, int flags, uint32_t mode);
// openat(2) of a directory with O_PATH | O_DIRECTORY | O_NOFOLLOW.
int wif_open_directory(int parent, const char *name);
// renameat(2) within one directory.
int wif_rename(int directory, const char *from, const char *to);

// readdir(3) of an open directory, from its beginning: `visit` is called with each name but "." and
// "..", the directory's own position is unchanged.
int wif_visit_names(int directory, void *context, void (*visit)(void *context, const char *name));

// epoll(7). `events` are the bits of <sys/epoll.h>, which Swift does not see.
enum {
    WIF_EPOLL_IN = 0x001,
    WIF_EPOLL_OUT = 0x004,
    WIF_EPOLL_ERR = 0x008,
    WIF_EPOLL_HUP = 0x010,
    WIF_EPOLL_ONESHOT = 1 << 30,
    WIF_EPOLL_ADD = 1,
    WIF_EPOLL_DELETE = 2,
    WIF_EPOLL_MODIFY = 3,
};
int wif_epoll_create(void);
int wif_epoll_control(int epoll, int operation, int descriptor, uint32_t events, uint64_t data);
typedef struct {
    uint32_t events;
    uint64_t data;
} wif_epoll_ready;
int wif_epoll_wait(int epoll, wif_epoll_ready *ready, int capacity, int timeout_ms);

// poll(2) of one descriptor for writing: 1 where it takes something, 0 after `timeout_ms` (-1: none).
int wif_poll_writable(int descriptor, int timeout_ms);

// eventfd(2), close-on-exec and non-blocking.
int wif_eventfd(void);

// sigaction(2): from now on these signals (ended with 0) are queued; the newest queue gets a signal that several
// ask for. The non-blocking descriptor can be read from while there are any; it is the caller's to close. A queue
// is never freed, since a handler may hold it. NULL: see errno.
// wif_next_signal takes the next one; one taker at a time.
typedef struct {
    int32_t number;
    int32_t sender;    // pid, where a process sent it
    bool from_kernel;  // such as those a terminal sends to its foreground process group
} wif_signal;
typedef struct wif_signal_queue wif_signal_queue;
wif_signal_queue *wif_signal_queue_open(const int *signals, int *descriptor);
int wif_next_signal(wif_signal_queue *queue, wif_signal *signal);
// sigaction(2): the signals that are ignored, number n as bit n - 1.
uint64_t wif_ignored_signals(void);

// waitid(2) with WSTOPPED: the signal that stopped the child since the last look; 0 for none.
int wif_stopped_child(int32_t pid);

// timerfd_create(2) on CLOCK_REALTIME, armed far in the future with TFD_TIMER_CANCEL_ON_SET: it
// becomes readable (read fails with ECANCELED) when the wall clock is set.
int wif_clock_watch(void);
int wif_clock_watch_arm(int descriptor);

// timerfd_create(2) on CLOCK_BOOTTIME, and its one expiration at `nanoseconds` since boot.
int wif_boot_timer(void);
int wif_boot_timer_arm(int descriptor, int64_t nanoseconds);

// pidfd_open(2), pidfd_send_signal(2), waitid(2) with P_PIDFD.
int wif_pidfd_open(int32_t pid);
int wif_pidfd_signal(int pidfd, int signal);

// close_range(2): everything from `first` up gets FD_CLOEXEC.
int wif_cloexec_from(uint32_t first);

// prctl(2).
int wif_set_dumpable(bool on);
int wif_set_no_new_privileges(void);
// Gives up every capability(7) whose bit is not set, of this thread and those it starts. The bounding
// set stays: programs that root starts begin anew.
int wif_keep_capabilities(uint64_t kept);
// O_PATH without following a link; chmod(2) and chown(2) of what such a descriptor stands for.
int wif_open_path(int directory, const char *name);
int wif_chown_path(int descriptor, uint32_t owner, uint32_t group);
int wif_chmod_path(int descriptor, uint32_t mode);
int wif_set_name(const char *name);
// Unmaps the pages that hold code and constants of the program and its libraries, which the kernel maps again
// where they are used, and gives the heap's free pages back. madvise(2), malloc_trim(3)
void wif_release_unused_pages(void);
// Has all threads share one heap, which is smaller than one for each. mallopt(3)
void wif_share_heap(void);
int wif_set_child_subreaper(void);
bool wif_is_child_subreaper(void);

// The filters of system calls (seccomp(2)) that a process enters for good, and what it starts with it.
typedef enum {
    WIF_FILTER_AGENT,     // what an agent and the programs that it starts can do without is refused
    WIF_FILTER_PROGRAMS,  // the same of a worker that starts programs
    WIF_FILTER_START,     // what a worker needs is allowed, and what becoming one takes
    WIF_FILTER_WORKER,    // what a worker needs is allowed
} wif_filter_kind;
typedef struct {
    wif_filter_kind kind;
    bool unix_sockets;  // of a worker: whether it may connect to Unix sockets
} wif_filter;
// Of this thread and those it starts. Returns 0 when in force, 1 where the kernel has none, -1 on failure:
// EACCES without both PR_SET_NO_NEW_PRIVS and CAP_SYS_ADMIN.
int wif_enter_filter(wif_filter filter);

// setrlimit(2), hard limits: no core files, and these.
typedef struct {
    uint64_t processor_seconds;
    uint64_t address_space;  // bytes; 0: unlimited
    bool writes_files;  // otherwise files, even those that are open, grow no more
} wif_limits;
int wif_limit(const wif_limits *limits);

// Whether this process is root's and may start another user's and kill it.
bool wif_can_change_user(void);
// Becomes the user for good: no supplementary groups, no capabilities but those of `kept` that there are, none
// to be gained (bounding set, securebits). With `until_exec` the kept ones outlive execve(2) as ambient ones,
// and until then every path leads somewhere. Of this thread, by system calls: for a process of one.
int wif_become_user(uint32_t user, uint32_t group, uint64_t kept, bool until_exec);

// What a child gives up before execve(2).
typedef struct {
    wif_limits limits;
    bool changes_user;
    uint32_t user, group;
    bool keeps_capabilities;  // gives up those beside `kept`, where it stays the same user
    uint64_t kept;
    bool reaps;  // PR_SET_CHILD_SUBREAPER: what its programs leave behind falls to it
    bool filters;
    wif_filter filter;
} wif_confinement;
// With a `parent` the child is killed when the thread ends that started it, which is to be the main one.
int wif_confine(const wif_confinement *confinement, int32_t parent);

// Whether a Unix socket's peer, of that number in this process-id name space, descends from this process:
// by the parent of each ancestor, which the kernel tells (PIDFD_GET_INFO) or /proc.
typedef enum {
    WIF_DESCENT_NONE,
    WIF_DESCENT_OWN,
    WIF_DESCENT_UNKNOWN,  // it has ended, or /proc hides an ancestor
} wif_descent;
wif_descent wif_peer_descent(int socket, int32_t pid);
// The parent's number and whether the process has ended, by /proc; -1 where it does not tell.
int32_t wif_parent(int32_t pid, bool *is_zombie);

// Starts a child process: fork(2), then in the child dup2 of `descriptors[0..<count]` to 0..<count
// (-1: /dev/null), every other descriptor close-on-exec, default signal dispositions and an empty
// mask, optionally a new process group, chdir, then execve(2) (or execvpe(3) with `search`). With an
// `origin` the child gets what this process was started with in place of what it gave itself.
// Returns the pid; if exec failed the child is reaped and -1 returned with exec's errno.
typedef struct {
    uint32_t mask;  // umask(2)
    uint64_t core_soft, core_hard;
    uint64_t ignored;  // see wif_ignored_signals
    const int *inherited;  // descriptors to be left open beside 0..<count
    int inherited_count;
} wif_process_origin;

typedef struct {
    const char *path;
    char *const *arguments;
    char *const *environment;
    const int *descriptors;
    int count;
    bool search;
    bool new_group;
    const char *directory;  // NULL: unchanged
    const wif_process_origin *origin;  // NULL: none
    const wif_confinement *confinement;  // NULL: none
} wif_spawn_request;
int32_t wif_spawn(const wif_spawn_request *request, int *pidfd);

// RLIMIT_NOFILE (setrlimit(2)): the soft limit becomes the hard one; wif_spawn gives the old one back.
// To be called once, by one thread.
void wif_raise_descriptor_limit(void);

// Landlock (landlock(7)), as far as the kernel has it: what this thread and its children may reach.
typedef enum {
    WIF_LANDLOCK_PROGRAMS,  // everything; no signals to others
    WIF_LANDLOCK_FILES,     // all files for reading; no abstract Unix sockets, no listening on TCP
    WIF_LANDLOCK_SYSTEM,    // the same, the system's files for reading alone
} wif_landlock_reach;
// Returns 0 when in force, 1 where there is no Landlock or a container hides it, -1 on failure.
int wif_landlock(wif_landlock_reach reach);

// acl(5): the attribute system.posix_acl_access as it is stored, also of what wif_open_path opened;
// returns its length, 0 where there is none. The other removes it, and a directory's default list, so
// that the mode alone says who may do what.
int wif_access_list(int descriptor, void *buffer, size_t size);
int wif_remove_access_lists(int descriptor);

// statfs(2): whether what is there are no files but the kernel's own interfaces (proc, sysfs and others).
int wif_is_kernel_file_system(const char *path);

// fstatfs(2): whether the file system is kept in memory (tmpfs, ramfs).
int wif_is_memory_file_system(int descriptor);


#endif
