import Testing

@testable import Crypto

/// Tokens that `openssl dgst` signed.
@Suite struct `Tokens signed by others` {
    static let rsa = [
        "kty": "RSA", "e": "AQAB",
        "n": "5b7SV3k91QigoKC0tq9oRO7KveOiJYu9IagDKpl0OQR0sN-N9pffZnLMFl34QBUlzR-8unzfdKVOMl_1"
            + "Zb-xAD2vzrQV28QJtSjLave9OKn1-3kV88d3Pc3hV0V9AGqtbgdUpJOwsscaaTMfcRb0ZW7QewCEZpDB"
            + "9PKaZodGXgMP9h-zEc7pvTa0CltljmbJKDAvlKRT2hy-QR8D7N7G673BCBvJv33NGahfp2N5aRTKhuD5"
            + "N6o_75iCPMXNN1WOO4kjdZBT3_UOIGBhjZjFRNwBYbZtXrvL0IYry9gS4YPuHofL1LUYV8FuE_d9pYAw"
            + "bpdZWYxfpLSGG57JTXwXYw",
    ]
    static let p521 = [
        "kty": "EC", "crv": "P-521",
        "x": "AIH_RYqH-E5mju4mPANJI9VzcEZsm8f7q_FD7Y6feD8lpNpn0fvxv-o2s2MRnP1KN70xquRwGeceylAP"
            + "xuePhEFA",
        "y": "AKcIsSeW_iwkSmnqhfsVq8ISrOIEzOTpZUl3HTS7WaHJZHK-FgLcmXDFmQIzMh2O2ifjolWAk7Afws2j"
            + "rofbFonm",
    ]

