import Federation
import FoundationEssentials
import Kernel
import TestSupport
import Testing

@testable import wif_agent

/// What the services lack for a token source that works in a shell, and what other services read.
@Suite struct UnitSourceTests {
    private struct World: ~Copyable {
        let root = ScratchDirectory()

        init() throws {
            try write(
                "usr/lib/systemd/system/wif-agent.service",
                """
                [Service]
                ExecStart=/usr/bin/wif-agent run
                User=nobody
                Environment=WIF_AGENT_WORKER_SOCKET=/run/wif-exchange.sock
                EnvironmentFile=-/etc/default/wif-agent
                RuntimeDirectory=wif-agent
                PrivateNetwork=yes
                """
            )
            try write(
                "usr/lib/systemd/system/wif-exchange@.service",
                """
                [Service]
                ExecStart=/usr/libexec/wif-agent/wif-exchange --files
                User=nobody
                RestrictAddressFamilies=AF_INET AF_INET6
                ProtectHome=yes
                PrivateTmp=yes
                """
            )
        }

        func write(_ path: String, _ text: String) throws {
            let url = URL(filePath: root(path))
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(text.utf8).write(to: url)
        }

        func steps(_ source: String, _ environment: [String: String] = [:]) throws -> [StepReport] {
            UnitSourceSteps(
                of: try UnitSourceTests.account("\"credentialSource\":\(source)"),
                environment,
                InstalledUnits(below: root.path)
            ).steps()
        }
    }

    private static func account(_ members: String) throws -> Account {
        let text = """
            {"type":"external_account","audience":"//captain.api.mondoo.app/spaces/demo",\
            "issuerUri":"https://accounts.google.com","universeDomain":"https://us.api.mondoo.com",\
            \(members)}
            """
        return try Account(parsing: Secret(text.utf8), path: "/etc/wif-agent/mondoo.json")
    }

    @Test func `a source that every worker takes is in nobody's way`() throws {
        #expect(try World().steps("{\"provider\":\"gcp\"}").isEmpty)
        #expect(try World().steps("{\"file\":\"/etc/hostname\"}").isEmpty)
    }

    @Test(arguments: [
        (
            "{\"executable\":{\"command\":[\"/bin/true\"]}}", "runs a program",
            "WIF_AGENT_WORKER_SOCKET=none"
        ),
        ("{\"provider\":\"fly\"}", "at a Unix socket", "--unix-sockets"),
        ("{\"file\":\"/home/scanner/token\"}", "ProtectHome=yes", "/run/wif-tokens"),
        ("{\"file\":\"/tmp/token\"}", "PrivateTmp=yes", "below /run"),
    ])
    func `what the worker's service does not allow is told of`(
        source: String,
        cause: String,
        hint: String
    ) throws {
        let found = try World().steps(source)
        #expect(found.count == 1, "\(found)")
        #expect(found.first?.state == .failed)
        #expect(found.first?.text.contains(cause) == true)
        #expect(found.first?.hint?.contains(hint) == true)
    }

    @Test func `a token's file that the service's user may not read is told of`() throws {
        let world = try World()
        let scratch = ScratchDirectory(in: "/dev/shm")
        try Data().write(to: URL(filePath: scratch("token")))
        let found = try world.steps("{\"file\":\"\(scratch("token"))\"}")
        #expect(found.map(\.state) == [.failed])
        #expect(found.first?.text.contains("as nobody, who may not enter \(scratch.path)") == true)
    }

    @Test(arguments: ["HTTPS_PROXY", "MONDOO_API_PROXY", "SSL_CERT_FILE"])
    func `a variable that this shell alone has is told of`(name: String) throws {
        let world = try World()
        let found = try world.steps("{\"provider\":\"gcp\"}", [name: "/x"])
        #expect(found.map(\.state) == [.warning])
        #expect(found.first?.hint?.contains("write \(name)=... into /etc/default") == true)
        try world.write("etc/default/wif-agent", "# ours\n\(name)=/x\n")
        #expect(try world.steps("{\"provider\":\"gcp\"}", [name: "/x"]).isEmpty)
    }

    @Test(arguments: [
        ("ExecStart=/usr/bin/wif-agent run --config-dir /srv/a", "2 lines ExecStart="),
        (
            "ExecStart=\nExecStart=/usr/bin/wif-agent run --config-dir /srv/a",
            "reads the accounts of /srv/a"
        ),
    ])
    func `a service that does not read the file is told of`(line: String, cause: String) throws {
        let world = try World()
        try world.write("etc/systemd/system/wif-agent.service.d/a.conf", "[Service]\n\(line)\n")
        let found = try world.steps("{\"provider\":\"gcp\"}")
        #expect(found.first?.text.contains(cause) == true, "\(found)")
    }

