import Crypto
import FoundationEssentials
import Kernel
import Testing

/// Version 3, both dates UTCTime.
private let versionThree = """
    -----BEGIN CERTIFICATE-----
    MIIBWTCB4aADAgECAggSNFZ4kKvN7zAKBggqhkjOPQQDAzAVMRMwEQYDVQQDDApm
    YWtlLWFnZW50MB4XDTI0MDEwMjAzMDQwNVoXDTI0MDEwMjA0MDQwNVowFTETMBEG
    A1UEAwwKZmFrZS1hZ2VudDB2MBAGByqGSM49AgEGBSuBBAAiA2IABBqCaggC4D12
    fyzVLOyUP6D0is/SUttSyKCEZbHq/4qS++yREvhVA2NPci4jaE4OJbZ1VLpUDbpH
    elG89sDyLSRT0THdQ86Iv4UinPJEm/T7AmEcSAQV/gO8oc3NwAFy9DAKBggqhkjO
    PQQDAwNnADBkAjAsu5Y7u4axlUKrkImqYDQEBdI0zSuGW6tTFpPBYTW+9Qt/PONi
    KH3PC0BRox/XtwQCMD3tF85WQVUtNodmkdqnGWDjrR4w/V5b+QAahIw2rNRTIO3e
    cHvTkIYibaFTnupGng==
    -----END CERTIFICATE-----
    """

/// Version 1 (no version field), the second date GeneralizedTime.
private let versionOne = """
    -----BEGIN CERTIFICATE-----
    MIIBWDCB3gIIEjRWeJCrze8wCgYIKoZIzj0EAwMwFTETMBEGA1UEAwwKZmFrZS1h
    Z2VudDAgFw00OTEyMzEyMzU5NTlaGA8yMDUwMDEwMTAwNTk1OVowFTETMBEGA1UE
    AwwKZmFrZS1hZ2VudDB2MBAGByqGSM49AgEGBSuBBAAiA2IABBqCaggC4D12fyzV
    LOyUP6D0is/SUttSyKCEZbHq/4qS++yREvhVA2NPci4jaE4OJbZ1VLpUDbpHelG8
    9sDyLSRT0THdQ86Iv4UinPJEm/T7AmEcSAQV/gO8oc3NwAFy9DAKBggqhkjOPQQD
    AwNpADBmAjEAnVdKJL+7dvMwG5LpqHX6ha19qoj7VhqLNe/kETljBgxRYjAUBjFv
    GBVEQ9TnnFBzAjEAovq6FIOnSnijIfuXA/yyaAvGoUrQ2UrOsyFxyC9spwX0cs45
    gKgGBckIzLU6IJyM
    -----END CERTIFICATE-----
    """

@Suite struct CertificateTests {
    @Test(arguments: [
        (versionThree, 1_704_164_645.0, 1_704_168_245.0),
        (versionOne, 2_524_607_999.0, 2_524_611_599.0),
    ])
    func `dates are read from both versions and both notations`(
        text: String,
        from: Double,
        until: Double
    ) throws {
        let certificate = try Certificate(pem: Array(text.utf8))
        #expect(certificate.notBefore.secondsSinceEpoch == from)
        #expect(certificate.notAfter.secondsSinceEpoch == until)
    }

    @Test func `a certificate is written as it was read`() throws {
        #expect(try Certificate(pem: Array(versionOne.utf8)).pem == versionOne + "\n")
    }

    @Test func `text before the block and blocks after it do not matter`() throws {
        let text = "subject=fake\r\n" + versionOne + "\n" + versionThree
        let certificate = try Certificate(pem: Array(text.utf8))
        #expect(certificate.notAfter.secondsSinceEpoch == 2_524_611_599)
    }

    @Test(arguments: ["", "garbage", "-----BEGIN CERTIFICATE-----\nMIIB\n"])
    func `text without a whole block is refused`(text: String) {
        #expect(throws: CryptoError.noPEM(expected: "CERTIFICATE")) {
            try Certificate(pem: Array(text.utf8))
        }
    }

    @Test func `a block that holds no certificate is refused with a reason`() throws {
        let text = "-----BEGIN CERTIFICATE-----\nMIIBWTCB\n-----END CERTIFICATE-----\n"
        let error = try #require(throws: CryptoError.self) {
            try Certificate(pem: Array(text.utf8))
        }
        #expect(error.description.hasPrefix("certificate is malformed: "))
    }

    @Test func `a first block of another type is named`() {
        let text = "-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n" + versionOne
        let error = CryptoError.otherPEM(expected: "CERTIFICATE", found: "X509 CRL")
        #expect(throws: error) { try Certificate(pem: Array(text.utf8)) }
    }

    @Test(arguments: PrivateKey.Kind.allCases)
    func `a certificate belongs to its own key only`(kind: PrivateKey.Kind) throws {
        let authority = try CertificateAuthority(commonName: "test authority")
        let key = try PrivateKey.generate(kind)
        let certificate = try authority.issue(
            commonName: "fake-agent",
            hosts: [],
            key: key,
            notBefore: .now,
            notAfter: .now
        )
        #expect(certificate.belongs(to: key))
        #expect(certificate.belongs(to: try PrivateKey(pem: key.pem())))
        #expect(try !certificate.belongs(to: PrivateKey.generate(kind)))
        #expect(!authority.certificate.belongs(to: key))
    }

    @Test(arguments: [0, 1_704_164_645, 2_524_607_999, 2_524_611_599, 253_402_300_799.0])
    func `issued dates come back as they were given`(seconds: Double) throws {
        let authority = try CertificateAuthority(commonName: "test authority")
        let date = WallTime(secondsSinceEpoch: seconds)
        let certificate = try authority.issue(
            commonName: "fake-agent",
            hosts: ["localhost", "127.0.0.1", "::1"],
            key: PrivateKey.generate(.p256),
            notBefore: date,
            notAfter: date
        )
        let copy = try Certificate(pem: Array(try certificate.pem.utf8))
        #expect(copy.notBefore == date)
        #expect(copy.notAfter == date)
    }

    @Test(arguments: ["", "a,DNS:b", "a b", "10.0.0.256"])
    func `odd host names are refused`(host: String) throws {
        let authority = try CertificateAuthority(commonName: "test authority")
        #expect(throws: CryptoError.self) {
            try authority.issue(
                commonName: "x",
                hosts: [host],
                key: PrivateKey.generate(.p256),
                notBefore: .now,
                notAfter: .now
            )
        }
    }

    @Test func `the names of a bundle's authorities are told`() throws {
        let bundle = "# one\n\(versionThree)\n# another\n\(versionOne)\n"
        let names = authorities(inBundle: Array(bundle.utf8))
        #expect(names.map(\.name) == ["fake-agent", "fake-agent"])
        #expect(names.allSatisfy { $0.organization.isEmpty })
        #expect(authorities(inBundle: Array("nothing".utf8)).isEmpty)
    }
}
