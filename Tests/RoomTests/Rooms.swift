/// Who may use whom: Package.swift's dependencies once more, so that a change there is a change
/// here, and the toolchain's modules that a room may import beside them.
enum Rooms {
    static let dependencies: [String: Set<String>] = [
        "CLinux": [],
        "Platform": ["CLinux"],
        "Federation": ["Platform"],
        "Policy": ["Federation"],
        "HTTP": ["CLibcurl", "Platform"],
        "Crypto": ["COpenSSL", "Platform"],
        "Serving": ["Platform"],
        "TokenSources": ["Federation", "HTTP", "Crypto", "Platform"],
        "Exchanges": ["Federation", "HTTP", "Crypto", "Platform"],
        "Outputs": ["Federation", "Platform"],
        "Agent": ["Outputs", "Serving", "Federation", "Platform"],
        "wif-agent": ["Agent", "Outputs", "Policy", "Federation", "Platform"],
        "wif-exchange": [
            "TokenSources", "Exchanges", "HTTP", "Policy", "Federation", "Platform",
        ],
        "wif-emulator": ["Serving", "Crypto", "Policy", "Federation", "Platform"],
    ]

    /// The rooms of the process that lives for months: no network library, directly or through another.
    static let agentSide = [
        "wif-agent", "Agent", "Outputs", "Serving", "Policy", "Federation", "Platform",
    ]

    /// Modules with a door: who alone may import them.
    static let doors: [String: Set<String>] = [
        "CLibcurl": ["HTTP"],
        "COpenSSL": ["Crypto"],
        "CLinux": ["Platform"],
        "Glibc": ["Platform"],
    ]

    /// Modules of the toolchain that every room may import. Foundation proper is not among them: it
    /// drags in 40 MB of libraries.
    static let toolchain: Set<String> = [
        "FoundationEssentials", "Synchronization", "Dispatch", "Swift",
    ]

    /// Rooms that hold raw pointers.
    static let unsafe: Set<String> = ["HTTP", "Crypto", "Platform"]

    /// Rooms that may print: programs. All others return what is to be said.
    static let printing: Set<String> = ["wif-agent", "wif-exchange", "wif-emulator"]

    /// Everything a room reaches through Package.swift, itself left out.
    static func reachable(from room: String) -> Set<String> {
        let direct = dependencies[room] ?? []
        return direct.reduce(into: direct) { $0.formUnion(reachable(from: $1)) }
    }
}
