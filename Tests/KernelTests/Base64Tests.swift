import Kernel
import Testing
import Text

@Suite struct Base64Tests {
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"), ("\u{fb}\u{ff}", "w7vDvw=="),
    ])
    func `the vectors of RFC 4648 go both ways`(text: String, encoded: String) {
        #expect(base64Encoded(text.utf8) == encoded)
        #expect(base64Decoded(encoded) == Array(text.utf8))
        #expect(base64Decoded(Array(encoded.utf8)) == Array(text.utf8))
    }

    @Test func `the two alphabets differ in two characters`() {
        #expect(base64Encoded([0xfb, 0xff]) == "+/8=")
        #expect(base64URLEncoded([0xfb, 0xff]) == "-_8")
        #expect(base64URLDecoded("-_8") == [0xfb, 0xff])
        #expect(base64URLDecoded("+/8") == nil && base64Decoded("-_8=") == nil)
    }

    @Test(arguments: [
        "Zg", "Zg=", "Zg===", "=", "====", "Z===", "Zm9v\n", "Zm 9", "Zh==", "Zm9=", "Zm9v====",
        "Z=g=", "é===",
    ])
    func `padded base64 is read strictly`(text: String) {
        #expect(base64Decoded(text) == nil)
    }

    @Test(arguments: ["Zg==", "Z", "Zm9vY", "Zh", "Zm9v ", "Zm9", "é"])
    func `base64url is read strictly`(text: String) {
        #expect(base64URLDecoded(text) == nil)
    }

    @Test func `all bytes survive in all lengths`() {
        let bytes = (0...255).map { UInt8($0) }
        for count in 0...256 {
            let part = Array(bytes.suffix(count))
            #expect(base64Decoded(base64Encoded(part)) == part)
            #expect(base64URLDecoded(base64URLEncoded(part)) == part)
        }
    }
}
