// median RUNS COMMAND ARGUMENT... [--- COMMAND ARGUMENT...]...: runs the commands in turn, RUNS
// times each after one warm-up, standard output away; prints for each the median wall time in
// milliseconds, one a line. In turn, so that a disturbance of the machine meets all of them.
// cc -O2 -o median median.c
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 16 };

static double run(char **command) {
    struct timespec begin, end;
    int status;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    pid_t child = vfork();
    if (child == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, 1);
        execvp(command[0], command);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0) exit(71);
    clock_gettime(CLOCK_MONOTONIC, &end);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "median: %s failed (status %d)\n", command[0], status);
        exit(1);
    }
    return (end.tv_sec - begin.tv_sec) * 1e3 + (end.tv_nsec - begin.tv_nsec) / 1e6;
}

static int ascending(const void *left, const void *right) {
    double difference = *(const double *)left - *(const double *)right;
    return (difference > 0) - (difference < 0);
}

int main(int count, char **arguments) {
    char **commands[MOST];
    int known = 0, runs = count > 2 ? atoi(arguments[1]) : 0;
    if (runs < 1) {
        fprintf(stderr, "usage: median RUNS COMMAND... [--- COMMAND...]...\n");
        return 64;
    }
    commands[known++] = arguments + 2;
    for (int i = 2; i < count; i++) {
        if (strcmp(arguments[i], "---") != 0) continue;
        arguments[i] = NULL;
        if (known == MOST) return 64;
        commands[known++] = arguments + i + 1;
    }
    double *times = calloc((size_t)(known * runs), sizeof *times);
    if (!times) return 71;
    for (int c = 0; c < known; c++) run(commands[c]);
    for (int r = 0; r < runs; r++)
        for (int c = 0; c < known; c++) times[c * runs + r] = run(commands[c]);
    for (int c = 0; c < known; c++) {
        qsort(times + c * runs, (size_t)runs, sizeof *times, ascending);
        printf("%.3f\n", times[c * runs + runs / 2]);
    }
    return 0;
}
