// libFuzzer's door for a program with a main of its own; the toolchain has no header of it.
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(
    int *_Nonnull count, char *_Nullable *_Nonnull *_Nonnull arguments,
    int (*_Nonnull feed)(const uint8_t *_Nullable start, size_t count));
