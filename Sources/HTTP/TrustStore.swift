import Kernel
import Synchronization
import Text

/// Where the certificates of the trusted authorities are read from.
enum TrustStore: Equatable, Sendable {
    /// One PEM file with all of them.
    case bundle(String)
    /// A directory in which each is found by the hash of its name. `openssl-rehash(1)`
    case directory(String)

    var path: String {
        switch self {
        case .bundle(let path), .directory(let path): path
        }
    }
}

/// Chooses among the system's stores. OpenSSL 3 takes about 90 ms to read a whole bundle, and 3 ms to
/// find the one certificate it needs in a hashed directory.
final class TrustStores: Sendable {
    private let defaultBundle: String?
    private let hashed = Mutex<[String: Bool]>([:])

    /// - Parameter defaultBundle: the bundle that libcurl was built to use
    init(defaultBundle: String?) {
        self.defaultBundle = defaultBundle
    }

    /// The store to try, and the one to try after it where the issuer is not in the first.
    func stores(for trust: HTTPRequest.Trust) -> (first: TrustStore?, second: TrustStore?) {
        switch trust {
        case .file(let path): return (.bundle(path), nil)
        case .system(let file?, _) where !file.isEmpty: return (.bundle(file), nil)
        case .system(_, let directory):
            let named = directory.flatMap { $0.isEmpty ? nil : $0 }
            let bundle = systemBundle.map { TrustStore.bundle($0) }
            let directory = named ?? "/etc/ssl/certs"
            return isHashed(directory) ? (.directory(directory), bundle) : (bundle, nil)
        }
    }

    private var systemBundle: String? {
        // libcurl's own where it was built for this system; else where the distributions keep it.
        ([defaultBundle].compactMap(\.self) + HTTPRequest.Trust.systemBundles).first {
            isReadable($0)
        }
    }

    private func isHashed(_ path: String) -> Bool {
        if let known = hashed.withLock({ $0[path] }) { return known }
        // OpenSSL takes a list, as in PATH.
        let isHashed = path.split(separator: ":").contains { directory in
            // A directory that cannot be read is one that cannot be used: the bundle it is, then.
            do throws(Errno) {
                return try listDirectory(String(directory)).contains(where: isHashName)
            } catch {
                return false
            }
        }
        hashed.withLock { $0[path] = isHashed }
        return isHashed
    }
}

extension HTTPRequest.Trust {
    /// Where the distributions keep the certificates of all authorities in one file.
    package static let systemBundles = [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
    ]

    /// The file that holds all authorities that are trusted; `nil` where there is none.
    package var bundle: String? {
        switch self {
        case .file(let path): path
        case .system(let file?, _) where !file.isEmpty: file
        case .system: Self.systemBundles.first { isReadable($0) }
        }
    }
}

/// Whether it is the name under which OpenSSL finds a certificate in a directory: eight hexadecimal digits, a
/// dot, a number.
package func isHashName(_ name: String) -> Bool {
    let bytes = Array(name.utf8)
    guard bytes.count >= 10, bytes[8] == UInt8(ascii: ".") else { return false }
    return bytes[..<8].allSatisfy { $0.isDigit || (0x61...0x66).contains($0) }
        && bytes[9...].isNumber
}
