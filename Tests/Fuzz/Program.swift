import CFuzzer
import Kernel

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
