import Glibc

/// Why a program that is there cannot be started, and what to do; `nil` where its file does not tell. The
/// names in it are not yet fit to print. `execve(2)`
package func startAdvice(_ path: String, _ error: Errno) -> String? {
    if FileFacts(ifAt: path)?.kind == .directory {
        return "\(path) is a directory: name the program in it"
    }
    // Where it cannot be read, its rights may be all that is wrong.
    let start = firstBytes(of: path) ?? []
    let line = firstLine(start)
    let interpreter = interpreter(in: line)
    if interpreter != nil, line.last == UInt8(ascii: "\r") {
        return "the script has the line ends of Windows: sed -i 's/\\r$//' \(path)"
    }
    if error == .notFound, let interpreter {
        return "the first line of \(path) names the interpreter \(interpreter): install it,"
            + " or correct that line"
    }
    if error == .notFound {
        return start.isEmpty
            ? nil
            : "the program is there, but not the loader that it needs: was it built for another"
                + " system? file \(path) and ldd \(path) tell"
    }
    if error == .noExecutable {
        return
            "write the interpreter in the script's first line, such as #!/bin/sh; a program must be"
            + " one for this machine (file \(path) tells)"
    }
    guard error == .noAccess else { return nil }
    guard isMountedWithoutPrograms(path) else { return "chmod a+rx \(path)" }
    return "its file system is mounted noexec (findmnt -T \(path)): put the program elsewhere, in"
        + " /usr/local/bin say"
}

/// Why a program's file could not be started though this user may run it, and what to do; `nil` where nothing
/// is wrong with it, or it cannot be read.
package func startObjection(_ path: String) -> String? {
    guard let start = firstBytes(of: path), !start.starts(with: [0x7F, 0x45, 0x4C, 0x46]) else {
        return nil
    }
    guard let interpreter = interpreter(in: firstLine(start)) else {
        return startAdvice(path, .noExecutable)
    }
    return FileFacts(ifAt: interpreter) == nil ? startAdvice(path, .notFound) : nil
}

private func firstBytes(of path: String) -> [UInt8]? {
    do throws(ReadFileError) {
        return [UInt8](try readFile(path, limit: 1 << 26).bytes.prefix(256))
    } catch {
        return nil
    }
}

private func firstLine(_ start: [UInt8]) -> ArraySlice<UInt8> {
    start.prefix { $0 != UInt8(ascii: "\n") }
}

/// What a script's first line names; `nil` where it is no script's.
private func interpreter(in line: ArraySlice<UInt8>) -> String? {
    guard line.starts(with: "#!".utf8) else { return nil }
    let words = String(decoding: line.dropFirst(2), as: UTF8.self).split(separator: " ")
    return words.first.map(String.init) ?? ""
}

/// What to do about a program that a command line names and that cannot be started; `nil` where nothing is
/// known.
///
/// - Parameters:
///   - name: as it was given, with or without a directory.
///   - path: the variable's value, along which names are looked for.
package func programAdvice(_ name: String, _ error: Errno, path: String?) -> String? {
    let path = path ?? usualProgramPath
    let places = name.contains("/") ? [name] : path.split(separator: ":").map { "\($0)/\(name)" }
    if let found = places.first(where: { FileFacts(ifAt: $0) != nil }) {
        return startAdvice(found, error)
    }
    guard error == .notFound else { return nil }
    let words = name.split { $0 == " " || $0 == "\t" || $0 == "\n" }
    if words.count > 1 {
        return "\"\(name)\" is one word, and no program has that name: leave out the quotes around"
            + " it, -- \(words.joined(separator: " ")); or have a shell take it, -- sh -c '\(name)'"
    }
    if name.contains("/") { return pathAdvice(name, .notFound) }
    return "no program \(name) is along PATH (\(path)): install it, or write its whole path"
}

/// Whether the file system that a path is on runs no programs. `statvfs(3)`
private func isMountedWithoutPrograms(_ path: String) -> Bool {
    var status = statvfs()
    return unsafe statvfs(path, &status) == 0 && status.f_flag & noProgramsFlag != 0
}

/// `ST_NOEXEC`, which the C library declares with `_GNU_SOURCE` alone. `statvfs(3)`
private let noProgramsFlag: UInt = 8
