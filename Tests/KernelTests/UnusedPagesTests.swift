import Glibc
import Kernel
import Testing

@Suite struct `Unused pages` {
    @Test func `of the program's code are given back, and it goes on`() throws {
        let before = try residentCode()
        releaseUnusedPages()
        let after = try residentCode()
        #expect(before > 1 << 20)
        // Tests beside this one use code of theirs again at once.
        #expect(after < before * 3 / 4)
    }

    /// Of what may be executed of the program's own file: the bytes in memory. `proc(5)`
    private func residentCode() throws -> Int {
        let program = try realPath("/proc/self/exe")
        var total = 0
        var isCode = false
        let maps = unsafe try #require(fopen("/proc/self/smaps", "re"))
        defer { unsafe fclose(maps) }
        var bytes = [CChar](repeating: 0, count: 4096)
        while unsafe fgets(&bytes, Int32(bytes.count), maps) != nil {
            let line = String(decoding: bytes.prefix { $0 != 10 }.map(UInt8.init), as: UTF8.self)
            let words = line.split(separator: " ")
            if words.count > 1, words[0].contains("-") {
                isCode = words[1] == "r-xp" && line.hasSuffix(program)
            } else if isCode, words[0] == "Rss:" {
                total += (Int(words[1]) ?? 0) << 10
            }
        }
        return total
    }
}