    static let tokens: [(algorithm: String, jwk: [String: String], token: String)] = [
        (
            "RS384", rsa,
            "eyJhbGciOiJSUzM4NCJ9.eyJzdWIiOiJ4In0.R3UdUKVwM4zAHp-LLUbEReJSGZ9_X1cBHRz_YLy79Qj"
                + "_tcfFNoByAOPq6vxgcc5bg2DHSmsWLU-Qgy5q9zg1Ig27mTMDKK4FmeMr3fxnPRLAZRx7y4RUu7o63jB"
                + "V2G7QKlO1YmR5Jw5qJMVZEXYXMyDh_O-VSocLPKZiIHIpK0VyIBYSWQOBsgo87A2hOAp8vt277YDiddj"
                + "bKd5IRPZeMsDuyJ2hWLKpVcsAymzy0MoY2r0hSKCdC1W3GqooBG-8sdV37Pk8fyLke9MtOzPx9oXBLaG"
                + "jd7Ji8jviGNPwqT-1OqT7GWG3A2ee2yv2ZhbXnksanY0a6PPFrrp1sKF5wg"
        ),
        (
            "RS512", rsa,
            "eyJhbGciOiJSUzUxMiJ9.eyJzdWIiOiJ4In0.p2kXRuizK88RXz64wQrrCidDWkyBO6o-iIbr6kehU8H"
                + "Mu9yoFEHnuw7XZEiABBj6bMi-qBFHf3BWyaHPweE1V6MEKhzfHeW3BGSdn-PsbQaagEVrHZsavQ8zohp"
                + "Cw0XZpYGCbcmi9Hk2AimMs4IDkX2Lcy0JLvjHDFB84vAXw8vf4MTGhIEKCJxD6nR0-JedZDfZwrqe1h-"
                + "_kU4TttVR6RroUz8siqGbZvLxca9uLnseo8GfyIXjHp9rRup54Rs7QxR0WIlRP_P1CJ4umd7chCjYaiN"
                + "A-kwb8l65WCaOIu8dO2lsm90YKF4kW5qEUjRbgQn8KZnVEnsp1rEB8bxD1Q"
        ),
        (
            "PS256", rsa,
            "eyJhbGciOiJQUzI1NiJ9.eyJzdWIiOiJ4In0.cVTakTW1tKPFK70nB90-kof9a7Z7vHVC-2TIoOFlG4N"
                + "Z6Ph3fHPiLjB6XFBmmk4RTHWjCWxlAs5smGfaWy4c8wr9TvlfmJplwp6KNNX3lmi-GyBvGqutz1U-RcU"
                + "qWUOvY991Wdwjr7FUvPx3ubtzyseuZtvFxtzzy0D1MdQ_Z1YExZTx_-lBI4LRUuSUfm5QMTsESY9UKi3"
                + "LL_amG2laNayaYIVYWw9dKd_TWpW-cnveP2J0kWeTmlRelFti0VWGg3_uK5J7xcKs2guyNF58Z7XfOFw"
                + "oW-YKgUJKNRQ4lk-dhESMwrzHBCymReMD6LHBq0DS3X_zzkpUihVaUybgog"
        ),
        (
            "PS384", rsa,
            "eyJhbGciOiJQUzM4NCJ9.eyJzdWIiOiJ4In0.bAjY2FFjwP3lEX0BjJhvH96wGWdfqUqZ-pmMrEsfgor"
                + "kQJV_F_WgpOvQrv475AXl4k08BoBi22V3b9CM9ti6Hw4k46dINM9wg_C2cWVJv3OH8TdTAAthIVyc_FT"
                + "NcnnQvSoUD3nYPE2DgM2EHnyQe4-VuVrOj_Mbr0TiepQH0LtzXhaIyJqXURnuhfLWPMEeCR03txNr1MM"
                + "ilZkMEz09-Y6NPHJeW6XHWboUh9SZwg2QjT4aJK0HwLzbdjghVNHeFIaPWM8773B7J6ydWJ6-JvqyOxG"
                + "VjpTTDHMHDmwqpVgr-FlLKbCYb1uMlOGZgtzn2FOHRsail8YhFc6NQMQ0GQ"
        ),
        (
            "PS512", rsa,
            "eyJhbGciOiJQUzUxMiJ9.eyJzdWIiOiJ4In0.kysiOfriHv-5_q5VeMnORuEFbZ7_KxlMeKbc2cMB9yV"
                + "Z4WOBEIbz7hRGg_FLTRoXX_RLgkd2frFNF4seT-PcXwAQ2P42hTG13wJOb4L6k8VcYkp-TB60W7c0OJS"
                + "8LefYEd1mq8x845Bym5mUCC_v6pRx11p9Kck-GNZsSXNcYdPV3hkED7Aen0sahzYT9rEh36maw7LyfKz"
                + "kM0oQJSFcvnzPVH5jXCYLJQ57JeybO_tu_V8prfsaiK37sUh_oQ0zqkQUT1LR3FGkZ4IO4jG92-RxFh1"
                + "-NHUlbZYV4Sho2dSVcvHGt2p3hC_EHvCKccB_Zq4n8CqeajbtNiRWF4IPqQ"
        ),
        (
            "ES512", p521,
            "eyJhbGciOiJFUzUxMiJ9.eyJzdWIiOiJ4In0.AIso0YPc_yz2Z0wsITVWoXLpGbE9gMpYRBUlnHIParx"
                + "KMJhwKuA4EDfWm9KIdVZI7gbsPAlncOB689R0jUWjen-EAP9lBjqPbrWK0Q4eYdzpkvr7ux63NC3YsmE"
                + "EYme5_dkB7aE7PrMHo-GGxOn3S9U3hmWwT6BULN2ePyyynxeDHh5t"
        ),
    ]

    @Test(arguments: tokens)
    func `are verified by every algorithm of key pairs`(
        algorithm: String,
        jwk: [String: String],
        token: String
    ) throws {
        #expect(try PublicKey(jwk: jwk).verifyJWS(token))
        #expect(try PublicKey(jwk: jwk.merging(["alg": algorithm]) { $1 }).verifyJWS(token))
        var parts = token.split(separator: ".").map(String.init)
        parts[1] = "eyJzdWIiOiJ5In0"
        #expect(!(try PublicKey(jwk: jwk).verifyJWS(parts.joined(separator: "."))))
    }

    @Test func `are not, where the key states another algorithm`() throws {
        let key = try PublicKey(jwk: Self.rsa.merging(["alg": "RS256"]) { $1 })
        for (_, jwk, token) in Self.tokens where jwk == Self.rsa {
            #expect(!key.verifyJWS(token))
        }
        #expect(throws: CryptoError.self) {
            try PublicKey(jwk: Self.p521.merging(["alg": "RS512"]) { $1 })
        }
    }
}
