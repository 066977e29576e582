import Glibc

/// A failed system call: what `errno` said. `errno(3)`.
package struct Errno: Error, Equatable, Sendable, CustomStringConvertible {
    package let code: Int32

    package init(_ code: Int32) {
        self.code = code
    }

    /// The C library's sentence for the code, as `strerror(3)` words it ("No such file or directory").
    package var description: String {
        guard let text = unsafe strerror(code) else { return "error \(code)" }
        return unsafe String(cString: text)
    }

    package static let notFound = Errno(ENOENT)
    package static let wouldBlock = Errno(EAGAIN)
    package static let brokenPipe = Errno(EPIPE)
    package static let connectionReset = Errno(ECONNRESET)
    package static let tooLarge = Errno(EFBIG)
    package static let noSpace = Errno(ENOSPC)
    package static let quota = Errno(EDQUOT)
    package static let readOnly = Errno(EROFS)
    package static let notPermitted = Errno(EPERM)
    package static let noAccess = Errno(EACCES)
    package static let textBusy = Errno(ETXTBSY)

    /// Whether the other end of a pipe or a socket is gone.
    package var isHangUp: Bool { self == .brokenPipe || self == .connectionReset }

    /// Reasons that go away without anybody changing the configuration: a full or failing disk, a
    /// file system mounted read-only after an error, no memory or descriptors left.
    package static let passing: [Errno] = [
        ENOSPC, EDQUOT, EIO, EROFS, ENOMEM, EMFILE, ENFILE, ESTALE, EBUSY, EAGAIN,
    ].map { Errno($0) }
}

/// Runs a system call that answers -1 for failure, again as long as a signal interrupts it.
///
/// - Throws: ``Errno`` when the call fails for any other reason.
@discardableResult
package func systemCall<Value: SignedInteger>(
    _ call: () -> Value
) throws(Errno) -> Value {
    while true {
        let value = call()
        if value != -1 { return value }
        if errno != EINTR { throw Errno(errno) }
    }
}
