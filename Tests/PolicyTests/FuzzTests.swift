import Federation
import Policy
import Testing
import Text

/// Pure functions of bytes for a fuzzer, run here over a fixed set of mutations.
enum FuzzEntry {
    /// Bytes as a condition in either dialect, evaluated over fixed claims.
    static func condition(_ bytes: [UInt8]) {
        for dialect in Dialect.allCases {
            guard let expression = try? Expression(parsing: bytes, dialect: dialect) else {
                continue
            }
            _ = expression.evaluate(claims: `Claims in conditions`.claims).objections
            _ = expression.warnings(claims: `Claims in conditions`.claims)
        }
    }

    /// Bytes as a regular expression and a text, parted by a zero byte.
    static func pattern(_ bytes: [UInt8]) {
        let halves = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        let claims: JSON = [
            "p": .string(String(decoding: halves[0], as: UTF8.self)),
            "t": .string(String(decoding: halves.last ?? [], as: UTF8.self)),
        ]
        guard
            let expression = try? Expression(
                parsing: "claims.t.matches(claims.p)",
                dialect: .conductorone
            )
        else { return }
        _ = expression.evaluate(claims: claims)
    }

    /// Bytes as a trust file, and as claims that it judges.
    static func trust(_ bytes: [UInt8]) {
        let trusts = (try? Trust.list(parsing: bytes)) ?? []
        let claims = (try? JSON(parsing: bytes)) ?? `Claims in conditions`.claims
        for trust in trusts { _ = trust.judge(claims: claims, now: `A trust`.now) }
        for service in TrustingService.allCases { _ = Advice(for: service, claims: claims) }
    }
}

@Suite struct `Hostile bytes` {
    static let conditions =
        `Literals and lexing`.good.map(\.source) + `Literals and lexing`.bad.map(\.source)
        + Operators.macros.map(\.source) + Operators.conversions.map(\.source)
        + `Bright's conditions`.refused.map(\.source) + `Claims in conditions`.rows.map(\.source)
    static let patterns =
        `A regular expression`.matches.map { $0.pattern + "\0" + ($0.yes.first ?? "") }
        + `A regular expression`.refused.map { $0.source + "\0aab" }
    static let trusts =
        `A trust`.malformed.map(\.json)
        + [`A trust`.mondoo, `A trust`.conductorOne, `A trust`.bright, `A trust`.claims].map {
            String(decoding: $0.serialized(), as: UTF8.self)
        }

    /// Changes, drops, repeats and swaps bytes, always in the same way.
    static func mutations(of seeds: [String], count: Int) -> [[UInt8]] {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(truncatingIfNeeded: state >> 33) % max(bound, 1)
        }
        return (0..<count).map { index in
            var bytes = Array(seeds[index % seeds.count].utf8)
            for _ in 0...random(4) where !bytes.isEmpty {
                let place = random(bytes.count)
                switch random(5) {
                case 0: bytes[place] = UInt8(truncatingIfNeeded: random(256))
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(contentsOf: bytes[place...].prefix(random(12)), at: place)
                case 3:
                    bytes.insert(
                        contentsOf: Array(seeds[random(seeds.count)].utf8).prefix(random(20)),
                        at: place
                    )
                default: bytes.swapAt(place, random(bytes.count))
                }
            }
            return bytes
        }
    }

    @Test(.timeLimit(.minutes(1))) func `end in a result or an error`() {
        Self.mutations(of: Self.conditions, count: 3000).forEach(FuzzEntry.condition)
        Self.mutations(of: Self.patterns, count: 1500).forEach(FuzzEntry.pattern)
        Self.mutations(of: Self.trusts, count: 1500).forEach(FuzzEntry.trust)
    }

    @Test func `that are no UTF-8 are no condition`() {
        let error = #expect(throws: PolicyError.self) {
            try Expression(parsing: [0x27, 0xFF, 0x27], dialect: .bright)
        }
        #expect(error?.problem == "the condition is not UTF-8")
    }
}
