import Crypto
import Federation
import FoundationEssentials
import Kernel
import Policy
import Synchronization

/// Mondoo's identity providers ("WIF auth bindings"): those that the user's trusts stand for, and those
/// that were made since.
final class MondooBindings: Sendable {
    struct Binding: Sendable {
        let mrn: String
        let trust: Trust
        let terms: MondooTerms
        let scope: String
        let description: String?
        let createdAt: WallTime
        var lastUsed: WallTime?
    }

    private let world: World
    private let bindings: Mutex<[Binding]>

    init(world: World) throws(CryptoError) {
        self.world = world
        let trusts = try world.trusts(of: .mondoo)
        let now = world.clock.now
        bindings = Mutex(trusts.compactMap { Self.binding($0, in: world.options.scope, nil, now) })
    }

    private static func binding(
        _ trust: Trust,
        in scope: String,
        _ description: String?,
        _ now: WallTime
    ) -> Binding? {
        guard case .mondoo(let terms) = trust.terms else { return nil }
        let scope = terms.scope ?? scope
        let path = scope.split(separator: "/").dropFirst().joined(separator: "/")
        return Binding(
            mrn: "//iam.api.mondoo.app/\(path)/wifauthbindings/2bW\(randomCode(24))",
            trust: trust,
            terms: terms,
            scope: scope,
            description: description,
            createdAt: now
        )
    }

    /// In the order in which they were made.
    var all: [Binding] { bindings.withLock(\.self) }

    /// Those that an exchange may fit, compared byte by byte.
    func candidates(issuer: String, scope: String) -> [Binding] {
        all.filter {
            $0.trust.issuer.utf8.elementsEqual(issuer.utf8)
                && $0.scope.utf8.elementsEqual(scope.utf8)
        }
    }

    /// An exchange was made by it.
    func use(_ mrn: String) {
        let now = world.clock.now
        bindings.withLock { bindings in
            for index in bindings.indices where bindings[index].mrn == mrn {
                bindings[index].lastUsed = now
            }
        }
    }

    func make(_ trust: Trust, _ description: String?) -> Binding? {
        let new = Self.binding(trust, in: world.options.scope, description, world.clock.now)
        if let new { bindings.withLock { $0.append(new) } }
        return new
    }

    /// Whether there was one.
    func remove(_ mrn: String) -> Bool {
        bindings.withLock { bindings in
            let count = bindings.count
            bindings.removeAll { $0.mrn == mrn }
            return bindings.count < count
        }
    }
}
