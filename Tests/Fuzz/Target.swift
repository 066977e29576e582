/// A parser of foreign bytes. Whatever comes, it answers or refuses: no trap, no endless loop.
struct Target: Sendable {
    let name: String
    let feed: @Sendable ([UInt8]) -> Void

    init(_ name: String, _ feed: @escaping @Sendable ([UInt8]) -> Void) {
        self.name = name
        self.feed = feed
    }

    static let all = documents + lines + texts + replies + policies
}

/// Ends the process where what must hold does not: libFuzzer then keeps the input.
func require(_ condition: Bool, _ what: @autoclosure () -> String) {
    precondition(condition, what())
}

/// What the throwing call gives; `nil` where it refuses, which is an answer, too.
func answer<Value>(_ call: () throws -> Value) -> Value? {
    do { return try call() } catch { return nil }
}

/// The inputs' pieces: what stands between lines of `%%` alone.
func pieces(_ bytes: [UInt8]) -> [[UInt8]] {
    var pieces: [[UInt8]] = [[]]
    for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
        if line.elementsEqual("%%".utf8) {
            pieces.append([])
        } else {
            if !pieces[pieces.count - 1].isEmpty { pieces[pieces.count - 1].append(0x0A) }
            pieces[pieces.count - 1] += line
        }
    }
    return pieces
}

func text(_ bytes: some Sequence<UInt8>) -> String {
    String(decoding: Array(bytes), as: UTF8.self)
}

/// The path of a file or folder beside this one.
func path(of name: String) -> String {
    #filePath.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" } + "/\(name)"
}
