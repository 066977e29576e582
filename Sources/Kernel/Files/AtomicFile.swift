import CLinux
import Glibc

extension Directory {
    /// Puts a file in place of the one of that name, whole or not at all: a new file beside it gets
    /// group, mode and owner while it is empty, then the bytes; it is synchronised and renamed.
    /// On failure the old file is untouched and the new one gone.
    ///
    /// The new file's facts are returned.
    /// - Throws: ``PathError`` that names the step; a target that is no regular file is refused.
    package func replace(
        _ name: String,
        with contents: Secret,
        _ rights: FileRights
    ) throws(PathError) -> FileFacts {
        try checkTarget(name)
        let temporary = temporaryPrefix(of: name) + randomDigits()
        let facts: FileFacts
        do throws(PathError) {
            facts = try write(contents, to: temporary, of: name, rights)
            _ = try about(path(of: name), "cannot be replaced") { () throws(Errno) in
                try systemCall { unsafe wif_rename(raw, temporary, name) }
            }
        } catch {
            // The first failure is the one to tell of; a leftover goes with the next removeStale.
            _ = unsafe unlinkat(raw, temporary, 0)
            throw error
        }
        try sync()
        return facts
    }

    /// Refuses a name that is taken by anything but a regular file.
    package func checkTarget(_ name: String) throws(PathError) {
        if let target = try facts(of: name), target.kind != .regular {
            throw PathError(
                path(of: name),
                "is \(target.kind.rawValue), not a regular file",
                hint: path(of: name).hasPrefix("/dev/")
                    ? "a credential is delivered as a file of its own: choose a path such as one below /run; to print"
                        + " it there is wif-agent get"
                    : "remove it, or choose another path"
            )
        }
    }

    /// Removes the temporary files that a killed process left when it replaced this name.
    package func removeStale(of name: String) throws(PathError) {
        let prefix = temporaryPrefix(of: name)
        for leftover in try names() where leftover.hasPrefix(prefix) {
            let digits = leftover.utf8.dropFirst(prefix.utf8.count)
            guard digits.count == 16, digits.allSatisfy(isHexadecimal),
                try facts(of: leftover)?.kind == .regular
            else { continue }
            try remove(leftover)
        }
    }

    private func write(
        _ contents: Secret,
        to temporary: String,
        of name: String,
        _ rights: FileRights
    ) throws(PathError) -> FileFacts {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
        let raw = try about(path(of: name), "cannot be made") { () throws(Errno) in
            try systemCall { unsafe wif_openat(self.raw, temporary, flags, 0o600) }
        }
        let file = FileDescriptor(owning: raw)
        do throws(Errno) {
            // What it inherited from the directory's default list would grant more than the mode says.
            try systemCall { wif_remove_access_lists(file.raw) }
            try assign(rights, to: file.raw)
        } catch {
            let hint = error.code == EPERM ? "only root may give files away" : nil
            let step = "cannot be given its owner, group and mode"
            throw PathError(path(of: name), step, error, hint: hint)
        }
        return try about(path(of: name), "cannot be written") { () throws(Errno) in
            try contents.withBytes { bytes throws(Errno) in try file.writeAll(bytes) }
            try systemCall { fsync(file.raw) }
            return try FileFacts(of: file.raw)
        }
    }
}

func temporaryPrefix(of name: String) -> String { ".\(name).wif-" }

func randomDigits() -> String {
    let digits = String(UInt64.random(in: .min ... .max), radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}

private func isHexadecimal(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
}
