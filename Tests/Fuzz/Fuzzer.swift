internal import CFuzzer
internal import Platform

/// `wif-fuzz TARGET ARGUMENT...`: libFuzzer with its own arguments over one parser; without a target
/// the names of all.
@main
struct Program {
    static func main() {
        guard CommandLine.argc > 1, Target.all.contains(where: { $0.name == name }) else {
            for target in Target.all { print(target.name) }
            exitProcess(CommandLine.argc > 1 ? 64 : 0)
        }
        exitProcess(fuzz())
    }
}

private let name = CommandLine.arguments[1]
private let chosen = Target.all.first { $0.name == name } ?? Target.all[0]

/// Hands libFuzzer the arguments without the target's name.
private func fuzz() -> CInt {
    var count = CommandLine.argc - 1
    var arguments = unsafe CommandLine.unsafeArgv
    unsafe arguments[1] = arguments[0]
    unsafe arguments += 1
    return unsafe LLVMFuzzerRunDriver(&count, &arguments, feed)
}

private func feed(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    chosen.feed(unsafe [UInt8](UnsafeBufferPointer(start: start, count: count)))
    return 0
}

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
