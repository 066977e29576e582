import Federation
import Testing
import Text

@Suite struct `An output` {
    static let formats: [(String, Format)] = [
        ("raw", .raw), ("base64", .raw), ("json", .json), ("env", .env), ("envfile", .envfile),
    ]

    @Test(arguments: formats)
    func `each format is read`(word: String, format: Format) throws {
        let output = try parse(["format": .string(word), "path": "/run/a"])
        #expect(output == Output(kind: .file(format, FileOptions()), path: "/run/a"))
    }

    @Test func `a file's options are read`() throws {
        let output = try parse([
            "format": "json", "path": "/run/a", "mode": "0640", "owner": "root", "group": "adm",
            "onExpiry": "remove",
        ])
        var options = FileOptions()
        options.mode = 0o640
        (options.owner, options.group, options.onExpiry) = ("root", "adm", .remove)
        #expect(output == Output(kind: .file(.json, options), path: "/run/a"))
    }

    @Test func `a socket's options are read`() throws {
        let output = try parse([
            "format": "socket", "path": "/run/a.sock", "content": "env", "allowUsers": ["a", "1"],
            "allowGroups": ["g"], "allowUnits": ["x.service"],
        ])
        var access = SocketAccess()
        (access.users, access.groups, access.units) = (["a", "1"], ["g"], ["x.service"])
        #expect(output == Output(kind: .socket(.env, access), path: "/run/a.sock"))
        #expect(access.effectiveMode == 0o666)
        #expect(SocketAccess().effectiveMode == 0o600)
    }

    @Test(arguments: ["allowUnit", "allowunits", "allowedUsers", "alowGroups"])
    func `a misspelt key that narrows who may read is an error`(key: String) {
        #expect {
            try parse(["format": "socket", "path": "/run/a.sock", key: ["x.service"]])
        } throws: { error in
            (error as? AccountError)?.message.contains("outputs[0].\(key): is no key") == true
        }
    }

    static let modes: [(JSON, UInt32?)] = [
        ("0600", 0o600), ("600", 0o600), ("0o640", 0o640), ("0", 0), ("0775", 0o775),
        (640, nil), ("0777", nil), ("0602", nil), ("1777", nil), ("0800", nil), ("rw", nil),
        ("-1", nil), ("+600", nil), ("", nil), ("0o", nil),
    ]

    @Test(arguments: modes)
    func `a file's mode is octal, in quotes and not open to all`(mode: JSON, bits: UInt32?) throws {
        let entry: JSON = ["format": "raw", "path": "/run/a", "mode": mode]
        guard let bits else {
            #expect(throws: AccountError.self) { try parse(entry) }
            return
        }
        guard case .file(_, let options) = try parse(entry).kind else { return }
        #expect(options.mode == bits)
    }

    static let bad: [(JSON, String)] = [
        (["path": "/a"], "outputs[0].format: is missing"),
        (["format": "raw"], "outputs[0].path: is missing"),
        (["format": "yaml", "path": "/a"], "\"yaml\" is not known"),
        (["format": "header", "path": "/a"], "header is not for Mondoo"),
        (["format": "github", "path": "/a"], "github is a platform, and not a format of outputs"),
        (["format": "raw", "path": "a"], "is a relative path"),
        (["format": "raw", "path": "/"], "names a directory"),
        (["format": "raw", "path": "/a/"], "names a directory"),
        (["format": "raw", "path": "/a/../b"], "goes through '.' or '..'"),
        (["format": "raw", "path": "/a/./b"], "goes through '.' or '..'"),
        (["format": "raw", "path": "/a", "onExpiry": "burn"], "onExpiry"),
        (["format": "raw", "path": "/a", "owner": 0], "a string is expected, found a number"),
        (["format": "socket", "path": "/a", "content": "socket"], "\"socket\" is not known"),
        (["format": "socket", "path": "/a", "allowUsers": "u"], "an array of strings is expected"),
    ]

    @Test(arguments: bad)
    func `any other is refused`(entry: JSON, message: String) {
        let error = #expect(throws: AccountError.self) { try parse(entry) }
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    @Test func `two to the same path are refused`() {
        let entry: JSON = ["format": "raw", "path": "/a"]
        let error = #expect(throws: AccountError.self) {
            try AccountFixture.parse(["outputs": [entry, entry]])
        }
        #expect(error?.message.contains("outputs[1].path: /a is given twice") == true)
    }

    @Test func `a key that belongs to the other kind is a warning`() throws {
        let account = try AccountFixture.parse([
            "outputs": [["format": "raw", "path": "/a", "allowUsers": ["x"]]]
        ])
        #expect(account.warnings.count == 1)
    }

    @Test func `the option's form says the same`() throws {
        let service = try AccountFixture.parse().service
        var options = FileOptions()
        (options.mode, options.owner, options.group) = (0o640, "u", "g")
        #expect(
            try Output(
                parsing: "json:/run/a,mode=0640,owner=u,group=g",
                for: service,
                variable: "V"
            )
                == Output(kind: .file(.json, options), path: "/run/a")
        )
        #expect(
            try Output(parsing: "socket:/run/a:b.sock,content=json", for: service, variable: "V")
                == Output(kind: .socket(.json, SocketAccess()), path: "/run/a:b.sock")
        )
        #expect(
            try Output(parsing: "base64:/a", for: service, variable: "V")
                == Output(kind: .file(.raw, FileOptions()), path: "/a")
        )
    }

    static let badSpecs: [(String, String)] = [
        ("", "FORMAT:PATH is expected"),
        ("raw", "FORMAT:PATH is expected"),
        (":/a", "format: is empty"),
        ("raw:", "path: is empty"),
        ("raw:a", "path: is a relative path"),
        ("raw:/a,mode", "key=value is expected"),
        ("raw:/a,mode=9", "an octal number within 0777"),
        ("raw:/a,colour=red", "unknown key"),
        ("socket:/a,allowUsers=x", "an array of strings is expected"),
    ]

    @Test(arguments: badSpecs)
    func `a malformed option is refused`(text: String, message: String) throws {
        let service = try AccountFixture.parse().service
        let error = #expect(throws: AccountError.self) {
            try Output(parsing: text, for: service, variable: "V")
        }
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
        #expect(error?.message.hasPrefix("--output") == true)
    }

    private func parse(_ entry: JSON) throws(AccountError) -> Output {
        let account = try AccountFixture.parse(["outputs": [entry]])
        return account.configuredOutputs[0]
    }
}
