import Federation
import Glibc
import TestSupport
import Testing

@testable import Kernel
@testable import Outputs

@Suite(.timeLimit(.minutes(1)))
struct SocketAccessTests {
    struct Case: CustomTestStringConvertible {
        let testDescription: String
        let client: ForeignClient
        var users: [String] = []
        var groups: [String] = []
        var units: [String] = []
        let isServed: Bool
    }

    static let cases = [
        Case(testDescription: "root", client: .init(uid: 0), isServed: true),
        Case(
            testDescription: "a stranger",
            client: .init(uid: 4242),
            users: ["4343"],
            isServed: false
        ),
        Case(
            testDescription: "an allowed user",
            client: .init(uid: 4242),
            users: ["4242"],
            isServed: true
        ),
        Case(
            testDescription: "an allowed group",
            client: .init(uid: 4242),
            groups: ["4242"],
            isServed: true
        ),
        Case(
            testDescription: "the overflow user, though allowed",
            client: .init(uid: 65_534),
            users: ["65534"],
            isServed: false
        ),
        Case(
            testDescription: "a unit",
            client: .init(abstractName: "3/unit/foo.service/x"),
            units: ["foo.service"],
            isServed: true
        ),
        Case(
            testDescription: "another unit",
            client: .init(abstractName: "1/unit/bar.service/x"),
            units: ["foo.service"],
            isServed: false
        ),
        Case(
            testDescription: "root that is no unit",
            client: .init(),
            units: ["foo.service"],
            isServed: false
        ),
        Case(
            testDescription: "an allowed user that claims to be a unit",
            client: .init(uid: 4242, abstractName: "2/unit/foo.service/x"),
            users: ["4242"],
            units: ["foo.service"],
            isServed: false
        ),
    ]

    @Test(.enabled(if: geteuid() == 0, "becoming others takes root"), arguments: cases)
    func `a peer is judged by what the kernel says of it`(_ row: Case) async throws {
        try await judge(row)
    }

    @Test(
        .enabled(if: geteuid() == 0, "becoming others takes root"),
        .enabled(if: Machine.peerGroups.isThere, "the kernel does not tell a peer's groups")
    )
    func `a peer in an allowed supplementary group is served`() async throws {
        let client = ForeignClient(uid: 4242, groups: [5554, 5555])
        try await judge(
            Case(testDescription: "member", client: client, groups: ["5555"], isServed: true)
        )
        try await judge(
            Case(testDescription: "stranger", client: client, groups: ["5556"], isServed: false)
        )
    }

    private func judge(_ row: Case) async throws {
        let place = ScratchDirectory()
        let path = place("s")
        unsafe chmod(place.path, 0o755)
        var access = SocketAccess()
        (access.users, access.groups, access.units) = (row.users, row.groups, row.units)
        let events = Events()
        try await served(path, access: access, report: events.note) { (socket) async throws in
            socket.set(Secret("credential"))
            #expect(try await row.client.read(path) == (row.isServed ? "credential" : ""))
            #expect(socket.counts.delivered == (row.isServed ? 1 : 0))
            #expect(socket.counts.refused == (row.isServed ? 0 : 1))
            guard !row.isServed, case .refused(_, _, _, count: 1) = events.all.first else {
                return #expect(row.isServed)
            }
        }
    }

    @Test(.enabled(if: geteuid() == 0, "giving files away takes root"))
    func `the socket's owner may read`() async throws {
        let place = ScratchDirectory()
        let path = place("s")
        unsafe chmod(place.path, 0o755)
        var access = SocketAccess()
        access.owner = "4242"
        try await served(path, access: access) { (socket) async throws in
            socket.set(Secret("credential"))
            #expect(try FileFacts(at: path).owner == 4242)
            #expect(try await ForeignClient(uid: 4242).read(path) == "credential")
            #expect(try await ForeignClient(uid: 4343).read(path) == nil)
        }
    }

    @Test func `ten thousand refusals make few reports`() {
        var state = SocketState()
        let start = BootInstant(seconds: 100)
        var reported: [Int] = []
        for index in 0..<10_000 {
            let now = start.advanced(bySeconds: Double(index) / 500)
            if let count = state.noteRefusal(of: 7, at: now) { reported.append(count) }
        }
        #expect(reported == [1, 5000])
        #expect(state.counts.refused == 10_000)
    }

    @Test func `many users make no more reports than few`() {
        var state = SocketState()
        var reported: [Int] = []
        for (start, first) in [(100.0, 1), (110.0, 100_001)] {
            for user in 0..<5000 {
                let now = BootInstant(seconds: start + Double(user) / 1000)
                let count = state.noteRefusal(of: UInt32(first + user), at: now)
                if let count { reported.append(count) }
            }
        }
        let ones = [Int](repeating: 1, count: 15)
        #expect(reported == [1] + ones + [5000 - 16 + 1] + ones)
    }

