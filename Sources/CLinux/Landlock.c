#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// Of later versions of the interface than the headers may know.
#define ACCESS_REFER (1ULL << 13)     // 2
#define ACCESS_TRUNCATE (1ULL << 14)  // 3
#define ACCESS_BIND_TCP (1ULL << 0)   // 4, of the network
#define ACCESS_IOCTL (1ULL << 15)     // 5
#define SCOPE_ABSTRACT (1ULL << 0)    // 6
#define SCOPE_SIGNAL (1ULL << 1)      // 6

// struct landlock_ruleset_attr as of version 6; an older kernel takes a longer one whose rest is zero.
typedef struct {
    uint64_t files;
    uint64_t network;
    uint64_t scoped;
} ruleset;

static const uint64_t writing =
    LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
    LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
    LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
    LANDLOCK_ACCESS_FS_MAKE_SYM;
static const uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;

// Where libraries, name services and certificates are; no one's own files.
static const char *const system_places[] = {
    "/usr", "/lib", "/lib32", "/lib64", "/etc", "/proc", "/sys", "/nix/store", "/gnu/store",
    "/dev/null", "/dev/zero", "/dev/random", "/dev/urandom",
};
// What is commonly a link out of these places; the directory that it leads to is readable, too.
static const char *const system_links[] = {
    "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/localtime",
    "/etc/ssl/openssl.cnf", "/etc/ssl/cert.pem", "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
};

static int allow_reading(int rules, const char *path) {
    int place = open(path, O_PATH | O_CLOEXEC);
    if (place < 0) return 0;  // not on this system
    struct stat status;
    struct landlock_path_beneath_attr rule = {.allowed_access = reading, .parent_fd = place};
    if (fstat(place, &status) == 0 && !S_ISDIR(status.st_mode)) {
        rule.allowed_access &= LANDLOCK_ACCESS_FS_READ_FILE;
    }
    int result = (int)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    int reason = errno;
    close(place);
    errno = reason;
    return result;
}

// The directory of what the link leads to, for the file may be replaced; the file itself where that
// directory holds all sorts of things.
static int allow_target(int rules, const char *link) {
    char *path = realpath(link, NULL);
    if (path == NULL) return 0;
    char *slash = strrchr(path, '/');
    bool is_deep = strchr(path + 1, '/') != slash && slash != path;
    if (is_deep) *slash = 0;
    int result = allow_reading(rules, path);
    free(path);
    return result;
}

static int allow_system(int rules) {
    for (size_t i = 0; i < sizeof system_places / sizeof *system_places; i++) {
        if (allow_reading(rules, system_places[i]) != 0) return -1;
    }
    for (size_t i = 0; i < sizeof system_links / sizeof *system_links; i++) {
        if (allow_target(rules, system_links[i]) != 0) return -1;
    }
    return 0;
}

int wif_landlock(wif_landlock_reach reach) {
    int version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    // This question takes no privilege: EPERM is a container's filter, which hides the call.
    if (version < 0) return (errno == ENOSYS || errno == EOPNOTSUPP || errno == EPERM) ? 1 : -1;
    ruleset rules = {0};
    if (reach != WIF_LANDLOCK_PROGRAMS) {
        rules.files = writing | LANDLOCK_ACCESS_FS_EXECUTE;
        if (reach == WIF_LANDLOCK_SYSTEM) rules.files |= reading;
        if (version >= 2) rules.files |= ACCESS_REFER;
        if (version >= 3) rules.files |= ACCESS_TRUNCATE;
        if (version >= 4) rules.network = ACCESS_BIND_TCP;
        if (version >= 5) rules.files |= ACCESS_IOCTL;
        if (version >= 6) rules.scoped = SCOPE_ABSTRACT;
    }
    if (version >= 6) rules.scoped |= SCOPE_SIGNAL;
    if (rules.files == 0 && rules.scoped == 0) return 1;
    int descriptor = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
    if (descriptor < 0) return -1;
    int result = reach == WIF_LANDLOCK_SYSTEM ? allow_system(descriptor) : 0;
    if (result == 0) result = (int)syscall(SYS_landlock_restrict_self, descriptor, 0);
    int saved = errno;
    close(descriptor);
    errno = saved;
    return result;
}
