/*
 * Memory that runs out in the C libraries of a program: preloaded, it fails the allocations that they make.
 *
 * WIF_MALLOC="NUMBER [onwards]" in the environment: the NUMBER-th allocation of libcurl, OpenSSL and what
 * they use fails, and with "onwards" each later one. The program itself, Swift's runtime and the C library
 * are spared: a Swift program ends where it gets no memory, which is no error of theirs to handle.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);

static struct range { uintptr_t start, end; } ranges[256];
static size_t range_count;
static atomic_long count;
static long number;
static int onwards;

/* The code of the libraries that are not spared. */
static int note(struct dl_phdr_info *info, size_t size, void *unused) {
    static const char *const spared[] = {"/libswift", "/libc.", "/ld-", "/libstdc++", "/libgcc", "/libm.",
                                         "/libdispatch", "/libBlocksRuntime", "/malloc.so"};
    (void)size, (void)unused;
    if (!strstr(info->dlpi_name, ".so")) return 0;
    for (size_t i = 0; i < sizeof spared / sizeof *spared; i++)
        if (strstr(info->dlpi_name, spared[i])) return 0;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || !(part->p_flags & PF_X) || range_count == 256) continue;
        uintptr_t start = info->dlpi_addr + part->p_vaddr;
        ranges[range_count++] = (struct range){start, start + part->p_memsz};
    }
    return 0;
}

__attribute__((constructor)) static void prepare(void) {
    const char *plan = getenv("WIF_MALLOC");
    if (!plan) return;
    onwards = strstr(plan, "onwards") != NULL;
    dl_iterate_phdr(note, NULL);
    number = atol(plan);
}

static int fails(const void *caller) {
    uintptr_t place = (uintptr_t)caller;
    if (!number) return 0;
    for (size_t i = 0; i < range_count; i++) {
        if (place < ranges[i].start || place >= ranges[i].end) continue;
        long own = ++count;
        if (own != number && !(onwards && own > number)) return 0;
        errno = ENOMEM;
        return 1;
    }
    return 0;
}

void *malloc(size_t size) { return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size); }

void *calloc(size_t items, size_t size) {
    return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(items, size);
}

void *realloc(void *old, size_t size) {
    return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(old, size);
}
