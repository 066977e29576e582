// The few functions of newer glibcs that Swift's runtime asks for, so that one build runs on every glibc
// from 2.34 on: RHEL 9 and Amazon Linux 2023 have that one, Ubuntu 22.04 has 2.35.
// Hidden: the libraries of the system keep to their own.
#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

#define OWN __attribute__((visibility("hidden"), used))

OWN void wif_random_bytes(void *buffer, size_t count) __asm__("arc4random_buf");
OWN uint32_t wif_random(void) __asm__("arc4random");
OWN uint32_t wif_random_below(uint32_t bound) __asm__("arc4random_uniform");
OWN float wif_hypotf(float x, float y) __asm__("hypotf");

// arc4random_buf(3), glibc 2.36. It has no way to fail: a kernel without randomness ends the program.
void wif_random_bytes(void *buffer, size_t count) {
    unsigned char *rest = buffer;
    while (count > 0) {
        ssize_t written = getrandom(rest, count, 0);
        if (written < 0 && errno != EINTR) abort();
        if (written < 0) continue;
        rest += written;
        count -= (size_t)written;
    }
}

// arc4random(3), glibc 2.36.
uint32_t wif_random(void) {
    uint32_t number;
    wif_random_bytes(&number, sizeof number);
    return number;
}

// arc4random_uniform(3), glibc 2.36: what is left below the largest multiple of the bound is drawn again.
uint32_t wif_random_below(uint32_t bound) {
    if (bound < 2) return 0;
    uint32_t least = -bound % bound, number;
    do number = wif_random();
    while (number < least);
    return number % bound;
}

// hypotf(3), whose version of glibc 2.35 does not set errno. A float's square is no overflow of a double.
float wif_hypotf(float x, float y) {
    if (isinf(x) || isinf(y)) return INFINITY;
    return (float)__builtin_sqrt((double)x * x + (double)y * y);
}