    @Test(arguments: [
        (
            "Environment=MONDOO_CONFIG_PATH=/run/wif-agent/mondo.json",
            "delivers to /run/wif-agent/mondoo.json"
        ),
        ("EnvironmentFile=/run/wif-agent/mondoo.json", "\"format\": \"envfile\""),
        ("LoadCredential=a:/run/wif-agent/mondoo.jsn", "delivers to /run/wif-agent/mondoo.json"),
    ])
    func `a service that reads another path or format is told of`(line: String, hint: String) throws
    {
        let world = try World()
        try world.write(
            "etc/systemd/system/cnspec.service",
            "[Service]\nExecStart=/bin/true\n\(line)\n"
        )
        let account = try Self.account(
            "\"outputs\":[{\"format\":\"json\",\"path\":\"/run/wif-agent/mondoo.json\"}]"
        )
        let found = UnitConsumers(of: account, below: world.root.path).steps()
        #expect(found.map(\.about) == ["cnspec.service"], "\(found)")
        #expect(found.first?.hint?.contains(hint) == true)
    }

    @Test(arguments: [
        (
            "LoadCredential=m:/run/wif-agent/mondoo.sock\nEnvironment=MONDOO_CONFIG_PATH=%d/m",
            "", "\"content\": \"json\"}]"
        ),
        (
            "LoadCredential=m:/run/s.sock\nEnvironment=MONDOO_CONFIG_PATH=%d/m",
            "\"outputs\":[{\"format\":\"socket\",\"path\":\"/run/s.sock\"}]",
            "write \"content\": \"json\" in that output"
        ),
        (
            "LoadCredential=m:%t/s.sock\nEnvironment=MONDOO_CONFIG_PATH=%d/m",
            "\"outputs\":[{\"format\":\"socket\",\"path\":\"/run/s.sock\",\"content\":\"json\"}]",
            nil
        ),
        (
            "LoadCredential=m:/run/s.sock\nEnvironment=MONDOO_CONFIG_PATH=%d/mondoo",
            "\"outputs\":[{\"format\":\"socket\",\"path\":\"/run/s.sock\",\"content\":\"json\"}]",
            "write MONDOO_CONFIG_PATH=%d/m there"
        ),
        (
            "LoadCredential=m:/run/s.sock\nEnvironment=MONDOO_CONFIG_PATH=${CREDENTIALS_DIRECTORY}/m",
            "\"outputs\":[{\"format\":\"socket\",\"path\":\"/run/s.sock\",\"content\":\"json\"}]",
            "write MONDOO_CONFIG_PATH=%d/m there"
        ),
        (
            "LoadCredentialEncrypted=m:/run/wif-agent/mondoo.sock", "",
            "write LoadCredential=m:/run/wif-agent/mondoo.sock there"
        ),
        (
            "EnvironmentFile=/etc/default/cnspec",
            "\"outputs\":[{\"format\":\"raw\",\"path\":\"/run/wif-agent/m.txt\"}]",
            "write \"format\": \"json\" in that output"
        ),
    ])
    func `what systemd hands over is held against what the program wants`(
        line: String,
        outputs: String,
        hint: String?
    ) throws {
        let world = try World()
        try world.write(
            "etc/systemd/system/cnspec.service",
            "[Service]\nExecStart=/bin/true\n\(line)\n"
        )
        try world.write(
            "etc/default/cnspec",
            "# ours\nMONDOO_CONFIG_PATH=/run/wif-agent/m.txt\n"
        )
        let account = try Self.account(outputs.isEmpty ? "\"lifetime\":3600" : outputs)
        let found = UnitConsumers(of: account, below: world.root.path).steps()
        #expect(found.count == (hint == nil ? 0 : 1), "\(found)")
        #expect(found.first?.hint?.contains(hint ?? "") ?? true, "\(found)")
    }

    @Test func `a proxy that the service alone has is told of`() throws {
        let world = try World()
        try world.write("etc/default/wif-agent", "HTTPS_PROXY=http://proxy:3128\n")
        let found = try world.steps("{\"provider\":\"gcp\"}")
        #expect(found.map(\.explainsFailures) == [true])
        #expect(
            found.first?.hint?.contains("HTTPS_PROXY=http://proxy:3128 wif-agent doctor") == true
        )
        try world.write("etc/default/wif-agent", "HTTPS_PROXY=http://u:secret@proxy:3128\n")
        let hidden = try world.steps("{\"provider\":\"gcp\"}")
        #expect(hidden.first?.hint?.contains("secret") == false)
    }
}
