import FoundationEssentials
import Glibc

/// A new directory of mode 0700 that only the test knows, gone with everything in it at the end.
package struct ScratchDirectory: ~Copyable {
    package let path: String

    /// - Parameter parent: on its path others can write to `/var/tmp`, which has the sticky bit.
    package init(in parent: String = "/var/tmp") {
        var template = Array("\(parent)/wif-test-XXXXXX".utf8CString)
        let made = unsafe mkdtemp(&template)
        precondition(unsafe made != nil, "no scratch directory can be made")
        let bytes = template.dropLast().map { UInt8(bitPattern: $0) }
        path = String(decoding: bytes, as: UTF8.self)
    }

    deinit {
        // What cannot be removed is left to the system; a test is no place to fail for that.
        try? FileManager.default.removeItem(atPath: path)
    }

    /// The path of a name in it.
    package func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }
}
