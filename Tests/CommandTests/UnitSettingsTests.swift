import Federation
import FoundationEssentials
import Kernel
import Testing

@testable import wif_agent

/// What the packaged services' settings keep an account from.
@Suite final class UnitSettingsTests {
    private let root: String

    init() throws {
        root = "\(FileManager.default.temporaryDirectory.path)/units-\(UUID().uuidString)"
        try write(
            "usr/lib/systemd/system/wif-agent.service",
            """
            [Service]
            ExecStart=/usr/bin/wif-agent run
            User=wif-agent
            Environment=WIF_AGENT_WORKER_SOCKET=/run/wif-exchange.sock
            RuntimeDirectory=wif-agent
            PrivateNetwork=yes
            ProtectSystem=strict
            ProtectHome=yes
            PrivateTmp=yes
            """
        )
        try write(
            "usr/lib/systemd/system/wif-exchange@.service",
            "[Service]\nExecStart=/usr/libexec/wif-agent/wif-exchange\nRestrictAddressFamilies=AF_INET AF_INET6\nProtectSystem=strict\n"
        )
    }

    deinit {
        do { try FileManager.default.removeItem(atPath: root) } catch { return }
    }

    private func write(_ path: String, _ text: String) throws {
        let url = URL(filePath: "\(root)/\(path)")
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(),
            withIntermediateDirectories: true
        )
        try Data(text.utf8).write(to: url)
    }

    private func steps(_ outputs: String...) throws -> [StepReport] {
        let written = outputs.map { "{\"format\":\"json\",\"path\":\"\($0)\"}" }
        let text = """
            {"type":"external_account","audience":"//captain.api.mondoo.app/spaces/demo",\
            "issuerUri":"https://accounts.google.com","universeDomain":"https://us.api.mondoo.com",\
            "outputs":[\(written.joined(separator: ","))]}
            """
        let account = try Account(parsing: Secret(text.utf8), path: "/etc/wif-agent/mondoo.json")
        return UnitSteps(of: account, InstalledUnits(below: root)).steps()
    }

    @Test func `the units as they are packaged are in nobody's way`() throws {
        #expect(try steps("/run/wif-agent/a.json", "/run/wif-agent/b/c.json").isEmpty)
    }

    @Test func `a machine without the units tells nothing`() throws {
        try FileManager.default.removeItem(atPath: root)
        #expect(try steps("/var/lib/cnspec/a.json").isEmpty)
    }

    @Test(arguments: [
        ("/var/lib/cnspec/a.json", "ProtectSystem=strict", "ReadWritePaths=/var/lib/cnspec"),
        ("/home/scanner/a.json", "ProtectHome=yes", "/run/wif-agent"),
        ("/tmp/a.json", "PrivateTmp=yes", "/run/wif-agent"),
    ])
    func `an output that the unit may not write is told of`(
        path: String,
        cause: String,
        hint: String
    ) throws {
        let found = try steps(path)
        #expect(found.count == 1)
        #expect(found.first?.about == path)
        #expect(found.first?.text.contains(cause) == true)
        #expect(found.first?.hint?.contains(hint) == true)
    }

    @Test func `a drop-in opens a directory, or takes one away`() throws {
        try write(
            "etc/systemd/system/wif-agent.service.d/a.conf",
            "[Service]\nReadWritePaths=-/var/lib/cnspec\n"
        )
        #expect(try steps("/var/lib/cnspec/a.json").isEmpty)
        try write(
            "etc/systemd/system/wif-agent.service.d/b.conf",
            "[Service]\nRuntimeDirectory=\n"
        )
        let found = try steps("/var/lib/cnspec/a.json")
        #expect(found.map(\.name) == [.runtimeDirectory])
    }

    @Test(arguments: [
        "PrivateNetwork=yes", "IPAddressDeny=any",
        "RestrictAddressFamilies=\nRestrictAddressFamilies=AF_UNIX",
    ])
    func `a worker without a network is told of, with the file`(setting: String) throws {
        let file = "etc/systemd/system/wif-exchange@.service.d/hard.conf"
        try write(file, "[Service]\n\(setting)\n")
        let found = try steps()
        #expect(found.map(\.name) == [.worker])
        #expect(found.first?.hint?.contains("remove that line from") == true)
    }

    @Test func `a part that systemd does not read is told of, with what it sets`() throws {
        let place = "etc/systemd/system/wif-agent.service.d"
        try write("\(place)/proxy", "[Service]\nEnvironment=HTTPS_PROXY=http://proxy:3128\n")
        try write("\(place)/a.conf~", "[Service]\nPrivateTmp=no\n")
        let found = try steps()
        #expect(found.count == 1, "\(found)")
        #expect(found.first?.text.contains("HTTPS_PROXY is not set for the service") == true)
        #expect(found.first?.hint?.contains("/proxy.conf && systemctl daemon-reload") == true)
        #expect(found.first?.explainsFailures == true)
    }

    @Test func `the parts of a unit that there is none of are told of`() throws {
        try write("etc/systemd/system/wif-exchange.service.d/a.conf", "[Service]\nUMask=077\n")
        try write("etc/systemd/system/wif-agent.service.d/a.conf", "[Service]\nUMask=077\n")
        try write("etc/systemd/system/wif-agent@scan.service.d/a.conf", "[Service]\nUMask=077\n")
        let found = try steps()
        #expect(found.count == 1, "\(found)")
        #expect(found.first?.hint?.contains("/wif-exchange@.service.d &&") == true)
    }
}
