import FoundationEssentials
import TestSupport
import Testing

@testable import HTTP

@Suite struct TrustStoreTests {
    /// A readable file that stands for libcurl's bundle.
    private let bundle = TrustStore.bundle("/dev/null")
    private let stores = TrustStores(defaultBundle: "/dev/null")

    @Test(arguments: ["0a1b2c3d.0", "ffffffff.12"])
    func `a hashed directory goes before the bundle`(name: String) throws {
        let scratch = ScratchDirectory()
        try "".write(toFile: scratch(name), atomically: false, encoding: .utf8)
        let (first, second) = stores.stores(for: .system(file: nil, directory: scratch.path))
        #expect(first == .directory(scratch.path))
        #expect(second == bundle)
    }

    @Test(arguments: ["ca.pem", "0a1b2c3.0", "0a1b2c3d.r0", "0a1b2c3g.0", "0a1b2c3d."])
    func `a directory that is not hashed leaves it to the bundle`(name: String) throws {
        let scratch = ScratchDirectory()
        try "".write(toFile: scratch(name), atomically: false, encoding: .utf8)
        let (first, second) = stores.stores(for: .system(file: nil, directory: scratch.path))
        #expect(first == bundle)
        #expect(second == nil)
    }

    @Test func `a list of directories counts where one of them is hashed`() throws {
        let scratch = ScratchDirectory()
        try "".write(toFile: scratch("0a1b2c3d.0"), atomically: false, encoding: .utf8)
        let list = "/absent:\(scratch.path)"
        let (first, _) = stores.stores(for: .system(file: nil, directory: list))
        #expect(first == .directory(list))
    }

    @Test(arguments: [
        HTTPRequest.Trust.file("/x"), .system(file: "/x", directory: nil),
        .system(file: "/x", directory: "/etc/ssl/certs"),
    ])
    func `a file excludes everything else`(trust: HTTPRequest.Trust) {
        let (first, second) = stores.stores(for: trust)
        #expect(first == .bundle("/x"))
        #expect(second == nil)
    }
}
