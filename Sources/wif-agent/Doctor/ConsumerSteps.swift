import Agent
import Federation
import Kernel
import Text

/// What is wrong with variables by which other programs are told of what an account delivers.
func consumerSteps(_ account: Account, _ environment: [String: String]) -> [StepReport] {
    Consumer.all.compactMap { consumer in
        guard let path = environment[consumer.variable], !path.isEmpty else { return nil }
        return consumer.step(path, account) ?? consumer.accessStep(path, account)
    } + rivalSteps(account, environment)
}

/// Variables that hold a credential themselves, beside which an output may go unread.
private func rivalSteps(_ account: Account, _ environment: [String: String]) -> [StepReport] {
    let name = account.variable
    guard account.service.kind == .mondoo, let value = environment[name], !value.isEmpty,
        environment["MONDOO_CONFIG_PATH"]?.isEmpty == false, !account.configuredOutputs.isEmpty
    else { return [] }
    return [
        .warning(
            .environment,
            "\(name.printable) is set in this shell beside MONDOO_CONFIG_PATH: which of the two a program takes cannot"
                + " be told here, and no agent replaces the credential in a variable when it expires",
            hint:
                "unset \(name.printable), so that programs read the file that the agent keeps fresh",
            about: name
        )
    ]
}

/// A variable that names a file, for programs that read credentials.
struct Consumer {
    let variable: String
    /// The formats that such programs read.
    let formats: [Format]
    /// What they read, in words.
    let content: String
    /// The service whose credentials they are; `nil` where a file that is missing says nothing here.
    var service: ServiceName?
    /// What to do where no format of an output is read.
    var remark = ""

    static let all = [
        Consumer(
            variable: "MONDOO_CONFIG_PATH",
            formats: [.json],
            content: "a service account in JSON",
            service: .mondoo
        ),
        Consumer(
            variable: "GOOGLE_APPLICATION_CREDENTIALS",
            formats: [],
            content: "Google's own external_account file or key",
            service: .google,
            remark: "set it to Google's external_account file, with the output's path in its"
                + " credential_source.file; an access token goes into CLOUDSDK_AUTH_ACCESS_TOKEN_FILE"
        ),
        Consumer(
            variable: "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE",
            formats: [.raw],
            content: "an access token alone"
        ),
        Consumer(
            variable: "AWS_SHARED_CREDENTIALS_FILE",
            formats: [.ini],
            content: "sections of NAME = VALUE",
            service: .aws
        ),
        Consumer(
            variable: "AWS_CONFIG_FILE",
            formats: [.ini],
            content: "sections of NAME = VALUE"
        ),
        Consumer(
            variable: "AWS_WEB_IDENTITY_TOKEN_FILE",
            formats: [.raw],
            content: "an OIDC token alone"
        ),
        Consumer(
            variable: "AZURE_FEDERATED_TOKEN_FILE",
            formats: [.raw],
            content: "an OIDC token alone"
        ),
    ]

    func step(_ path: String, _ account: Account) -> StepReport? {
        let outputs = account.outputs(in: "/run/wif-agent")
        if let output = outputs.first(where: { isSame($0.path, path) }) {
            return named(output, path)
        }
        for output in outputs {
            guard case .directory = output.kind, path.hasPrefix(output.path + "/") else { continue }
            return inDirectory(output, path)
        }
        guard service == account.service.kind, let best = best(outputs) else { return nil }
        let facts = FileFacts(ifAt: path)
        guard facts == nil || facts?.kind == .directory else {
            return isLeftover(path, account)
                ? warning(
                    "names \(path.printable), a credential that no output of the account writes, so that it stays what"
                        + " it is until it expires",
                    hint:
                        "set \(variable)=\(best.printable), which the account keeps fresh, and remove"
                        + " \(path.printable) if nobody else writes it"
                ) : nil
        }
        return warning(
            "names \(path.printable), which is \(facts == nil ? "not there" : "a directory")",
            hint: "set \(variable)=\(best.printable), where the account delivers \(content)"
        )
    }

    /// Whether a file is a service account of the kind that the account delivers, and no other account's of
    /// the usual folder.
    private func isLeftover(_ path: String, _ account: Account) -> Bool {
        guard variable == "MONDOO_CONFIG_PATH" else { return false }
        let others: [String]
        do throws(AccountFiles.Problem) {
            others = try AccountFiles.list(AccountChoice.standardDirectory)
        } catch {
            others = []
        }
        for other in others where other != account.path {
            do throws(AccountFiles.Problem) {
                let outputs = try AccountFiles.load(other).outputs(in: "/run/wif-agent")
                if outputs.contains(where: { path == $0.path || path.hasPrefix($0.path + "/") }) {
                    return false
                }
            } catch {
                continue
            }
        }
        do {
            let document = try readFile(path, limit: 1 << 18)
            return try JSON(parsing: document.bytes)["private_key"] != nil
        } catch {
            return false
        }
    }

