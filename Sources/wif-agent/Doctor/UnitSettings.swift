import Kernel
import Text

/// The settings that systemd takes for a service of this machine: of its file and the files that override
/// parts of it. `systemd.unit(5)`
struct UnitSettings {
    struct Value {
        let text: String
        /// Where it is set.
        let path: String
    }

    /// The unit's name.
    let name: String
    private var values: [String: [Value]] = [:]

    /// In the order in which the first one that has the unit's file counts.
    private static let directories = [
        "/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
        "/usr/lib/systemd/system", "/lib/systemd/system",
    ]

    /// Files in the folders of its parts that systemd does not read, because their names do not end in `.conf`.
    private(set) var passedOver: [String] = []
    /// Its files that this user may not read, so that what they say is not known.
    private(set) var unreadable: [String] = []

    /// `nil` where this machine has no such unit, or it cannot be read.
    ///
    /// - Parameter root: what stands before the paths of systemd's folders; empty but in tests.
    init?(of name: String, below root: String = "") {
        self.name = name
        let folders = Self.directories.map { root + $0 }
        let files = folders.map { "\($0)/\(name)" }
        guard let file = files.first(where: { FileFacts(ifAt: $0) != nil }) else { return nil }
        read(file)
        // Of two with the same name the first folder's counts; all are read in the order of their names.
        var parts: [String: String] = [:]
        for folder in folders {
            let place = "\(folder)/\(self.name).d"
            for part in Self.names(in: place) {
                let path = "\(place)/\(part)"
                guard part.hasSuffix(".conf") else {
                    if FileFacts(ifAt: path)?.kind == .regular { passedOver.append(path) }
                    continue
                }
                if parts[part] == nil { parts[part] = path }
            }
        }
        for part in parts.sorted(by: { $0.key < $1.key }) { read(part.value) }
        // Of one that is masked, or that this user may not read, nothing is known.
        guard last("ExecStart") != nil else { return nil }
    }

    private static func names(in directory: String) -> [String] {
        do throws(Errno) {
            return try listDirectory(directory).filter { !$0.hasPrefix(".") && !$0.hasSuffix("~") }
        } catch {
            return []
        }
    }

    private mutating func read(_ path: String) {
        guard let text = readText(ifAt: path) else {
            if FileFacts(ifAt: path)?.kind == .regular, !isReadable(path) {
                unreadable.append(path)
            }
            return
        }
        for (key, value) in Self.assignments(ofUnit: text) {
            // An empty value takes back what stands before it.
            if value.isEmpty {
                values[key] = []
            } else {
                values[key, default: []].append(Value(text: value, path: path))
            }
        }
    }

    /// Keys and their values, as a file of a unit has them.
    static func assignments(ofUnit text: String) -> [(key: String, value: String)] {
        text.split(whereSeparator: \.isNewline).compactMap { line in
            let line = String(line).trimmed
            guard let mark = line.firstIndex(of: "="), line.first != "#", line.first != ";" else {
                return nil
            }
            return (
                String(line[..<mark]).trimmed, String(line[line.index(after: mark)...]).trimmed
            )
        }
    }

    /// The last value of a setting, and the file that has it.
    func last(_ key: String) -> (value: String, path: String)? {
        values[key]?.last.map { ($0.text, $0.path) }
    }

    /// The setting that hides home directories from the service, for a path in one of them; `nil` where none
    /// does.
    func hidingHome(_ path: String) -> (value: String, path: String)? {
        guard ["/home/", "/root/", "/run/user/"].contains(where: path.hasPrefix),
            let home = last("ProtectHome"), home.value != "no", home.value != "false"
        else { return nil }
        return home
    }

    /// The file that gives the service a /tmp of its own, for a path in the shared one; `nil` where none does.
    func hidingTemporary(_ path: String) -> String? {
        ["/tmp/", "/var/tmp/"].contains(where: path.hasPrefix) ? isOn("PrivateTmp") : nil
    }

    /// Each time that it is set, of those that none takes back.
    func all(_ key: String) -> [Value] { values[key] ?? [] }

    /// Whether the service is switched off for good: its file is a link to nothing.
    static func isMasked(_ name: String) -> Bool {
        for folder in directories.prefix(2) {
            do throws(Errno) {
                if try linkTarget(of: "\(folder)/\(name)") == "/dev/null" { return true }
            } catch {
                continue
            }
        }
        return false
    }

    /// All words of a setting that is a list.
    func words(_ key: String) -> [String] {
        (values[key] ?? []).flatMap { $0.text.split { $0 == " " || $0 == "\t" } }.map(String.init)
    }

    /// Whether a setting says yes, and the file that does.
    func isOn(_ key: String) -> String? {
        guard let last = last(key), ["yes", "true", "on", "1"].contains(last.value.lowercased())
        else { return nil }
        return last.path
    }

    /// Directories that the unit may write to whatever else it says.
    var writable: [String] {
        let named = words("ReadWritePaths").map { String($0.drop { "-+".contains($0) }) }
        let kinds = [
            ("RuntimeDirectory", "/run"), ("StateDirectory", "/var/lib"),
            ("CacheDirectory", "/var/cache"), ("LogsDirectory", "/var/log"),
        ]
        let made = kinds.flatMap { key, base in words(key).map { "\(base)/\($0)" } }
        return named + made
    }
}
