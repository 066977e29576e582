import Crypto
import Federation
import FoundationEssentials
import Kernel
import Text

/// What users need to reach the emulator: variables, account files, the CA.
struct Announcement: Sendable {
    private let world: World
    private let variables: [Variable]
    private let authority: Certificate?

    init(
        world: World,
        players: [RoleName: any Role],
        control: String,
        authority: Certificate?
    ) {
        self.world = world
        self.authority = authority
        var variables = Part.all.flatMap { part in
            players[part.name].map(\.environment) ?? part.absence
        }
        if let path = authority.flatMap({ _ in world.options.directory }) {
            let file = URL(filePath: path).appending(path: "ca.pem")
            variables.append(Variable("SSL_CERT_FILE", file.path))
        }
        variables.append(Variable("WIF_EMULATOR_URL", control))
        self.variables = variables
    }

    /// `export NAME='value'` lines.
    var exports: String {
        variables.map { variable in
            let value = variable.value.split(separator: "'", omittingEmptySubsequences: false)
            return "export \(variable.name)='\(value.joined(separator: #"'\''"#))'\n"
        }.joined()
    }

    /// Takes away the mark of an earlier run, so that nobody takes it for this one's.
    static func begin(in directory: String) {
        // There may be none.
        try? FileManager.default.removeItem(at: URL(filePath: directory).appending(path: "ready"))
    }

    /// Writes the directory's files, `ready` last of all.
    func write(to directory: String) throws(UsageError) {
        do {
            let place = URL(filePath: directory)
            let accounts = place.appending(path: "accounts")
            try FileManager.default.createDirectory(
                at: accounts,
                withIntermediateDirectories: true
            )
            for (name, issuer) in issuers {
                for (service, file) in world.accountFiles(for: issuer) {
                    let path = accounts.appending(path: "\(service)-\(name).json")
                    try write(file.serialized() + [0x0A], to: path)
                }
            }
            if let first = issuers.first {
                for (service, file) in world.accountFiles(for: first.issuer, namingSource: false) {
                    let path = place.appending(path: "\(service).json")
                    try write(file.serialized() + [0x0A], to: path)
                }
            }
            if let authority {
                try write(Array(try authority.pem.utf8), to: place.appending(path: "ca.pem"))
            }
            try write(Array(exports.utf8), to: place.appending(path: "environment"))
            try write([], to: place.appending(path: "ready"))
        } catch {
            throw UsageError("cannot write to \(directory): \(error)")
        }
    }

    private var issuers: [(name: String, issuer: Issuer)] {
        world.issuers.map { ($0.name, $0) }
    }

    private func write(_ bytes: [UInt8], to file: URL) throws {
        try Data(bytes).write(to: file, options: .atomic)
    }
}
