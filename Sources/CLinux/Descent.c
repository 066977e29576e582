#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77  // since Linux 6.5
#endif

// struct pidfd_info as of its first version, since Linux 6.13.
typedef struct {
    uint64_t mask, cgroup;
    uint32_t pid, thread_group, parent;
    uint32_t users[8];
    int32_t exit_code;
} process_facts;
_Static_assert(sizeof(process_facts) == 64, "PIDFD_INFO_SIZE_VER0");
#define GET_PROCESS_FACTS _IOWR(0xFF, 11, process_facts)

// The parent by /proc, which hides other users' processes, and undumpable ones, from whoever is not root
// where it is mounted so. proc_pid_stat(5)
int32_t wif_parent(int32_t pid, bool *is_zombie) {
    char path[32], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return -1;
    ssize_t size = read(file, text, sizeof text - 1);
    close(file);
    if (size <= 0) return -1;
    text[size] = 0;
    // The name before it may hold anything, parentheses included.
    const char *name_end = strrchr(text, ')');
    char state;
    int parent;
    if (name_end == NULL || sscanf(name_end + 1, " %c %d", &state, &parent) != 2) return -1;
    *is_zombie = state == 'Z';
    return parent;
}

static int32_t parent_by(int pidfd, int32_t pid) {
    process_facts facts = {0};
    if (pidfd >= 0 && ioctl(pidfd, GET_PROCESS_FACTS, &facts) == 0) return (int32_t)facts.parent;
    bool is_zombie;
    return wif_parent(pid, &is_zombie);
}

static int32_t parent_of(int32_t pid) {
    int pidfd = wif_pidfd_open(pid);
    int32_t parent = parent_by(pidfd, pid);
    if (pidfd >= 0) close(pidfd);
    return parent;
}

static int peer_process(int socket, int32_t pid) {
    int pidfd = -1;
    socklen_t size = sizeof pidfd;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0) return pidfd;
    return errno == ENOPROTOOPT ? wif_pidfd_open(pid) : -1;
}

wif_descent wif_peer_descent(int socket, int32_t pid) {
    int32_t own = getpid();
    // 0: of a process-id name space that this one does not see into, so not started from here.
    if (pid == 0 || pid == own) return WIF_DESCENT_NONE;
    int pidfd = peer_process(socket, pid);
    if (pidfd < 0) return WIF_DESCENT_UNKNOWN;
    int32_t ancestor = parent_by(pidfd, pid);
    for (int depth = 0; ancestor > 1 && ancestor != own && depth < 1000; depth++) {
        ancestor = parent_of(ancestor);
    }
    // Once it has ended its number may be another's, whose ancestors these were.
    struct pollfd ended = {.fd = pidfd, .events = POLLIN};
    bool is_gone = poll(&ended, 1, 0) != 0;
    close(pidfd);
    if (ancestor == own) return WIF_DESCENT_OWN;
    return ancestor < 0 || is_gone ? WIF_DESCENT_UNKNOWN : WIF_DESCENT_NONE;
}