    @Test(arguments: [
        ("adf9d86b6eda275e/unit/foobar.service/credx", "foobar.service"),
        ("adf9d86b6eda275e/unit/foo@a.service/credx", "foo@a.service"),
        ("adf9d86b6eda275e/unit//credx", nil),
        ("/unit/foobar.service/credx", nil),
        ("x/unit/foobar.service", nil),
        ("x/unit/foobar.service/", nil),
        ("x/unit/foobar.service/a/b", nil),
        ("x/user/foobar.service/a", nil),
        ("x/unit//foobar.service/a", nil),
        ("", nil),
    ])
    func `a unit is known by systemd's form of name`(_ name: String, _ unit: String?) {
        #expect(unitName(inAbstractName: name) == unit)
    }

    @Test func `a peer whose groups the kernel does not tell is in none`() throws {
        var access = SocketAccess()
        access.groups = ["4242"]
        let gate = try SocketGuard(access, owner: nil, path: "/s")
        let peer = Peer(pid: 1, uid: 4343, gid: 4343, abstractName: nil)
        let rows: [(groups: [UInt32]?, isAllowed: Bool)] = [
            ([4242], true), ([4343], false), (nil, false),
        ]
        for (groups, isAllowed) in rows {
            let verdict = gate.judge(peer) { () throws(Errno) in
                guard let groups else { throw .notFound }
                return groups
            }
            #expect((verdict == .allowed(unit: nil)) == isAllowed)
        }
    }

    @Test(arguments: [("1234\n", 1234), ("65533", 65_533), ("", 65_534), ("-1\n", 65_534)])
    func `the overflow user is whom the kernel names`(_ text: String, _ user: UInt32) throws {
        let place = ScratchDirectory()
        #expect(overflowUserID(at: place("absent")) == 65_534)
        let trust = DirectoryTrust(owners: [geteuid()], groups: [])
        let directory = try Directory.open(place.path, trust: trust)
        _ = try directory.replace("overflowuid", with: Secret(text), FileRights(mode: 0o600))
        #expect(overflowUserID(at: place("overflowuid")) == user)
    }

    @Test func `the mode does not depend on the umask`() async {
        await #expect(processExitsWith: .success) {
            let place = ScratchDirectory()
            let path = place("s")
            for (mask, users, mode) in [(0, [], 0o600), (0o777, ["0"], 0o666), (0o77, [], 0o600)] {
                umask(mode_t(mask))
                var access = SocketAccess()
                access.users = users
                let socket = try CredentialSocket(
                    path: path,
                    access: access,
                    isOwnDescendant: { _ in false }
                )
                #expect(try FileFacts(at: path).mode == UInt32(mode))
                socket.close()
            }
        }
    }

    @Test func `a socket whose readers are not known leaves no file`() throws {
        let place = ScratchDirectory()
        var access = SocketAccess()
        access.users = ["nobody-has-this-name"]
        #expect(throws: OutputError.self) {
            _ = try CredentialSocket(path: place("s"), access: access)
        }
        #expect(throws: Errno.notFound) { try FileFacts(at: place("s")) }
    }

    @Test func `a directory that is made lets in whom the socket lets in`() throws {
        let place = ScratchDirectory()
        var group = SocketAccess()
        group.group = "\(getegid())"
        var users = SocketAccess()
        users.users = ["4242"]
        for (name, access, mode) in [
            ("own", SocketAccess(), 0o700), ("group", group, 0o750), ("users", users, 0o711),
        ] {
            let socket = try CredentialSocket(path: place("\(name)/s"), access: access)
            #expect(try FileFacts(at: place(name)).mode == UInt32(mode))
            socket.close()
        }
    }

    @Test func `a stale socket is replaced, anything else in the way is an error`() throws {
        let place = ScratchDirectory()
        let path = place("s")
        let directory = try Directory.open(
            place.path,
            trust: DirectoryTrust(owners: [geteuid()], groups: [])
        )
        do { _ = try UnixListener(binding: "s", in: directory, mode: 0o600) }
        #expect(try FileFacts(at: path).kind == .socket)
        let socket = try CredentialSocket(path: path, access: .init())
        let error = #expect(throws: OutputError.self) {
            _ = try CredentialSocket(path: path, access: .init())
        }
        #expect(error?.problem == "is served by a running process")
        #expect(error?.failure.class == .misconfigured)
        socket.close()
        #expect(throws: Errno.notFound) { try FileFacts(at: path) }
        _ = try directory.replace("s", with: Secret("precious"), FileRights(mode: 0o600))
        #expect(throws: OutputError.self) {
            _ = try CredentialSocket(path: path, access: .init())
        }
        socket.close()
        #expect(try FileFacts(at: path).kind == .regular)
        let long = place(String(repeating: "x", count: 100))
        let tooLong = #expect(throws: OutputError.self) {
            _ = try CredentialSocket(path: long, access: .init())
        }
        #expect(tooLong?.hint?.contains("107") == true)
    }
}
