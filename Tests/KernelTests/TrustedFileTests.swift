import FoundationEssentials
import Glibc
import TestSupport
import Testing

@testable import Kernel

/// What others could change is not trusted, however they came by the right to.
@Suite struct TrustedFileTests {
    struct Hand: CustomTestStringConvertible {
        let testDescription: String
        let says: String
        /// What is done to DIRECTORY, which has a `file` in it; `nil`: refused whatever is done.
        let work: @Sendable (String) -> Void
    }

    static let hands = [
        Hand(testDescription: "mode 0660 of root's group", says: "writable by its group root (0)") {
            unsafe chmod("\($0)/file", 0o660)
        },
        Hand(testDescription: "mode 0602", says: "writable by others (mode 0602)") {
            unsafe chmod("\($0)/file", 0o602)
        },
        Hand(testDescription: "owner", says: "owned by 4242") {
            unsafe chown("\($0)/file", 4242, 0)
        },
        Hand(testDescription: "a user by the access list", says: "writable by the user 4242") {
            setAccessList("\($0)/file", user: 4242, bits: 6)
        },
        Hand(testDescription: "a group by the access list", says: "writable by the group 4242") {
            setAccessList("\($0)/file", group: 4242, bits: 2)
        },
        Hand(testDescription: "the directory's mode", says: "writable by its group root (0)") {
            unsafe chmod($0, 0o770)
        },
        Hand(testDescription: "the directory's access list", says: "writable by the user 4242") {
            setAccessList($0, user: 4242, bits: 7)
        },
    ]

    @Test(.enabled(if: geteuid() == 0, "giving files away takes root"), arguments: hands)
    func `what others could change is refused`(_ hand: Hand) throws {
        let scratch = try Self.scratch()
        hand.work(scratch.path)
        for attempt in [Self.opened, Self.resolved] {
            let error = #expect(throws: PathError.self) { try attempt(scratch("file")) }
            #expect(error?.description.contains(hand.says) == true)
            #expect(error?.reason == nil)
            #expect(error?.hint != nil || hand.testDescription == "owner")
        }
    }

    static let harmless = [
        Hand(testDescription: "an access list that lets others read", says: "") {
            setAccessList("\($0)/file", user: 4242, group: 4242, bits: 4)
        },
        Hand(testDescription: "an access list for root", says: "") {
            setAccessList("\($0)/file", user: 0, bits: 6)
        },
        Hand(testDescription: "an access list that its mask makes void", says: "") {
            setAccessList("\($0)/file", user: 4242, bits: 6)
            unsafe chmod("\($0)/file", 0o600)
        },
        Hand(testDescription: "a directory in which others may enter", says: "") {
            setAccessList($0, user: 4242, group: 4242, bits: 5)
        },
    ]

    @Test(arguments: harmless)
    func `what others can only read is accepted`(_ hand: Hand) throws {
        let scratch = try Self.scratch()
        hand.work(scratch.path)
        try Self.opened(scratch("file"))
        try Self.resolved(scratch("file"))
    }

    @Test func `a sticky directory protects a file, not a program's name`() throws {
        let scratch = try Self.scratch()
        unsafe chmod(scratch.path, 0o1777)
        try Self.opened(scratch("file"))
        #expect(throws: PathError.self) { try Self.resolved(scratch("file")) }
    }

    @Test func `an output's group may not bring others along`() throws {
        let scratch = ScratchDirectory()
        let trust = DirectoryTrust(owners: [geteuid()], groups: [getegid()])
        unsafe chmod(scratch.path, 0o770)
        _ = try Directory.open(scratch.path, trust: trust)
        setAccessList(scratch.path, group: 4242, bits: 7)
        #expect {
            try Directory.open(scratch.path, trust: trust)
        } throws: { error in
            "\(error)".contains("writable by the group 4242")
        }
    }

    /// The directory's default list grants rights that the mode does not show when a file is made.
    @Test func `what is made has no access list, whatever the directory's default`() async throws {
        let scratch = ScratchDirectory()
        setAccessList(scratch.path, user: 4242, bits: 7, isDefault: true)
        let trust = DirectoryTrust(owners: [geteuid()], groups: [])
        let directory = try Directory.open(scratch.path, trust: trust)
        _ = try directory.replace("file", with: Secret("x"), FileRights(mode: 0o640))
        try makeFile(at: scratch("other"), with: [], mode: 0o640)
        let creation = FileRights(mode: 0o750)
        _ = try Directory.open(scratch("a/b"), trust: trust, creating: creation)
        let socket = try UnixListener(binding: "s", in: directory, mode: 0o660)
        for (name, mode) in [("file", 0o640), ("other", 0o640), ("a/b", 0o750), ("s", 0o660)] {
            #expect(!hasAccessLists(scratch(name)), "\(name)")
            #expect(try FileFacts(at: scratch(name)).mode == UInt32(mode))
        }
        socket.close()
    }

    private static func scratch() throws -> ScratchDirectory {
        let scratch = ScratchDirectory()
        try Data().write(to: URL(filePath: scratch("file")))
        unsafe chmod(scratch("file"), 0o600)
        return scratch
    }

    private static func opened(_ path: String) throws {
        _ = try openTrusted(path, owners: [geteuid()])
    }

    private static func resolved(_ path: String) throws {
        _ = try trustedFile(path, owners: [geteuid()])
    }
}
