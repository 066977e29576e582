import Federation
package import Kernel
import Text

/// Why whoever has connected is not served.
package struct PeerRefusal: Error {
    /// What to tell, and to do.
    package let message: String
    /// The program's.
    package let exitCode: Int32
}

/// Whether standard input, a socket, comes from somebody who may have jobs done here: root, this
/// process's own user, or one of those named. Started by root, a worker that may open files or Unix
/// sockets does so with root's powers, and serves root alone: a job names any path it likes.
///
/// - Throws: ``PeerRefusal``: with exit code 64 for a user that does not exist or a worker that runs
///   programs, which is no peer's to ask for; with 77 for any other peer.
package func admitPeer(
    of socket: Int32,
    _ allowance: Sandbox.Allowance,
    _ names: [String]
) throws(PeerRefusal) {
    guard !allowance.contains(.programs) else {
        let message = "--programs: what connects to a socket may not have programs run"
        throw PeerRefusal(message: message, exitCode: 64)
    }
    var users: Set<UInt32> = [0, effectiveUserID()]
    for name in names {
        guard let user = userID(of: name) else {
            let message = "--allow-user \(name.printable): there is no such user"
            throw PeerRefusal(message: message, exitCode: 64)
        }
        users.insert(user)
    }
    let peer: UInt32
    do throws(Errno) {
        peer = try peerUser(of: socket)
    } catch {
        throw PeerRefusal(message: "standard input: \(error)", exitCode: 74)
    }
    guard users.contains(peer), peer != overflowUserID() else {
        throw PeerRefusal(message: "user \(peer) may not connect", exitCode: 77)
    }
    guard effectiveUserID() != 0 || peer == 0 || allowance.isEmpty else {
        let message =
            "user \(peer) is not served: started by root with \(allowance.arguments.joined(separator: " "))"
            + ", this worker would open any file for that user\n"
            + "hint: give the worker's unit a user of its own (User=wif-exchange)"
        throw PeerRefusal(message: message, exitCode: 77)
    }
}
