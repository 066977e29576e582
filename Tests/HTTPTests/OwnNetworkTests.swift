import Testing

@testable import HTTP

/// Whether there is any network, by what the kernel's own files say.
@Suite struct OwnNetworkTests {
    private static let loopback = """
        Main:
          +-- 127.0.0.0/8 2 0 2
             +-- 127.0.0.0/31 1 0 0
                |-- 127.0.0.0
                   /8 host LOCAL
                |-- 127.0.0.1
                   /32 host LOCAL
             |-- 127.255.255.255
                /32 link BROADCAST
        """
    private static let own = "\n     |-- 192.0.2.7\n        /32 host LOCAL\n"
    private static let lo = "00000000000000000000000000000001 01 80 10 80       lo\n"
    private static let link = "fe800000000000000000000000000001 02 40 20 80     eth0\n"
    private static let global = "20010db8000000000000000000000001 02 40 00 80     eth0\n"

    @Test func `a container without a network has the loopback alone`() {
        #expect(OwnNetwork(tree: Self.loopback, others: Self.lo).isAbsent)
        #expect(OwnNetwork(tree: Self.loopback, others: "").isAbsent)
        #expect(OwnNetwork(tree: "", others: Self.lo + Self.link).isAbsent)
    }

    @Test func `any other address is a network`() {
        #expect(!OwnNetwork(tree: Self.loopback + Self.own, others: Self.lo).isAbsent)
        #expect(!OwnNetwork(tree: Self.loopback, others: Self.lo + Self.global).isAbsent)
        // Of files that cannot be read nothing is concluded.
        #expect(!OwnNetwork(tree: nil, others: Self.lo).isAbsent)
    }
}
