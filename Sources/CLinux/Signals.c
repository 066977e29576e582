#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

// What has arrived and nobody has taken. The handler needs no memory of the kernel's for it, as a message on a
// socket would, so that no signal is lost while there is none.
enum { signal_slots = 512 };
struct wif_signal_queue {
    int arrived;  // a semaphore of eventfd(2): how many were added
    atomic_uint added;
    int reading;   // the same, and its reader's to close
    unsigned taken;
    atomic_ullong slots[signal_slots];  // 0: empty
};
static _Atomic(wif_signal_queue *) queue_of_signal[NSIG];

static void report_signal(int signal, siginfo_t *info, void *context) {
    (void)context;
    int saved = errno;
    wif_signal_queue *queue = queue_of_signal[signal];
    bool from_kernel = info->si_code > 0;
    uint64_t sender = from_kernel ? 0 : (uint32_t)info->si_pid;
    uint64_t report = sender << 32 | (uint64_t)from_kernel << 8 | (uint64_t)signal;
    queue->slots[queue->added++ % signal_slots] = report;
    uint64_t one = 1;
    ssize_t size = write(queue->arrived, &one, sizeof one);
    (void)size;  // it fails only where it says that very many wait
    errno = saved;
}

wif_signal_queue *wif_signal_queue_open(const int *signals, int *descriptor) {
    wif_signal_queue *queue = calloc(1, sizeof *queue);
    if (queue == NULL) return NULL;
    queue->reading = -1;
    queue->arrived = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
    // The handler's own is never closed, whatever becomes of the reader's.
    if (queue->arrived >= 0) queue->reading = fcntl(queue->arrived, F_DUPFD_CLOEXEC, 3);
    if (queue->reading < 0) {
        int reason = errno;
        if (queue->arrived >= 0) close(queue->arrived);
        free(queue);
        errno = reason;
        return NULL;
    }
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = report_signal;
    action.sa_flags = SA_RESTART | SA_SIGINFO;
    for (; *signals != 0; signals++) {
        queue_of_signal[*signals] = queue;
        if (sigaction(*signals, &action, NULL) != 0) {
            int reason = errno;
            close(queue->reading);
            errno = reason;
            return NULL;
        }
    }
    *descriptor = queue->reading;
    return queue;
}

int wif_next_signal(wif_signal_queue *queue, wif_signal *signal) {
    uint64_t one;
    ssize_t size;
    do size = read(queue->reading, &one, sizeof one);
    while (size < 0 && errno == EINTR);
    if (size != sizeof one) return -1;
    // Another thread's handler may have a place before this one's and not have filled it yet.
    for (unsigned i = 0; i < signal_slots; i++) {
        unsigned place = (queue->taken + i) % signal_slots;
        uint64_t report = atomic_exchange(&queue->slots[place], 0);
        if (report == 0) continue;
        queue->taken = place + 1;
        signal->number = report & 0xff;
        signal->from_kernel = report >> 8 & 1;
        signal->sender = (int32_t)(report >> 32);
        return 0;
    }
    errno = EAGAIN;
    return -1;
}
