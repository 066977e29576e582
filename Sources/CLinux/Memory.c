#define _GNU_SOURCE
#include "CLinux.h"

#include <link.h>
#include <malloc.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// What cannot be written was never changed either: the file, or the page cache, has it all.
static int release_segments(struct dl_phdr_info *object, size_t size, void *unused) {
    (void)size;
    (void)unused;
    // The kernel's own object, which no file stands behind, has a name without a folder.
    if (object->dlpi_name[0] != 0 && strchr(object->dlpi_name, '/') == NULL) return 0;
    uintptr_t inPage = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
    for (int index = 0; index < object->dlpi_phnum; index++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[index];
        if (segment->p_type != PT_LOAD || segment->p_flags & PF_W) continue;
        uintptr_t start = (object->dlpi_addr + segment->p_vaddr) & ~inPage;
        uintptr_t end = (object->dlpi_addr + segment->p_vaddr + segment->p_memsz) & ~inPage;
        if (start < end) madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return 0;
}

void wif_release_unused_pages(void) {
    malloc_trim(0);
    dl_iterate_phdr(release_segments, NULL);
}

void wif_share_heap(void) { mallopt(M_ARENA_MAX, 1); }
