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
    package static let connectionRefused = Errno(ECONNREFUSED)
    package static let addressInUse = Errno(EADDRINUSE)
    package static let noAddress = Errno(EADDRNOTAVAIL)
    package static let noExecutable = Errno(ENOEXEC)
    package static let networkUnreachable = Errno(ENETUNREACH)
    package static let notDirectory = Errno(ENOTDIR)
    package static let textBusy = Errno(ETXTBSY)
    package static let busy = Errno(EBUSY)

    /// Whether the other end of a pipe or a socket is gone.
    package var isHangUp: Bool { self == .brokenPipe || self == .connectionReset }

    /// Reasons that go away without anybody changing the configuration: a full or failing disk, a
    /// file system mounted read-only after an error, no memory or descriptors left.
    package static let passing: [Errno] = [
        ENOSPC, EDQUOT, EIO, EROFS, ENOMEM, EMFILE, ENFILE, ENOBUFS, ESTALE, EBUSY, EAGAIN, ETXTBSY,
    ].map { Errno($0) }

    /// Whether it is one of ``passing``.
    package var isPassing: Bool { Self.passing.contains(self) }

    /// What helps where no descriptors are left; `nil` for other reasons.
    package var descriptorHint: String? {
        switch code {
        case EMFILE:
            "at most \(DescriptorReserve.limit) files may be open; raise LimitNOFILE= of the unit,"
                + " or ulimit -n"
        case ENFILE: "the machine's files are used up; raise the sysctl fs.file-max"
        default: nil
        }
    }

    /// What helps against a limit that was reached by a program's start or an open file; `nil` for
    /// other reasons.
    package var limitHint: String? {
        switch code {
        case EMFILE, ENFILE: descriptorHint
        case EAGAIN: "a limit of processes is reached; look at TasksMax= of the unit and ulimit -u"
        case ENOMEM, ENOBUFS: "memory is used up; look at MemoryMax= of the unit"
        default: nil
        }
    }
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