    /// That this user may not read the output that the variable names.
    func accessStep(_ path: String, _ account: Account) -> StepReport? {
        guard account.outputs(in: "/run/wif-agent").contains(where: { isSame($0.path, path) })
        else {
            return nil
        }
        do throws(ReadFileError) {
            var bytes = try readFile(path, limit: 1 << 20).bytes
            wipe(&bytes)
            return nil
        } catch {
            guard case .system(.noAccess) = error else { return nil }
        }
        let user = FileUser.current()
        let who = userName(user.id).printable
        let closed = user.closedDirectory(above: path)
        let facts = closed?.facts ?? FileFacts(ifAt: path)
        let place = closed.map { "enter \($0.path.printable)" } ?? "read it"
        let mode = facts.map { " (mode \($0.modeText), owner \(userDescription($0.owner)))" } ?? ""
        let agent = FileFacts(ifAt: RuntimeDirectory.system)?.owner
        let opening =
            closed.map { "; and chmod o+x \($0.path.printable), so that \(who) comes to it" } ?? ""
        let group = "\"group\": \"GROUP\" and \"mode\": \"0640\""
        let how =
            switch agent {
            case 0?:
                "the agent runs as root: write \"owner\": \"\(who)\" in that output of \(account.path.printable), or"
                    + " \(group) with a group of \(who)"
            case let id?:
                "the agent runs as \(userName(id).printable): write \(group) in that output of"
                    + " \(account.path.printable), with a group of \(who) that \(userName(id).printable) is in, too"
            case nil:
                "write \"owner\": \"\(who)\" in that output of \(account.path.printable) where the agent runs as root,"
                    + " else \(group) with a group of \(who) that the agent's user is in, too"
            }
        return warning(
            "names the output \(path.printable), and \(who), this user, may not \(place)\(mode)",
            hint: "\(how)\(opening); or run the program as the output's owner"
        )
    }

    /// The variable names an output.
    private func named(_ output: Output, _ path: String) -> StepReport? {
        let wanted = formats.first?.rawValue ?? ""
        switch output.kind {
        case .file(let format, _):
            guard !isRead(format) else { return nil }
            return warning(
                "names the output \(path.printable), whose format is \(format.rawValue); programs that"
                    + " read \(variable) want \(content)",
                hint: formats.isEmpty ? remark : "write \"format\": \"\(wanted)\" in that output"
            )
        case .directory:
            return warning(
                "names the directory \(path.printable), not a file in it",
                hint:
                    "set \(variable)=\(path.printable)/\(nameInDirectory)"
            )
        case .socket:
            return warning(
                "names the socket \(path.printable), and programs that read \(variable) open a file",
                hint:
                    "give the account an output of the format \(wanted) with a path of its own, and name"
                    + " that; or write \"content\": \"\(wanted)\" in the socket's output, and have systemd read it:"
                    + " LoadCredential=NAME:\(path.printable) and the variable as %d/NAME"
            )
        case .kubernetesSecret: return nil
        }
    }

    private func inDirectory(_ output: Output, _ path: String) -> StepReport? {
        let name = splitPath(path).name
        guard !formats.isEmpty, !formats.contains(.ini), name != nameInDirectory,
            ["credential", "credential.json", "credential.env", "expires_at"].contains(name)
        else { return nil }
        return warning(
            "names \(path.printable); programs that read it want \(content)",
            hint: "set \(variable)=\(output.path.printable)/\(nameInDirectory)"
        )
    }

    /// The file of a directory output that such programs read.
    private var nameInDirectory: String {
        formats.contains(.json) ? "credential.json" : "credential"
    }

    /// The path at which such programs would find what they read.
    private func best(_ outputs: [Output]) -> String? {
        for output in outputs {
            switch output.kind {
            case .file(let format, _): if isRead(format) { return output.path }
            case .directory:
                if formats.contains(.json) { return output.path + "/credential.json" }
            case .socket, .kubernetesSecret: break
            }
        }
        return nil
    }

    /// A template may hold anything.
    func isRead(_ format: Format) -> Bool {
        formats.contains(format) || format == .template
    }

    private func warning(_ text: String, hint: String) -> StepReport {
        .warning(.environment, "\(variable) \(text)", hint: hint, about: variable)
    }

    private func isSame(_ one: String, _ other: String) -> Bool {
        do throws(Errno) {
            return one == other ? true : try realPath(one) == realPath(other)
        } catch {
            return false
        }
    }
}
