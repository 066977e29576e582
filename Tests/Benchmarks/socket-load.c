// socket-load PATH THREADS SECONDS: each thread connects to the Unix socket, reads to the end and
// closes, again and again; prints the connections a second and the bytes of one reply.
// cc -O2 -pthread -o socket-load socket-load.c
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_un address = {.sun_family = AF_UNIX};
static atomic_long served, failed, size_of_reply;
static atomic_bool done;

static long reply(void) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    long total = -1;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
        char buffer[8192];
        ssize_t size;
        for (total = 0; (size = read(fd, buffer, sizeof buffer)) > 0; total += size) {
        }
        if (size < 0) total = -1;
    }
    close(fd);
    return total;
}

static void *loop(void *unused) {
    while (!atomic_load_explicit(&done, memory_order_relaxed)) {
        long size = reply();
        if (size > 0) {
            atomic_fetch_add_explicit(&served, 1, memory_order_relaxed);
            atomic_store_explicit(&size_of_reply, size, memory_order_relaxed);
        } else {
            atomic_fetch_add_explicit(&failed, 1, memory_order_relaxed);
        }
    }
    return unused;
}

int main(int count, char **arguments) {
    if (count != 4 || strlen(arguments[1]) >= sizeof address.sun_path) {
        fprintf(stderr, "usage: socket-load PATH THREADS SECONDS\n");
        return 64;
    }
    strcpy(address.sun_path, arguments[1]);
    int threads = atoi(arguments[2]);
    double seconds = atof(arguments[3]);
    pthread_t ids[256];
    if (threads < 1 || threads > 256) return 64;
    struct timespec begin, end, pause = {(time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9)};
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (int i = 0; i < threads; i++) pthread_create(&ids[i], NULL, loop, NULL);
    while (nanosleep(&pause, &pause) != 0 && errno == EINTR) {
    }
    atomic_store(&done, 1);
    clock_gettime(CLOCK_MONOTONIC, &end);
    long total = atomic_load(&served);
    double elapsed = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
    printf("%.0f per second, %ld failed, %ld bytes\n", (double)total / elapsed,
           atomic_load(&failed), atomic_load(&size_of_reply));
    return total > 0 ? 0 : 1;
}
