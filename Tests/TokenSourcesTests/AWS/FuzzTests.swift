import Federation
import Testing
import Text

@testable import TokenSources

/// Whatever the bytes are, a parser answers or refuses; it neither traps nor hangs.
@Suite(.timeLimit(.minutes(1)))
struct AWSFuzzTests {
    private static let seeds = [
        "[a]\nk=v\n  more\n[profile \"b c\"]\nk: v\n# c\n",
        "<?xml version=\"1.0\"?><a x=\"y\"><b>&lt;&#65;</b><c/></a>",
        "cmd 'a b' \"c\\\"d\" e\\ f",
    ]

    @Test func `parsers take any bytes`() {
        var state: UInt64 = 7
        func number(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % limit
        }
        for round in 0..<3000 {
            var bytes = Array(Self.seeds[round % 3].utf8)
            for _ in 0...number(6) {
                let place = number(bytes.count)
                switch number(3) {
                case 0: bytes[place] = UInt8(number(256))
                case 1: bytes.insert(UInt8(number(256)), at: place)
                default: bytes.removeSubrange(place..<min(place + number(4), bytes.count))
                }
                if bytes.isEmpty { bytes = [0] }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            let ini = Result { try INI(parsing: text) }
            _ = (try? ini.get()).map(AWSProfiles.profiles)
            _ = Result { try XMLElement(parsing: bytes) }
            _ = shellWords(text)
        }
    }

    @Test func `a megabyte is no trouble`() throws {
        let deep = Array(String(repeating: "<a>", count: 300_000).utf8)
        #expect(throws: XMLError.self) { try XMLElement(parsing: deep) }
        let wide = "<a>" + String(repeating: "<b>&amp;</b>", count: 80_000) + "</a>"
        #expect(try XMLElement(parsing: Array(wide.utf8)).children.count == 80_000)
        let open = Array(("<a" + String(repeating: "x", count: 1_000_000)).utf8)
        #expect(throws: XMLError.self) { try XMLElement(parsing: open) }
        let keys = (0..<40_000).map { "k\($0)=v\n" }.joined()
        #expect(try INI(parsing: "[a]\n" + keys).sections["a"]?.count == 40_000)
    }
}
