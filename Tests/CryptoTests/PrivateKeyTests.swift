import Crypto
import Kernel
import Testing

/// An EC key in the older form of SEC 1.
private let sectionOne = """
    -----BEGIN EC PRIVATE KEY-----
    MHcCAQEEIJfO
    -----END EC PRIVATE KEY-----
    """

@Suite struct PrivateKeyTests {
    @Test(arguments: PrivateKey.Kind.allCases)
    func `a key is written as PKCS8 and read again`(kind: PrivateKey.Kind) throws {
        let key = try PrivateKey.generate(kind)
        let copy = try PrivateKey(pem: key.pem())
        #expect(try key.pem().text.hasPrefix("-----BEGIN PRIVATE KEY-----\n"))
        #expect(copy.kind == kind)
        #expect(copy.publicJWK(keyID: "1") == key.publicJWK(keyID: "1"))
    }

    @Test func `a P-384 key begins as Mondoo's do`() throws {
        let text = try PrivateKey.generate(.p384).pem().text
        #expect(text.split(separator: "\n")[1].hasPrefix("MIG2AgEAMBAG"))
    }

    @Test(arguments: [
        (sectionOne, "EC PRIVATE KEY"),
        (sectionOne.split(separator: "EC ").joined(separator: "RSA "), "RSA PRIVATE KEY"),
        (
            sectionOne.split(separator: "EC ").joined(separator: "ENCRYPTED "),
            "ENCRYPTED PRIVATE KEY"
        ),
    ])
    func `other forms than PKCS8 are refused by name`(text: String, label: String) {
        #expect(throws: CryptoError.otherPEM(expected: "PRIVATE KEY", found: label)) {
            try PrivateKey(pem: Secret(text))
        }
    }

    @Test func `no block and a cut block are refused`() throws {
        let whole = try PrivateKey.generate(.p256).pem().text
        for text in ["", String(whole.dropLast(20))] {
            #expect(throws: CryptoError.noPEM(expected: "PRIVATE KEY")) {
                try PrivateKey(pem: Secret(text))
            }
        }
    }

    @Test func `a block that holds no key is refused`() throws {
        let text = "-----BEGIN PRIVATE KEY-----\nMIG2AgEA\n-----END PRIVATE KEY-----\n"
        let error = try #require(throws: CryptoError.self) { try PrivateKey(pem: Secret(text)) }
        #expect(error.description.hasPrefix("private key is malformed: "))
    }

    @Test(arguments: [
        (PrivateKey.Kind.p256, ["alg", "crv", "kid", "kty", "use", "x", "y"]),
        (.p384, ["alg", "crv", "kid", "kty", "use", "x", "y"]),
        (.rsa2048, ["alg", "e", "kid", "kty", "n", "use"]),
        (.ed25519, ["alg", "crv", "kid", "kty", "use", "x"]),
    ])
    func `the JWK has the public members and no other`(
        kind: PrivateKey.Kind,
        members: [String]
    ) throws {
        let jwk = try PrivateKey.generate(kind).publicJWK(keyID: "k1")
        #expect(jwk.keys.sorted() == members)
        #expect(jwk["kid"] == "k1" && jwk["use"] == "sig")
    }
}
