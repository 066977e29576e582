/// Who may use whom: Package.swift's dependencies once more, so that a change there is a change
/// here, and the toolchain's modules that a room may import beside them.
enum Rooms {
    static let dependencies: [String: Set<String>] = [
        "CLinux": [],
        "Kernel": ["CLinux"],
        "Text": ["Kernel"],
        "Federation": ["Text", "Kernel"],
        "RegularExpressions": ["Text"],
        "Policy": ["RegularExpressions", "Federation", "Text", "Kernel"],
        "HTTP": ["CLibcurl", "Text", "Kernel"],
        "Crypto": ["COpenSSL", "Text", "Kernel"],
        "AWSSignature": ["Crypto", "Text", "Kernel"],
        "Serving": ["Text", "Kernel"],
        "TokenSources": ["AWSSignature", "Federation", "HTTP", "Crypto", "Text", "Kernel"],
        "Exchanges": ["Federation", "HTTP", "Crypto", "Text", "Kernel"],
        "Diagnosis": [
            "TokenSources", "Exchanges", "HTTP", "Crypto", "Policy", "Federation", "Text", "Kernel",
        ],
        "Worker": [
            "Diagnosis", "TokenSources", "Exchanges", "HTTP", "Crypto", "Federation", "Text",
            "Kernel",
        ],
        "Outputs": ["Federation", "Text", "Kernel"],
        "Agent": ["Outputs", "Serving", "Federation", "Text", "Kernel"],
        "wif-agent": ["Agent", "Outputs", "Policy", "Federation", "Text", "Kernel"],
        "wif-exchange": ["Worker", "HTTP", "Federation", "Text", "Kernel"],
        "wif-emulator": [
            "AWSSignature", "Serving", "Crypto", "Policy", "Federation", "Text", "Kernel",
        ],
    ]

    /// The rooms of the process that lives for months: no network library, directly or through another.
    static let agentSide = [
        "wif-agent", "Agent", "Outputs", "Serving", "Policy", "RegularExpressions", "Federation",
        "Text", "Kernel",
    ]

    /// Modules with a door: who alone may import them.
    static let doors: [String: Set<String>] = [
        "CLibcurl": ["HTTP"],
        "COpenSSL": ["Crypto"],
        "CLinux": ["Kernel"],
        "Glibc": ["Kernel"],
        "FoundationEssentials": ["wif-emulator"],
    ]

    /// Modules of the toolchain that every room may import. Foundation is not among them: it is 6.6 MB of
    /// a program and 2.3 MB of its memory.
    static let toolchain: Set<String> = ["Synchronization", "Dispatch", "Swift"]

    /// Rooms that hold raw pointers.
    static let unsafe: Set<String> = ["HTTP", "Crypto", "Kernel"]

    /// Rooms that may print: programs. All others return what is to be said.
    static let printing: Set<String> = ["wif-agent", "wif-exchange", "wif-emulator"]

    /// Everything a room reaches through Package.swift, itself left out.
    static func reachable(from room: String) -> Set<String> {
        let direct = dependencies[room] ?? []
        return direct.reduce(into: direct) { $0.formUnion(reachable(from: $1)) }
    }
}
