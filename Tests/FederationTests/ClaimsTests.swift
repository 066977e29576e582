import Federation
import Kernel
import Testing
import Text

@Suite struct `A token's claims` {
    static func token(_ payload: String, header: String = #"{"alg":"RS256"}"#) -> Secret {
        let parts = [header, payload, "signature"].map { base64URLEncoded($0.utf8) }
        return Secret(parts.joined(separator: "."))
    }

    @Test func `they are read without verifying`() throws {
        let token = Self.token(
            #"{"iss":"https://i","sub":"s","aud":"a","iat":1700000000.9,"exp":1700003600}"#
        )
        let claims = try #require(TokenClaims(decoding: token))
        #expect(claims.header["alg"]?.string == "RS256")
        #expect(claims.issuer == "https://i")
        #expect(claims.subject == "s")
        #expect(claims.audiences == ["a"])
        #expect(claims.issuedAt == 1_700_000_000)
        #expect(claims.expiresAt == 1_700_003_600)
    }

    static let audiences: [(String, [String])] = [
        (#"{"aud":"a"}"#, ["a"]), (#"{"aud":["a","b"]}"#, ["a", "b"]), ("{}", []),
        (#"{"aud":[1,"b"]}"#, ["b"]), (#"{"aud":1}"#, []), (#"{"aud":[]}"#, []),
    ]

    @Test(arguments: audiences)
    func `an audience is a string or a list`(payload: String, expected: [String]) throws {
        let claims = try #require(TokenClaims(decoding: Self.token(payload)))
        #expect(claims.audiences == expected)
    }

    static let dates: [(String, Double?)] = [
        ("1700000000", 1_700_000_000), ("1700000000.999", 1_700_000_000), ("1.7e9", 1_700_000_000),
        (#""1700000000""#, 1_700_000_000), (#""tomorrow""#, nil), ("null", nil), ("-0.5", -1),
    ]

    @Test(arguments: dates)
    func `a date may have fractions`(text: String, expected: Double?) throws {
        let claims = try #require(TokenClaims(decoding: Self.token(#"{"exp":\#(text)}"#)))
        #expect(claims.expiresAt == expected)
    }

    static let others = [
        "", "opaque", "a.b", "a.b.c", "..", "e30.e30.", "e30.e30.e30.e30", "e30=.e30.e30",
        "e30.W10.e30", "e30.e30.e3/0", "e30.e30.e30 ", "eyJhIjoxLCJhIjoyfQ.e30.e30",
    ]

    @Test(arguments: others)
    func `what is no JWT has none`(text: String) {
        #expect(TokenClaims(decoding: Secret(text)) == nil)
    }

    static let issuers: [(String, Bool)] = [
        ("https://i/x", true), ("https://i/x/", true), ("https://i/x//", false),
        ("https://I/x", false), ("https://i", false), ("", false),
    ]

    @Test(arguments: issuers)
    func `an issuer matches but for one slash`(other: String, matches: Bool) throws {
        for issuer in ["https://i/x", "https://i/x/"] {
            let token = Self.token(#"{"iss":"\#(issuer)"}"#)
            let claims = try #require(TokenClaims(decoding: token))
            #expect(claims.isIssued(by: other) == matches)
        }
    }

    @Test func `a token without an issuer matches none`() throws {
        let claims = try #require(TokenClaims(decoding: Self.token("{}")))
        #expect(!claims.isIssued(by: ""))
    }
}
