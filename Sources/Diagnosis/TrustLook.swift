import Crypto
import HTTP
import Kernel
import Text

/// What the authorities' certificates on this machine tell of an authority that is not trusted: whether they
/// could be read, and whether its name is among them.
struct TrustLook {
    /// A file with the authority's name in it.
    private struct Sighting {
        let path: String
        /// Whether OpenSSL looks into the file.
        let isInUse: Bool
    }

    /// The file or directory that this process may not read.
    private(set) var unreadable: String?
    /// How many authorities could be read from those that count.
    private(set) var count = 0
    private var sightings: [Sighting] = []
    private let wanted: AuthorityName

    /// Where administrators put authorities before a program adds them to the system's.
    private static let added = "/usr/local/share/ca-certificates"
    private static let standardDirectory = "/etc/ssl/certs"
    private static let fileLimit = 400

    init(for wanted: AuthorityName, in trust: HTTPRequest.Trust) {
        self.wanted = wanted
        switch trust {
        case .file(let path): look(at: path)
        case .system(let file?, _) where !file.isEmpty: look(at: file)
        case .system(_, let directory):
            if let bundle = HTTPRequest.Trust.systemBundles.first(where: {
                FileFacts(ifAt: $0) != nil
            }) {
                look(at: bundle)
            }
            let named = directory.flatMap { $0.isEmpty ? nil : $0 } ?? Self.standardDirectory
            for part in named.split(separator: ":") { look(into: String(part)) }
            look(into: Self.added)
        }
    }

    /// The file that holds an authority of that name, where OpenSSL does look: of another key, then.
    var sameName: String? { sightings.first(where: \.isInUse)?.path }

    /// The file with it in a directory that is in use, where it is not found because its link is missing.
    var unlinked: (directory: String, file: String)? {
        guard sameName == nil else { return nil }
        let found = sightings.first { !$0.path.hasPrefix(Self.added + "/") }
        return found.map { (splitPath($0.path).directory, $0.path) }
    }

    /// The file with it among those that are added to the system's when a program is run.
    var waiting: String? {
        guard sameName == nil else { return nil }
        return sightings.first { $0.path.hasPrefix(Self.added + "/") }?.path
    }

    // MARK: Looking

    private mutating func look(at path: String) {
        guard let names = names(in: path) else { return }
        count += names.count
        if names.contains(wanted) { sightings.append(Sighting(path: path, isInUse: true)) }
    }

    /// Of a directory OpenSSL opens the files that are named by a hash.
    private mutating func look(into directory: String) {
        let files: [String]
        do throws(Errno) {
            files = try listDirectory(directory).sorted()
        } catch {
            if error == .noAccess || error == .notPermitted { unreadable = unreadable ?? directory }
            return
        }
        for file in files.prefix(Self.fileLimit) where isCertificate(file) {
            let path = "\(directory)/\(file)"
            guard !HTTPRequest.Trust.systemBundles.contains(path), let names = names(in: path)
            else { continue }
            let isInUse = isHashName(file) && directory != Self.added
            if isInUse { count += names.count }
            if names.contains(wanted) { sightings.append(Sighting(path: path, isInUse: isInUse)) }
        }
    }

    private func isCertificate(_ name: String) -> Bool {
        isHashName(name) || [".pem", ".crt", ".cer", ".cert"].contains { name.hasSuffix($0) }
    }

    private mutating func names(in path: String) -> [AuthorityName]? {
        do throws(ReadFileError) {
            return authorities(inBundle: try readFile(path, limit: 16 << 20).bytes)
        } catch {
            if case .system(.noAccess) = error { unreadable = unreadable ?? path }
            return nil
        }
    }
}
