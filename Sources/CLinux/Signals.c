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
struct signal_queue {
    int arrived;  // a semaphore of eventfd(2): how many were added
    atomic_uint added;
    unsigned taken;
    atomic_ullong slots[signal_slots];  // 0: empty
};
static _Atomic(struct signal_queue *) queue_of_signal[NSIG];
// By the descriptor that its reader waits for; few, and made at the start.
static struct signal_queue *queue_of_descriptor[1024];

static void report_signal(int signal, siginfo_t *info, void *context) {
    (void)context;
    int saved = errno;
    struct signal_queue *queue = queue_of_signal[signal];
    bool from_kernel = info->si_code > 0;
    uint64_t sender = from_kernel ? 0 : (uint32_t)info->si_pid;
    uint64_t report = sender << 32 | (uint64_t)from_kernel << 8 | (uint64_t)signal;
    queue->slots[queue->added++ % signal_slots] = report;
    uint64_t one = 1;
    ssize_t size = write(queue->arrived, &one, sizeof one);
    (void)size;  // it fails only where it says that very many wait
    errno = saved;
}

int wif_signal_queue(const int *signals) {
    struct signal_queue *queue = calloc(1, sizeof *queue);
    if (queue == NULL) return -1;
    int reading = -1;
    queue->arrived = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
    // The handler's own is never closed, whatever becomes of the reader's.
    if (queue->arrived >= 0) reading = fcntl(queue->arrived, F_DUPFD_CLOEXEC, 3);
    if (reading >= 1024) {
        close(reading);
        reading = -1;
        errno = EMFILE;
    }
    if (reading < 0) {
        int reason = errno;
        if (queue->arrived >= 0) close(queue->arrived);
        free(queue);
        errno = reason;
        return -1;
    }
    queue_of_descriptor[reading] = queue;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = report_signal;
    action.sa_flags = SA_RESTART | SA_SIGINFO;
    for (; *signals != 0; signals++) {
        queue_of_signal[*signals] = queue;
        if (sigaction(*signals, &action, NULL) != 0) return -1;
    }
    return reading;
}

int wif_next_signal(int descriptor, wif_signal *signal) {
    struct signal_queue *queue = queue_of_descriptor[descriptor];
    uint64_t one;
    ssize_t size;
    do size = read(descriptor, &one, sizeof one);
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
