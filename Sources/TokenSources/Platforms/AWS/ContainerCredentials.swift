import Federation
import HTTP
import Kernel
import Text

/// The key of a container's role, from the endpoint that its variables name: ECS's, EKS's Pod Identity.
struct AWSContainerCredentials {
    private static let relative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
    private static let full = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
    private static let authorization = "AWS_CONTAINER_AUTHORIZATION_TOKEN"
    private static let limit = 5.0

    let context: SourceContext

    /// Whether its variables are there.
    static func isConfigured(_ context: SourceContext) -> Bool {
        context.variable(relative) != nil || context.variable(full) != nil
    }

    func credentials() async throws(SourceError) -> AWSCredentials {
        let url = try self.url()
        let path = String(url.drop { $0 != "/" }.dropFirst(2).drop { $0 != "/" })
        do throws(SourceError) {
            return try await credentials(at: url)
        } catch {
            // ECS tells containers apart by the path alone: who has it, has the key.
            var error = error.ofPresentPlatform
            if error.isUnreached, let hint = Self.absentHint(url) { error.hint = hint }
            throw path.utf8.count > 1 ? error.hiding(path) : error
        }
    }

    /// What to do where nobody answers at one of AWS's own addresses.
    private static func absentHint(_ url: String) -> String? {
        if ["http://169.254.170.23/", "http://[fd00:ec2::23]/"].contains(where: url.hasPrefix) {
            return
                "the EKS Pod Identity Agent does not answer on this node: install the add-on"
                + " eks-pod-identity-agent (kubectl get daemonset -n kube-system eks-pod-identity-agent), and let"
                + " network policies pass the way to its address, port 80; outside of EKS unset \(full)"
        }
        guard url.hasPrefix("http://169.254.170.2/") else { return nil }
        return
            "the ECS agent does not answer here: \(relative) is that of a task of ECS, and has no meaning"
            + " elsewhere: unset it outside of one; in a task let its network pass the way to 169.254.170.2, port 80"
    }

    private func credentials(at url: String) async throws(SourceError) -> AWSCredentials {
        try await context.retrying(.platform) { () async throws(SourceError) in
            let request = HTTPRequest(
                "GET",
                url,
                headers: [HTTPHeader("Accept", "application/json")] + (try authorization()),
                trust: context.trust,
                connectTimeout: ConnectTimeout.near
            )
            let response = try await context.ask(request, limit: Self.limit)
            guard response.status == 200 else {
                let isForbidden = [401, 403].contains(response.status)
                let hint = "check \(Self.authorization) or the file in \(Self.authorization)_FILE"
                throw context.unexpected(response, to: request, hint: isForbidden ? hint : nil)
            }
            return try AWSCredentials(
                try response.json(at: request.place),
                tokenMember: "Token",
                origin: "container endpoint",
                at: request.place
            )
        }
    }

    private func url() throws(SourceError) -> String {
        if let path = context.variable(Self.relative) {
            guard path.hasPrefix("/"), path.utf8.isVisibleASCII else {
                throw SourceError(
                    .misconfigured,
                    "\(Self.relative) is not a path that begins with /",
                    hint:
                        "ECS sets it: unset it outside of a task; for a whole URL there is \(Self.full)"
                )
            }
            return "http://169.254.170.2\(path)"
        }
        guard let endpoint = try context.override(Self.full, plainHTTP: .metadata) else {
            throw SourceError(.noSource, "\(Self.full) is not set", isAbsent: true)
        }
        // Of the metadata addresses this is none of the container endpoints'.
        guard endpoint.isSecure || !["169.254.169.254", "fd00:ec2::254"].contains(endpoint.host)
        else {
            throw SourceError(
                .misconfigured,
                "\(Self.full) is plain http to a host that needs https",
                hint: "unset it on a machine of EC2; in ECS and EKS it is http://169.254.170.2 or"
                    + " http://169.254.170.23"
            )
        }
        return endpoint.url
    }

    /// The file is read each time: it is replaced while the container runs.
    private func authorization() throws(SourceError) -> [HTTPHeader] {
        var value: String?
        if let path = context.variable(Self.authorization + "_FILE") {
            do throws(ReadFileError) {
                value = try readFile(path, limit: 65_536).text
            } catch {
                throw SourceError(
                    .misconfigured,
                    "\(Self.authorization)_FILE: \(path.printable) \(error)",
                    hint:
                        "EKS Pod Identity projects that file: make the association of the pod's service account (aws eks"
                        + " create-pod-identity-association), then the pod anew; where the file is there, have this user read"
                        + " it (securityContext: fsGroup)"
                )
            }
            if value?.last?.isNewline == true { value?.removeLast() }
        } else {
            value = context.environment[Self.authorization]
        }
        guard let value, !value.isEmpty else { return [] }
        guard !value.utf8.contains(where: { $0 == 0x0D || $0 == 0x0A || $0 == 0 }) else {
            throw SourceError(
                .misconfigured,
                "\(Self.authorization) holds a line break",
                hint: "set it again, on one line"
            )
        }
        return [HTTPHeader("Authorization", value: Secret(value))]
    }
}
