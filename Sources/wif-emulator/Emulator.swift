import Crypto
import FoundationEssentials
import Kernel
import Serving

/// The emulator with its sockets bound, ready to serve.
struct Emulator: Sendable {
    private struct Post: Sendable {
        let listener: Listener
        let dispatcher: Dispatcher
        let tls: TLSServer?
    }

    private let posts: [Post]
    let announcement: Announcement

    /// - Throws: ``UsageError``, ``CryptoError``.
    init(_ options: Options) throws {
        let bound = try options.bindings.map { option in
            (option: option, listener: try Emulator.listener(option.address))
        }
        let urls = Emulator.urls(bound.map { ($0.option, $0.listener.address) }, options)
        let world = try World(options, urls: urls)
        var players: [RoleName: any Role] = [:]
        for name in options.roles { players[name] = try role(name, in: world) }
        let tls = try options.needsTLS ? TLSIdentity(options) : nil
        // Plain where there is a choice, so that no CA is needed for it.
        let plain = bound.first { !$0.option.isTLS } ?? bound.first
        announcement = Announcement(
            world: world,
            players: players,
            control: plain.map { Emulator.url(of: $0.option, at: $0.listener.address, options) }
                ?? "",
            authority: tls?.authority
        )
        let control = Control(world: world, environment: announcement.exports)
        posts = bound.map { option, listener in
            let roles = option.roles.compactMap { name in players[name].map { (name, $0) } }
            return Post(
                listener: listener,
                dispatcher: Dispatcher(world: world, control: control, roles: roles),
                tls: option.isTLS ? tls?.server : nil
            )
        }
    }

    /// Writes the files of all roles.
    func prepare() throws {
        for post in posts { for (_, role) in post.dispatcher.roles { try role.prepare() } }
    }

    /// Serves all listeners until the task is cancelled.
    func run() async throws {
        try await withThrowingTaskGroup { group in
            for post in posts {
                group.addTask { try await Emulator.serve(post) }
                for (_, role) in post.dispatcher.roles { group.addTask { await role.live() } }
            }
            try await group.waitForAll()
        }
    }

    private static func serve(_ post: Post) async throws {
        try await Serving.serve(
            post.listener,
            secure: { socket in
                guard let tls = post.tls else { return socket }
                return try await tls.accept(over: socket)
            },
            handler: { request, socket in
                let peer = try? SocketAddress.peer(of: socket.raw)
                return await post.dispatcher.answer(request, peer: peer?.description ?? "unix")
            }
        )
    }

    private static func listener(_ address: SocketAddress) throws(UsageError) -> Listener {
        do throws(Errno) {
            return try Listener(address)
        } catch {
            throw UsageError("cannot listen on \(address): \(error)")
        }
    }

    /// Each role's base URL: the first address it is found at, unless the user says otherwise.
    private static func urls(
        _ bound: [(ListenOption, SocketAddress)],
        _ options: Options
    ) -> [RoleName: String] {
        var urls: [RoleName: String] = [:]
        for (option, address) in bound {
            for role in option.roles where urls[role] == nil {
                urls[role] = url(of: option, at: address, options)
            }
        }
        for (name, url) in options.urls {
            guard let role = RoleName(rawValue: name) else { continue }
            urls[role] = url.hasSuffix("/") ? String(url.dropLast()) : url
        }
        return urls
    }

    private static func url(
        of option: ListenOption,
        at address: SocketAddress,
        _ options: Options
    ) -> String {
        guard case .tcp(let own, let port) = address else { return "\(address)" }
        let name = option.isTLS ? options.tlsHosts.first ?? own : own
        let literal = name.contains(":") ? "[\(name)]" : name
        let usual: UInt16 = option.isTLS ? 443 : 80
        return (option.isTLS ? "https://" : "http://") + literal
            + (port == usual ? "" : ":\(port)")
    }
}
