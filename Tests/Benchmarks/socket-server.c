// socket-server PATH BYTES: the least a credential socket can do, as the yardstick for ours: epoll,
// accept, the peer's user id, one write, close. No waiting, no limits, no report.
// cc -O2 -o socket-server socket-server.c
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int count, char **arguments) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (count != 3 || strlen(arguments[1]) >= sizeof address.sun_path) {
        fprintf(stderr, "usage: socket-server PATH BYTES\n");
        return 64;
    }
    strcpy(address.sun_path, arguments[1]);
    size_t size = (size_t)atol(arguments[2]);
    char *payload = malloc(size);
    if (payload == NULL) return 71;
    memset(payload, 'x', size);
    unlink(address.sun_path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 4096) != 0) {
        perror(arguments[1]);
        return 71;
    }
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    while (1) {
        struct epoll_event ready[64];
        if (epoll_wait(epoll, ready, 64, -1) <= 0) continue;
        int peer;
        while ((peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
            struct ucred who;
            socklen_t length = sizeof who;
            if (getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &who, &length) == 0 &&
                (who.uid == 0 || who.uid == geteuid())) {
                if (send(peer, payload, size, MSG_NOSIGNAL) < 0) perror("send");
            }
            close(peer);
        }
    }
}
