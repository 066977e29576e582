import Text

extension PlatformFacts {
    /// SPIFFE, by the Workload API of an agent on this machine, or the file in which a helper keeps a
    /// JWT-SVID.
    static let spiffe = PlatformFacts(
        automatic: .never,
        otherVariables: ["SPIFFE_ENDPOINT_SOCKET"],
        parse: { (options) throws(AccountError) in .spiffe(try SPIFFESource(parsing: &options)) },
        unixSocket: { source in
            if case .spiffe(.workloadAPI) = source { true } else { false }
        },
        rotatingFile: { source in
            if case .spiffe(.file(let path)) = source { path } else { nil }
        },
        otherWords: ["spire", "svid", "workloadapi"]
    )
}

/// Where a JWT-SVID comes from.
package enum SPIFFESource: Equatable, Sendable {
    /// A file that a helper keeps fresh.
    case file(path: String)
    /// The Workload API at the socket, or where `SPIFFE_ENDPOINT_SOCKET` says; for this SPIFFE ID where a
    /// workload has several.
    case workloadAPI(socket: String?, id: String?)
}

extension SPIFFESource {
    fileprivate init(parsing options: inout KeyedValues) throws(AccountError) {
        let path = try options.absolutePath("path")
        let id = try options.text("spiffeId")
        let endpoint = try options.text("socket")
        if let path {
            guard id == nil, endpoint == nil else {
                throw options.error(
                    endpoint == nil ? "spiffeId" : "socket",
                    "goes with the Workload API, not with path"
                )
            }
            self = .file(path: path)
            return
        }
        if let id, !id.hasPrefix("spiffe://") {
            throw options.error("spiffeId", "\"\(id.printable)\" is not spiffe://DOMAIN/PATH")
        }
        guard let endpoint else {
            self = .workloadAPI(socket: nil, id: id)
            return
        }
        guard let socket = Self.socket(ofEndpoint: endpoint) else {
            throw options.error(
                "socket",
                "\"\(endpoint.printable)\" is not the path of a Unix socket",
                hint: "write /PATH or unix:///PATH; TCP is not supported"
            )
        }
        self = .workloadAPI(socket: socket, id: id)
    }

    /// The absolute path in `unix:///PATH`, `unix:/PATH` or `/PATH`; `nil` for any other endpoint.
    /// SPIFFE Workload Endpoint, section 4
    package static func socket(ofEndpoint endpoint: String) -> String? {
        var path = endpoint[...]
        if path.hasPrefix("unix://") {
            path = path.dropFirst("unix://".count)
        } else if path.hasPrefix("unix:") {
            path = path.dropFirst("unix:".count)
        }
        // The longest that a socket's address holds. unix(7)
        guard path.hasPrefix("/"), path.utf8.count < 108, !path.utf8.contains(0) else { return nil }
        return String(path)
    }
}
