import Kernel
import Testing

@Suite struct `A secret` {
    @Test func `no rendering shows it`() {
        let secret = Secret("hunter2hunter2")
        var dumped = ""
        dump([secret], to: &dumped)
        let renderings = [
            "\(secret)", String(describing: secret), String(reflecting: secret), dumped,
            "\(Optional(secret) as Any)", "\([secret])", "\((secret, 1))",
        ]
        for rendering in renderings {
            #expect(!rendering.contains("hunter"), "\(rendering)")
        }
    }

    @Test func `it has no children to look at`() {
        #expect(Mirror(reflecting: Secret("x")).children.isEmpty)
    }

    @Test(arguments: [
        ("", "", true), ("a", "a", true), ("a", "b", false), ("a", "aa", false),
        ("abcdef", "abcdeg", false), ("\u{0}a", "\u{0}a", true),
    ])
    func `two are equal if all bytes are`(left: String, right: String, equal: Bool) {
        #expect(Secret(left).isEqual(to: Secret(right)) == equal)
    }

    @Test func `one is equal to itself`() {
        let secret = Secret("a")
        #expect(secret.isEqual(to: secret))
    }

    @Test func `bytes come out as they went in`() {
        let bytes: [UInt8] = [0, 255, 10, 65]
        let secret = Secret(bytes)
        #expect(secret.bytes == bytes)
        #expect(secret.count == 4)
        #expect(secret.withBytes { $0.byteCount } == 4)
        #expect(Secret("é").text == "é")
    }

    @Test func `wiping overwrites a buffer in place`() {
        var bytes: [UInt8] = [1, 2, 3]
        wipe(&bytes)
        #expect(bytes == [0, 0, 0])
    }
}
