import Federation
import TestSupport
import Testing
import Text

@Suite(.timeLimit(.minutes(5)))
struct LongSecretTests {
    // The cost is that of the sum of the lengths: this takes a second where each is held against each.
    @Test func `long secrets are no burden`() {
        let known = KnownSecrets()
        var generator = Generator(seed: 7)
        var last = ""
        for _ in 0..<3 {
            let bytes = (0..<49_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
            last = base64Encoded(bytes)
            known.add(last)
        }
        let piece = last.prefix(40_000).suffix(200)
        #expect(known.cleaned(["x \(piece) y"]) == ["x <redacted> y"])
    }
}
