import Federation
import Kernel
import Text

/// Decides who may read a credential socket.
struct SocketGuard: Sendable {
    /// What is decided of a peer.
    enum Verdict: Equatable {
        /// It may read; `unit` is its systemd unit, where it names one and is believed.
        case allowed(unit: String?)
        /// It may not; the reason fits behind "refused: ", the hint says what would let it in.
        case refused(String, hint: String)
    }

    private let users: Set<UInt32>
    private let groups: Set<UInt32>
    private let units: Set<String>
    private let believed: Set<UInt32>
    private let overflow: UInt32

    /// Looks up the names in `access`.
    /// - Throws: ``OutputError`` for a user or group that does not exist.
    init(_ access: SocketAccess, owner: UInt32?, path: String) throws(OutputError) {
        var users: Set<UInt32> = [0, effectiveUserID()]
        if let owner { users.insert(owner) }
        for name in access.users { users.insert(try knownUser(name, for: path)) }
        var groups: Set<UInt32> = []
        for name in access.groups { groups.insert(try knownGroup(name, for: path)) }
        self.users = users
        self.groups = groups
        units = Set(access.units)
        // A user's own service manager connects under the user's id; root's is always believed.
        believed = [0, effectiveUserID()]
        overflow = overflowUserID()
    }

    /// Judges a peer; `groupsOfPeer` is asked only where it matters.
    func judge(_ peer: Peer, groupsOfPeer: () throws(Errno) -> [UInt32]) -> Verdict {
        if peer.uid == overflow {
            return .refused(
                "a user id that this system does not know",
                hint:
                    "give the reader's container users that this system has, or a socket of its own"
            )
        }
        guard users.contains(peer.uid) || isInGroup(peer, groupsOfPeer) else {
            let name = userName(peer.uid).printable
            return .refused(
                "neither root, the agent, the socket's owner nor allowed",
                hint:
                    "if \(name) is to read it, write \"allowUsers\": [\"\(name)\"] in this output, or allowGroups"
                    + " with a group of it; the socket's mode alone lets nobody in"
            )
        }
        let unit = believed.contains(peer.uid) ? peer.abstractName.flatMap(unitName) : nil
        if units.isEmpty { return .allowed(unit: unit) }
        guard let unit else {
            return .refused(
                "not a systemd unit that can be believed",
                hint:
                    "with allowUnits units alone read it, by LoadCredential=NAME:SOCKET; leave allowUnits out to"
                    + " let other programs in"
            )
        }
        guard units.contains(unit) else {
            return .refused(
                "unit \(unit.printable) is not among allowUnits",
                hint: "if it is to read it, add \"\(unit.printable)\" to allowUnits"
            )
        }
        return .allowed(unit: unit)
    }

    private func isInGroup(_ peer: Peer, _ groupsOfPeer: () throws(Errno) -> [UInt32]) -> Bool {
        if groups.isEmpty { return false }
        if groups.contains(peer.gid) { return true }
        do throws(Errno) {
            return try !groups.isDisjoint(with: groupsOfPeer())
        } catch {
            return false
        }
    }
}

/// The unit in the name that systemd binds itself to when it connects for `LoadCredential=`:
/// `RANDOM/unit/UNIT/CREDENTIAL` after the NUL. `systemd.exec(5)`
func unitName(inAbstractName name: String) -> String? {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 4, parts[1] == "unit", parts.allSatisfy({ !$0.isEmpty }),
        parts[0].isAlphanumeric(or: "")
    else { return nil }
    return String(parts[2])
}
