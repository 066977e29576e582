#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

// What O_PATH opened has no attributes itself; behind its name in /proc is the file it stands for.
static const char *name_of(int descriptor, char *buffer, size_t size) {
    snprintf(buffer, size, "/proc/self/fd/%d", descriptor);
    return buffer;
}

int wif_access_list(int descriptor, void *buffer, size_t size) {
    char name[32];
    ssize_t length = fgetxattr(descriptor, "system.posix_acl_access", buffer, size);
    if (length < 0 && errno == EBADF) {
        name_of(descriptor, name, sizeof name);
        length = getxattr(name, "system.posix_acl_access", buffer, size);
    }
    if (length < 0 && (errno == ENODATA || errno == ENOTSUP)) return 0;
    return (int)length;
}

static int remove_attribute(int descriptor, const char *attribute) {
    char name[32];
    if (fremovexattr(descriptor, attribute) == 0) return 0;
    if (errno == EBADF) {
        name_of(descriptor, name, sizeof name);
        if (removexattr(name, attribute) == 0) return 0;
    }
    return errno == ENODATA || errno == ENOTSUP ? 0 : -1;
}

int wif_remove_access_lists(int descriptor) {
    if (remove_attribute(descriptor, "system.posix_acl_access") != 0) return -1;
    // Of a directory; of anything else it is EACCES, and there is none.
    return remove_attribute(descriptor, "system.posix_acl_default") == 0 || errno == EACCES ? 0 : -1;
}

int wif_is_kernel_file_system(const char *path) {
    struct statfs status;
    if (statfs(path, &status) != 0) return -1;
    switch (status.f_type) {
    case PROC_SUPER_MAGIC:
    case SYSFS_MAGIC:
    case CGROUP_SUPER_MAGIC:
    case CGROUP2_SUPER_MAGIC:
    case DEBUGFS_MAGIC:
    case TRACEFS_MAGIC:
    case SECURITYFS_MAGIC:
    case DEVPTS_SUPER_MAGIC: return 1;
    default: return 0;
    }
}
