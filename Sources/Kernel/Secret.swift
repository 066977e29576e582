import Glibc

/// Bytes that must not be seen: a token, a credential, a key.
///
/// They are wiped when the last reference goes, and no rendering shows them: interpolation, `print`,
/// `dump` and reflection give `<secret>`. Not `Codable`: whoever writes one down does so explicitly.
/// Wiping is best effort: a `String` or array made from the bytes is beyond this type's reach.
@safe
package final class Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    // Never written after init, so that concurrent readers need no lock.
    private nonisolated(unsafe) let storage: UnsafeMutableRawBufferPointer

    package init(_ bytes: some Collection<UInt8>) {
        let storage = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        unsafe storage.copyBytes(from: bytes)
        unsafe self.storage = storage
    }

    package convenience init(_ text: String) {
        self.init(text.utf8)
    }

    deinit {
        if let base = unsafe storage.baseAddress {
            unsafe explicit_bzero(base, storage.count)
        }
        unsafe storage.deallocate()
    }

    /// How many bytes.
    package var count: Int { unsafe storage.count }

    /// Lends the bytes for the length of the call.
    package func withBytes<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(unsafe storage.bytes)
    }

    /// Where the bytes are, as long as this object lives: for a C interface that keeps a pointer.
    @unsafe
    package var address: UnsafeRawPointer? { unsafe UnsafeRawPointer(storage.baseAddress) }

    /// A copy that will not be wiped; for the moment of sending, formatting or parsing only.
    package var bytes: [UInt8] { unsafe [UInt8](storage) }

    /// The bytes as text (invalid UTF-8 is repaired); a copy that will not be wiped.
    package var text: String { unsafe String(decoding: storage, as: UTF8.self) }

    /// Compares all bytes whatever the first difference, so that timing tells nothing but the length.
    package func isEqual(to other: Secret) -> Bool {
        if self === other { return true }
        guard count == other.count else { return false }
        var difference: UInt8 = 0
        for index in 0..<count {
            difference |= unsafe storage[index] ^ other.storage[index]
        }
        return difference == 0
    }

    package var description: String { "<secret>" }
    package var debugDescription: String { "<secret>" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// Overwrites a buffer that held a secret. `explicit_bzero(3)`
package func wipe(_ bytes: inout [UInt8]) {
    unsafe bytes.withUnsafeMutableBytes { buffer in
        if let base = buffer.baseAddress { unsafe explicit_bzero(base, buffer.count) }
    }
}
