// What the sandbox adds to a worker's start: prints the median microseconds of the filter before exec, of the
// worker's own filter, and of Landlock with the system's files for reading, each in a child of its own.
// With the sources of Sources/CLinux.
#include "CLinux.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static int enter(int step) {
    switch (step) {
    case 0: return wif_enter_filter((wif_filter){.kind = WIF_FILTER_START});
    case 1: return wif_enter_filter((wif_filter){.kind = WIF_FILTER_WORKER});
    default: return wif_landlock(WIF_LANDLOCK_SYSTEM);
    }
}

static double measured(int step) {
    int ends[2];
    if (pipe(ends) != 0) return -1;
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        // The worker's own comes after that before exec.
        if (step == 1 && enter(0) < 0) _exit(1);
        double start = now();
        int result = enter(step);
        double took = result < 0 ? -1 : now() - start;
        _exit(write(ends[1], &took, sizeof took) != sizeof took);
    }
    double took = -1;
    close(ends[1]);
    if (read(ends[0], &took, sizeof took) != sizeof took) took = -1;
    close(ends[0]);
    waitpid(child, NULL, 0);
    return took;
}

static int ascending(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

int main(void) {
    double sum = 0;
    for (int step = 0; step < 3; step++) {
        double all[201];
        for (int run = 0; run < 201; run++) all[run] = measured(step);
        qsort(all, 201, sizeof *all, ascending);
        printf("%.0f ", all[100]);
        sum += all[100];
    }
    printf("%.0f\n", sum);
}
