import Testing

@testable import Diagnosis

/// What the machine's own files say of names.
@Suite struct NameFilesTests {
    @Test func `a line of the hosts file is found by any of its names`() {
        let files = NameFiles(
            hosts:
                "127.0.0.1 localhost\n# 10.0.0.1 a.example\n10.0.0.2\tb.example A.example # old\n",
            resolver: ""
        )
        #expect(files.line(of: "a.example") == .init(number: 3, address: "10.0.0.2"))
        #expect(files.line(of: "old") == nil)
        #expect(files.line(of: "c.example") == nil)
    }

    @Test func `the resolver's servers are those of its lines`() {
        let text = "# nameserver 1.1.1.1\nsearch x\nnameserver 127.0.0.53\nnameserver  ::1 \n"
        #expect(NameFiles(hosts: "", resolver: text).servers == ["127.0.0.53", "::1"])
        #expect(NameFiles(hosts: "", resolver: "").servers.isEmpty)
    }
}
