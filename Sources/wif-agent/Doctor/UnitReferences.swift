import Federation
import Kernel
import Text

/// The places that a service's settings name for what its program reads.
struct UnitReferences {
    struct Reference {
        enum Kind {
            case variable(String)
            case environmentFile
            case credential
        }

        let kind: Kind
        let path: String
        /// The setting as it stands there, and the file that has it.
        let setting: UnitSettings.Value
        /// Whether systemd reads the place, and the program a copy.
        var isHandedOver = false
    }

    /// What is wrong with a setting by itself.
    struct Flaw {
        let text: String
        let hint: String
    }

    private(set) var all: [Reference] = []
    private(set) var flaws: [Flaw] = []
    private let unit: UnitSettings

    /// - Parameter root: what stands before the paths of files; empty but in tests.
    init(of unit: UnitSettings, below root: String) {
        self.unit = unit
        let credentials = loaded
        for value in unit.all("Environment") {
            for word in value.text.split(separator: " ") {
                guard let (name, path) = UnitSettings.assignment(String(word)) else { continue }
                add(name, path, value, credentials)
            }
        }
        for value in unit.all("EnvironmentFile") {
            let path = String(value.text.drop { $0 == "-" })
            all.append(Reference(kind: .environmentFile, path: path, setting: value))
            guard let text = readText(ifAt: root + path) else { continue }
            let place = UnitSettings.Value(text: value.text, path: path)
            for (name, path) in UnitSettings.assignments(text) { add(name, path, place, [:]) }
        }
        for (name, place) in credentials.sorted(by: { $0.key < $1.key }) {
            all.append(Reference(kind: .credential, path: place.path, setting: place.setting))
            guard place.isEncrypted else { continue }
            flaws.append(
                Flaw(
                    text:
                        "\(unit.name) loads \(place.path.printable) by LoadCredentialEncrypted= (\(place.setting.path)), and"
                        + " what is delivered there is not encrypted",
                    hint:
                        "write LoadCredential=\(name.printable):\(place.path.printable) there, then systemctl daemon-reload &&"
                        + " systemctl restart \(unit.name)"
                )
            )
        }
        all = all.filter { $0.path.hasPrefix("/") && !$0.path.contains("%") }
    }

    private typealias Credential = (path: String, setting: UnitSettings.Value, isEncrypted: Bool)

    /// By name: the credentials that systemd reads for the program. systemd.exec(5)
    private var loaded: [String: Credential] {
        var found: [String: Credential] = [:]
        for key in ["LoadCredential", "LoadCredentialEncrypted"] {
            for value in unit.all(key) {
                guard let mark = value.text.firstIndex(of: ":") else { continue }
                let path = Self.expanded(String(value.text[value.text.index(after: mark)...]))
                // A store of systemd's own holds encrypted ones.
                let isRunning = path.hasPrefix("/run/") && !path.hasPrefix("/run/credstore")
                found[String(value.text[..<mark])] = (
                    path, value, key != "LoadCredential" && isRunning
                )
            }
        }
        return found
    }

    private static func expanded(_ path: String) -> String {
        path.hasPrefix("%t/") ? "/run" + path.dropFirst(2) : path
    }

    private mutating func add(
        _ name: String,
        _ path: String,
        _ value: UnitSettings.Value,
        _ credentials: [String: Credential]
    ) {
        guard Consumer.all.contains(where: { $0.variable == name }) else { return }
        let marks = ["${CREDENTIALS_DIRECTORY}/", "$CREDENTIALS_DIRECTORY/"]
        if let mark = marks.first(where: path.hasPrefix) {
            let rest = String(path.dropFirst(mark.count))
            flaws.append(
                Flaw(
                    text:
                        "\(unit.name) has \(name)=\(path.printable) (\(value.path)), and systemd expands no variables in"
                        + " Environment=",
                    hint:
                        "write \(name)=%d/\(rest.printable) there, then systemctl daemon-reload && systemctl restart"
                        + " \(unit.name)"
                )
            )
            return
        }
        guard path.hasPrefix("%d/") else {
            all.append(
                Reference(kind: .variable(name), path: Self.expanded(path), setting: value)
            )
            return
        }
        addHandedOver(name, String(path.dropFirst(3)), value, credentials)
    }

    /// Of a copy that systemd makes for the program.
    private mutating func addHandedOver(
        _ name: String,
        _ wanted: String,
        _ value: UnitSettings.Value,
        _ credentials: [String: Credential]
    ) {
        if let found = credentials[wanted] {
            all.append(
                Reference(
                    kind: .variable(name),
                    path: found.path,
                    setting: value,
                    isHandedOver: true
                )
            )
        } else if !credentials.isEmpty {
            let names = credentials.keys.sorted()
            flaws.append(
                Flaw(
                    text:
                        "\(unit.name) has \(name)=%d/\(wanted.printable) (\(value.path)), and loads no credential of the"
                        + " name \(wanted.printable), but \(names.joined(separator: ", ").printable)",
                    hint:
                        "write \(name)=%d/\(names[0].printable) there, then systemctl daemon-reload && systemctl restart"
                        + " \(unit.name)"
                )
            )
        }
    }
}
