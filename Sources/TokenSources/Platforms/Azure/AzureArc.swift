import Federation
import HTTP
import Kernel
import Text

/// The agent of Azure Arc on a machine elsewhere. It asks for a file's content before it answers, which
/// proves that the caller may read what only root and its own group may.
struct AzureArc {
    /// Where the agent puts its files. Another place would be another program's trick to be sent a
    /// file that it cannot read itself.
    static let directory = "/var/opt/azcmagent/tokens"
    private static let sizeLimit = 4096
    private static let group = "himds"

    let demand: AzureDemand
    var directory = Self.directory

    func subjectToken(_ context: SourceContext) async throws(SourceError) -> SubjectToken {
        let request = try self.request(context)
        return try await context.retrying(.platform) { () async throws(SourceError) in
            let challenge = try await ask(request, context)
            guard challenge.status == 401 else {
                throw context.unexpected(challenge, to: request, note: ", not a challenge")
            }
            let path = try Self.path(challenge.header("WWW-Authenticate"), in: directory)
            var answer = request
            answer.headers.append(
                HTTPHeader("Authorization", value: try Self.key(at: path))
            )
            let response = try await context.ask(answer)
            if response.status == 401 || response.status == 403 {
                throw SourceError(
                    .noSource,
                    "status \(response.status) although the key file was sent",
                    at: request.place,
                    hint:
                        "restart Azure Arc's agent (systemctl restart himdsd), and see azcmagent show"
                )
            }
            let token = try demand.token(
                in: response,
                from: "azure arc",
                at: request.place,
                context
            )
            try checkEcho(response, at: request.place)
            return token
        }
    }

    /// The first request, to an agent that may not run.
    private func ask(
        _ request: HTTPRequest,
        _ context: SourceContext
    ) async throws(SourceError) -> HTTPResponse {
        do throws(SourceError) {
            return try await context.ask(request)
        } catch {
            guard error.isUnreached else { throw error }
            var error = error
            let isNamed = context.variable("IDENTITY_ENDPOINT") != nil
            error.hint =
                "Azure Arc's agent is installed here (\(AzureSource.arcProgram)) and does not run: systemctl start himdsd"
                + " (systemctl status himdsd and azcmagent show tell why it ended; azcmagent connect where the machine was"
                + " never connected)"
                + (isNamed
                    ? "; or IDENTITY_ENDPOINT names another place: unset it then" : "")
            throw error
        }
    }

    private func request(_ context: SourceContext) throws(SourceError) -> HTTPRequest {
        let named = try context.override("IDENTITY_ENDPOINT", plainHTTP: .loopback)
        let base = named?.url ?? "http://localhost:40342/metadata/identity/oauth2/token"
        return demand.query(at: base, version: "2020-06-01", context)
    }

    /// The key file that a challenge names, if it is one that the agent could have meant.
    static func path(_ header: String?, in directory: String) throws(SourceError) -> String {
        let parts = (header ?? "").split(separator: "=", omittingEmptySubsequences: false)
            .map { String($0).trimmed }
        guard parts.count == 2, parts[0].lowercased() == "basic realm" else {
            throw SourceError(.noSource, "the challenge is not of the form Basic realm=FILE")
        }
        let (parent, name) = splitPath(parts[1])
        guard parent == directory, name.hasSuffix(".key"), name.count > ".key".count,
            !name.hasPrefix(".")
        else {
            throw SourceError(
                .noSource,
                "the challenge names \(parts[1].printable), which is not a key file in \(directory)",
                hint:
                    "another program than Azure Arc's agent answers there: unset IDENTITY_ENDPOINT, or start the agent"
                    + " (systemctl restart himdsd)"
            )
        }
        return parts[1]
    }

    /// The file's content as credentials; its owner must be root or the agent's user.
    private static func key(at path: String) throws(SourceError) -> Secret {
        let agent = userID(of: group).map { Set([$0]) } ?? []
        do {
            let file = try openTrusted(path, owners: agent)
            let size = try FileFacts(of: file.raw).size
            guard size <= sizeLimit else {
                throw SourceError(.noSource, "the key file is over \(sizeLimit) bytes")
            }
            var bytes = try file.read(upTo: sizeLimit)
            defer { wipe(&bytes) }
            return Secret("Basic \(String(decoding: bytes, as: UTF8.self).trimmed)")
        } catch let error as SourceError {
            throw error
        } catch let error as PathError {
            throw SourceError(
                .misconfigured,
                "the key file is not read: \(error)",
                hint: error.reason == .noAccess
                    ? "let the agent's user join the group \(group)" : error.hint
            )
        } catch {
            throw SourceError(.misconfigured, "the key file is not read: \(error)")
        }
    }

    /// Old agents ignore a selector and give the machine's own identity, which is another one.
    private func checkEcho(
        _ response: HTTPResponse,
        at place: String
    ) throws(SourceError) {
        guard let wanted = demand.selector(AzureDemand.Selectors()) else { return }
        let reply = AzureDemand.object(in: response)
        let echo = reply?[wanted.name]?.string ?? reply?["mi_res_id"]?.string ?? ""
        guard echo.lowercased() != wanted.value.lowercased() else { return }
        throw SourceError(
            .noSource,
            "the token is not of the identity that was asked for (\(wanted.name))",
            at: place,
            hint: "update the Arc agent, or leave the identity out to use the machine's own"
        )
    }
}
