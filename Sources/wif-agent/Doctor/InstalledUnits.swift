import Federation
import Kernel
import Text

/// The agent's services as this machine has them: as which user each acts, and with which variables.
struct InstalledUnits {
    /// A user as systemd starts a service: with the groups that its settings add.
    struct User {
        let name: String
        let rights: FileUser

        /// The group of that name, or words in its place where there is none.
        var group: String { groupID(of: name) == nil ? "GROUP-OF-\(name)" : name }
    }

    static let agentName = "wif-agent.service"
    static let workerName = "wif-exchange@.service"
    static let variablesPath = "/etc/default/wif-agent"

    /// What stands before the paths of systemd's folders; empty but in tests.
    let root: String
    let agent: UnitSettings?
    let worker: UnitSettings?
    /// What the agent's service starts it with, which every job has; empty where there is no service.
    let variables: [String: String]
    /// The file of these that this user may not read, so that they are not all known.
    let closedVariables: String?

    init(below root: String = "") {
        self.root = root
        agent = UnitSettings(of: Self.agentName, below: root)
        worker = UnitSettings(of: Self.workerName, below: root)
        variables = agent?.variables(below: root) ?? [:]
        closedVariables = agent?.words("EnvironmentFile").map { String($0.drop { $0 == "-" }) }
            .first { FileFacts(ifAt: root + $0) != nil && !isReadable(root + $0) }
    }

    /// Who runs the agent; `nil` where the machine does not know that user.
    var user: User? { Self.user(of: agent, standard: "wif-agent") }

    /// Who opens the files that a token source or the account file names.
    var reader: User? {
        isBehindSocket && worker != nil ? Self.user(of: worker, standard: "wif-exchange") : user
    }

    /// The service that does so.
    var readerName: String { isBehindSocket && worker != nil ? Self.workerName : Self.agentName }

    /// Whether the agent's jobs go to a worker of another service and to no other.
    var isBehindSocket: Bool {
        variables["WIF_AGENT_WORKER_SOCKET"]?.hasPrefix("/") ?? false
    }

    /// Whether systemd makes the directory for the agent.
    func makes(_ directory: String) -> Bool {
        agent?.words("RuntimeDirectory").contains { directory == "/run/\($0)" } ?? false
    }

    /// Whom systemd starts a service as; `nil` where the machine does not know that user.
    ///
    /// - Parameter standard: the user where there is no such service.
    static func user(of unit: UnitSettings?, standard: String = "root") -> User? {
        let name = unit.map { $0.last("User")?.value ?? "root" } ?? standard
        guard let id = userID(of: name) else { return nil }
        let known = FileUser.known(id)
        let main = unit?.last("Group").map { [$0.value] } ?? []
        let named = main + (unit?.words("SupplementaryGroups") ?? [])
        let groups = known.groups.union(named.compactMap { groupID(of: $0) })
        return User(name: name, rights: FileUser(id: id, groups: groups))
    }
}

extension UnitSettings {
    /// What a service is started with: of `Environment=` and of the files that `EnvironmentFile=` names.
    /// systemd.exec(5)
    func variables(below root: String) -> [String: String] {
        var variables: [String: String] = [:]
        for word in words("Environment") {
            if let (name, value) = Self.assignment(word) { variables[name] = value }
        }
        for file in words("EnvironmentFile") {
            let path = root + String(file.drop { $0 == "-" })
            for (name, value) in Self.assignments(readText(ifAt: path) ?? "") {
                variables[name] = value
            }
        }
        return variables
    }

    /// `NAME=value` or `"NAME=value"`, a word of `Environment=`; `nil` where it is none.
    static func assignment(_ word: String) -> (name: String, value: String)? {
        let text = word.filter { $0 != "\"" && $0 != "'" }
        guard let mark = text.firstIndex(of: "=") else { return nil }
        return (String(text[..<mark]), String(text[text.index(after: mark)...]))
    }

    /// `NAME=value`, a line each; comments and lines of a shell are none.
    static func assignments(_ text: String) -> [(String, String)] {
        text.split(whereSeparator: \.isNewline).compactMap { line in
            let line = String(line).trimmed
            guard let mark = line.firstIndex(of: "="), line.first != "#", line.first != ";" else {
                return nil
            }
            let name = String(line[..<mark]).trimmed
            guard !name.isEmpty, !name.contains(" ") else { return nil }
            let value = String(line[line.index(after: mark)...]).trimmed
            return (name, value.filter { $0 != "\"" && $0 != "'" })
        }
    }
}
