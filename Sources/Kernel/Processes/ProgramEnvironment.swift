import Glibc

/// Where programs are looked for if nothing else says so.
package let usualProgramPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/// What a program that this process starts is given of an environment: `LANG`; `PATH` without the
/// directories in which others could put programs; and `HOME`, in place of which it gets this user's own
/// where it is another user's (as `sudo -E` leaves it), for programs read files there that name programs.
package func programEnvironment(from environment: [String: String]) -> [String: String] {
    var kept: [String: String] = [:]
    let directories = (environment["PATH"] ?? usualProgramPath).split(separator: ":")
        .map(String.init).filter(isSafe)
    kept["PATH"] = directories.isEmpty ? usualProgramPath : directories.joined(separator: ":")
    kept["LANG"] = environment["LANG"]
    if let home = environment["HOME"] { kept["HOME"] = isForeign(home) ? ownHome() : home }
    return kept
}

/// Whether nobody but root and this user can put anything into the directory, which need not be there.
private func isSafe(_ path: String) -> Bool {
    guard path.hasPrefix("/") else { return false }
    do throws(PathError) {
        try checkOwn(directory: path)
        return true
    } catch {
        return error.reason == .notFound
    }
}

/// Whether a home directory is another user's; as root, whether others could change it.
private func isForeign(_ home: String) -> Bool {
    do throws(PathError) {
        guard geteuid() == 0 else {
            let facts = try about(home, "cannot be examined") { () throws(Errno) in
                try FileFacts(at: home)
            }
            return facts.owner != 0 && facts.owner != geteuid()
        }
        try checkOwn(directory: home)
        return false
    } catch {
        return error.reason != .notFound
    }
}

private func checkOwn(directory path: String) throws(PathError) {
    let directory = try Directory.open(
        resolvedPath(path),
        trust: DirectoryTrust(owners: [geteuid()], groups: [])
    )
    try checkUnshared(directory.raw, path: path, [geteuid()])
}

/// `getpwuid(3)`; `/` for a user that has none.
private func ownHome() -> String {
    guard let record = unsafe getpwuid(geteuid()), let home = unsafe record.pointee.pw_dir else {
        return "/"
    }
    return unsafe String(cString: home)
}
