import Crypto
import Kernel
import Testing
import Text

/// Keys and tokens of RFC 7515 appendices A.2 and A.3 and RFC 8037 appendix A.4.
private let published: [(jwk: [String: String], token: String)] = [
    (
        [
            "kty": "RSA", "e": "AQAB",
            "n": """
            ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yR\
            T-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXB\
            dQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9ia\
            GNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ
            """,
        ],
        """
        eyJhbGciOiJSUzI1NiJ9.\
        eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
        cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9\
        uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB\
        _eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rq\
        Vt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw
        """
    ),
    (
        [
            "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        ],
        """
        eyJhbGciOiJFUzI1NiJ9.\
        eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
        DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q
        """
    ),
    (
        [
            "kty": "OKP", "crv": "Ed25519",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        ],
        """
        eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
        hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg
        """
    ),
]

private let payload = Array(#"{"sub":"x"}"#.utf8)

@Suite struct JWSTests {
    @Test(arguments: published)
    func `published tokens verify, and changed ones do not`(
        jwk: [String: String],
        token: String
    ) throws {
        let key = try PublicKey(jwk: jwk)
        #expect(key.verifyJWS(token))
        let parts = token.split(separator: ".").map(String.init)
        let otherPayload = base64URLEncoded(payload)
        #expect(!key.verifyJWS("\(parts[0]).\(otherPayload).\(parts[2])"))
        #expect(!key.verifyJWS("\(parts[0]).\(parts[1])."))
        #expect(!key.verifyJWS("\(parts[0]).\(parts[1]).\(base64URLEncoded([1, 2, 3]))"))
        #expect(!key.verifyJWS(token + ".x"))
    }

    @Test(arguments: [
        (PrivateKey.Kind.p256, "ES256", 64), (.p384, "ES384", 96), (.rsa2048, "RS256", 256),
        (.ed25519, "EdDSA", 64),
    ])
    func `a token signed here verifies with the published half`(
        kind: PrivateKey.Kind,
        algorithm: String,
        size: Int
    ) throws {
        let key = try PrivateKey.generate(kind)
        let token = try key.signJWS(payload: payload, header: ["kid": "a/b", "typ": "JWT"])
        let parts = token.split(separator: ".").map(String.init)
        let header = try #require(base64URLDecoded(parts[0]))
        #expect(
            String(decoding: header, as: UTF8.self)
                == #"{"alg":"\#(algorithm)","kid":"a/b","typ":"JWT"}"#
        )
        #expect(base64URLDecoded(parts[1]) == payload)
        #expect(base64URLDecoded(parts[2])?.count == size)
        #expect(try PublicKey(jwk: key.publicJWK(keyID: "1")).verifyJWS(token))
        let other = try PrivateKey.generate(kind)
        #expect(try !PublicKey(jwk: other.publicJWK(keyID: "1")).verifyJWS(token))
    }

    @Test(arguments: [
        #"{"alg":"none"}"#, #"{"alg":"HS256"}"#, #"{"alg":"ES384"}"#, #"{}"#, "x",
        #"{"alg":"EdDSA","crit":["b64"],"b64":false}"#,
    ])
    func `a header that does not fit the key never verifies`(header: String) throws {
        let key = try PrivateKey.generate(.ed25519)
        let token = try key.signJWS(payload: payload, header: [:])
        let parts = token.split(separator: ".").map(String.init)
        let forged = "\(base64URLEncoded(header.utf8)).\(parts[1]).\(parts[2])"
        #expect(try !PublicKey(jwk: key.publicJWK(keyID: "1")).verifyJWS(forged))
        #expect(
            try !PublicKey(jwk: key.publicJWK(keyID: "1"))
                .verifyJWS("\(base64URLEncoded(header.utf8)).\(parts[1]).")
        )
    }

    @Test(arguments: [
        ["kty": "oct", "k": "AAAA"],
        ["kty": "EC", "crv": "P-521", "x": "AAAA", "y": "AAAA"],
        ["kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"],
        published[1].jwk.merging(["y": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"]) { $1 },
        published[1].jwk.merging(["alg": "RS256"]) { $1 },
        published[1].jwk.merging(["use": "enc"]) { $1 },
        ["kty": "RSA", "n": "AQAB", "e": "AQAB"],
        ["kty": "RSA", "e": "AQAB"],
    ])
    func `unfit JWKs are refused`(jwk: [String: String]) {
        #expect(throws: CryptoError.self) { try PublicKey(jwk: jwk) }
    }
}
