import Glibc
import TestSupport
import Testing

@testable import Kernel

private let own = DirectoryTrust(owners: [geteuid()], groups: [])

@Suite struct DirectoryTests {
    struct Refusal: CustomTestStringConvertible {
        let testDescription: String
        let says: String
        var needsRoot = false
        let path: @Sendable (String) -> String
    }

    static let refusals = [
        Refusal(testDescription: "relative", says: "not an absolute path") { _ in "tmp/x" },
        Refusal(testDescription: "dots", says: "through '.' or '..'") { "\($0)/../x" },
        Refusal(testDescription: "NUL", says: "NUL") { "\($0)/a\0b" },
        Refusal(testDescription: "missing", says: "No such file") { "\($0)/missing" },
        Refusal(testDescription: "others write", says: "writable by others (mode 0777)") {
            made($0, 0o777)
        },
        Refusal(testDescription: "group writes", says: "writable by its group") {
            made($0, 0o770)
        },
        Refusal(testDescription: "foreign owner", says: "is owned by 4242", needsRoot: true) {
            made($0, 0o755, owner: 4242)
        },
        Refusal(testDescription: "sticky, foreign owner", says: "is owned by", needsRoot: true) {
            made($0, 0o1777, owner: 4242)
        },
        Refusal(testDescription: "a file on the way", says: "Not a directory") {
            close(unsafe creat("\($0)/file", 0o600))
            return "\($0)/file/x"
        },
        Refusal(testDescription: "another's link", says: "symbolic link", needsRoot: true) {
            unsafe symlink("/etc", "\($0)/link")
            unsafe lchown("\($0)/link", 4242, 4242)
            return "\($0)/link"
        },
        Refusal(testDescription: "root's link where others write", says: "symbolic link") {
            let sticky = made($0, 0o1777)
            unsafe symlink("/etc", "\(sticky)/link")
            return "\(sticky)/link"
        },
        Refusal(testDescription: "links in a ring", says: "symbolic links", needsRoot: true) {
            unsafe symlink("b", "\($0)/a")
            unsafe symlink("a", "\($0)/b")
            return "\($0)/a"
        },
    ]

    @Test(arguments: refusals.filter { !$0.needsRoot })
    func `a path that others could change is refused`(_ row: Refusal) {
        check(row)
    }

    @Test(.enabled(if: geteuid() == 0, "takes root"), arguments: refusals.filter(\.needsRoot))
    func `a path that is another user's is refused`(_ row: Refusal) {
        check(row)
    }

    private func check(_ row: Refusal) {
        let scratch = TrustedScratch()
        let error = #expect(throws: PathError.self) {
            _ = try Directory.open(row.path(scratch.path), trust: own)
        }
        #expect(error?.description.contains(row.says) == true, "\(String(describing: error))")
    }

    @Test func `sticky directories and the output's group are accepted`() throws {
        let scratch = TrustedScratch()
        _ = try Directory.open(made(scratch.path, 0o1777), trust: own)
        let shared = made(scratch.path, 0o770)
        let trust = DirectoryTrust(owners: [geteuid()], groups: [getegid()])
        _ = try Directory.open(shared, trust: trust)
    }

    @Test(.enabled(if: geteuid() == 0, "only root's links are followed"))
    func `root's own links are followed, relative ones too`() throws {
        let scratch = TrustedScratch()
        let real = made(scratch.path, 0o700)
        unsafe mkdir("\(real)/inside", 0o700)
        unsafe symlink(real, scratch.path + "/absolute")
        unsafe symlink("./real/../real", scratch.path + "/relative")
        for link in ["absolute", "relative"] {
            let directory = try Directory.open("\(scratch.path)/\(link)/inside", trust: own)
            #expect(directory.isCurrent)
        }
        _ = try Directory.open("/var/run", trust: own)
    }

    @Test func `a directory removed or replaced is no longer current`() throws {
        let scratch = TrustedScratch()
        let path = made(scratch.path, 0o700)
        let directory = try Directory.open(path, trust: own)
        #expect(directory.isCurrent)
        unsafe rmdir(path)
        #expect(!directory.isCurrent)
        unsafe mkdir(path, 0o700)
        #expect(!directory.isCurrent)
    }

    @Test func `a directory put in the place of the one just made is left as it is`() throws {
        let scratch = TrustedScratch()
        let path = made(scratch.path, 0o700)
        let parent = try Directory.open(scratch.path, trust: own)
        unsafe mkdir("\(path)/inside", 0o700)
        #expect(throws: Errno(EEXIST)) { try claim("real", in: parent) }
        unsafe rmdir("\(path)/inside")
        unsafe chmod(path, 0o755)
        #expect(throws: Errno(EEXIST)) { try claim("real", in: parent) }
        #expect(try FileFacts(at: path).mode == 0o755)
        unsafe chmod(path, 0o700)
        try claim("real", in: parent)
        #expect(try FileFacts(at: path).mode == 0o750)
    }

    @Test func `users are found by name and number`() {
        #expect(userID(of: "root") == 0)
        #expect(userID(of: "0") == 0)
        #expect(userID(of: "4242") == 4242)
        #expect(userID(of: "nobody-knows-this-user") == nil)
        #expect(userID(of: "4294967295") == nil)
        #expect(userID(of: "+1") == nil)
        #expect(groupID(of: "root") == 0)
        #expect(userDescription(0) == "root (0)")
        #expect(userDescription(4242) == "4242")
    }
}

/// As root, a scratch directory on whose path nobody else can write.
private struct TrustedScratch: ~Copyable {
    private let scratch = ScratchDirectory(in: geteuid() == 0 ? "/run" : "/var/tmp")
    var path: String { scratch.path + "/trusted" }

    init() {
        unsafe mkdir(path, 0o755)
    }
}

private func claim(_ name: String, in parent: Directory) throws(Errno) {
    _ = try claimMade(name, in: parent.raw, FileRights(mode: 0o750))
}

/// A directory "real" with that mode in `parent`.
private func made(_ parent: String, _ mode: mode_t, owner: uid_t? = nil) -> String {
    let path = "\(parent)/real"
    unsafe mkdir(path, 0o700)
    unsafe chmod(path, mode)
    if let owner { unsafe chown(path, owner, .max) }
    return path
}
