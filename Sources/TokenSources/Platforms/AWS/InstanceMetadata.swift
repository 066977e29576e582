import Federation
import HTTP
import Kernel
import Text

/// The credentials and region of an EC2 instance, from its metadata service in version 2. Version 1,
/// which answers whoever can be made to forward a request, is never asked for anything.
struct AWSInstanceMetadata {
    static let origin = "instance metadata"
    private static let path = "/latest/meta-data"
    private static let credentials = path + "/iam/security-credentials/"
    private static let tokenHeader = "x-aws-ec2-metadata-token"
    /// Seconds for a request, and for the first: its reply is the one that gets lost.
    private static let limit = 5.0
    private static let tokenLimit = 2.0

    let context: SourceContext
    /// The profile's values, which may name another endpoint.
    let profile: [String: String]

    /// The key of the role that is attached to the instance.
    func credentials() async throws(SourceError) -> AWSCredentials {
        if context.variable("AWS_EC2_METADATA_DISABLED")?.lowercased() == "true" {
            throw SourceError(
                .noSource,
                "instance metadata: not asked, AWS_EC2_METADATA_DISABLED is true",
                hint:
                    "unset AWS_EC2_METADATA_DISABLED, so that the role of the machine is used (one must be"
                    + " attached); or set AWS's variables, or a profile",
                isAbsent: true
            )
        }
        return try await context.retrying(context.evidence(of: .aws)) {
            () async throws(SourceError) in
            do throws(SourceError) {
                return try await credentials(with: try await token())
            } catch {
                // Tokens end early where the service was started anew.
                guard error.isStale else { throw error }
                return try await credentials(with: try await token())
            }
        }
    }

    /// The region that the instance is in; `nil` where that cannot be had.
    func region() async -> String? {
        do throws(SourceError) {
            let response = try await get("\(Self.path)/placement/region", with: try await token())
            let region = response.body.text.trimmed
            return response.status == 200 && !region.isEmpty ? region : nil
        } catch {
            return nil  // The endpoint that serves all regions will do.
        }
    }

    private func credentials(with token: Secret) async throws(SourceError) -> AWSCredentials {
        let list = try await get(Self.credentials, with: token)
        try check(list, Self.credentials)
        let role = String(list.body.text.prefix { !$0.isNewline }).trimmed
        guard !role.isEmpty else { throw noRole("the list of roles is empty") }
        guard Self.isRoleName(role) else {
            throw SourceError(
                .noSource,
                "GET \(try base())\(Self.credentials): the reply is not a list of roles"
            )
        }
        let path = Self.credentials + percentEncoded(role)
        let response = try await get(path, with: token)
        try check(response, path)
        let place = "GET \(try base())\(path)"
        let json = try response.json(at: place)
        if let code = json["Code"]?.string, code != "Success" {
            throw SourceError(
                .noSource,
                "\(code.printable): \((json["Message"]?.string ?? "").printable)",
                at: place,
                hint:
                    "have the role's trust policy allow sts:AssumeRole to the service ec2.amazonaws.com (aws iam get-role shows it)"
            )
        }
        return try AWSCredentials(
            json,
            tokenMember: "Token",
            origin: Self.origin,
            at: place
        )
    }

    /// As IAM has them.
    private static func isRoleName(_ name: String) -> Bool {
        name.utf8.count <= 64
            && name.isAlphanumeric(or: "_+=,.@-")
    }

    private func token() async throws(SourceError) -> Secret {
        let url = "\(try base())/latest/api/token"
        let request = HTTPRequest(
            "PUT",
            url,
            headers: [HTTPHeader("\(Self.tokenHeader)-ttl-seconds", "300")],
            trust: context.trust,
            connectTimeout: ConnectTimeout.near
        )
        let response: HTTPResponse
        do throws(SourceError) {
            response = try await context.ask(request, limit: Self.tokenLimit)
        } catch {
            guard error.isUnanswered, await answersOthers() else { throw error }
            throw hopLimit(request.place)
        }
        guard response.status == 200 else { throw refusal(response, at: request.place) }
        let token = response.body.text.trimmed
        guard !token.isEmpty, token.utf8.isVisibleASCII else {
            throw SourceError(
                .noSource,
                "the reply is not a token, so this is not EC2",
                at: request.place,
                hint: "another program answers in the metadata service's place: unset"
                    + " AWS_EC2_METADATA_SERVICE_ENDPOINT, or see what serves 169.254.169.254",
                isAbsent: true
            )
        }
        return Secret(token)
    }

    /// Whether a request without a token is answered, with a refusal or, where a token is optional, with
    /// what was asked for: the service is there, and what it answers to the one for a token gets lost on
    /// the way.
    private func answersOthers() async -> Bool {
        do throws(SourceError) {
            return [200, 401].contains(try await get(Self.credentials, with: nil).status)
        } catch {
            return false
        }
    }

    private func hopLimit(_ place: String) -> SourceError {
        SourceError(
            .misconfigured,
            "no answer, though the service answers other requests",
            at: place,
            hint: "the answer may travel one hop and a container's network is another: raise the"
                + " instance's HttpPutResponseHopLimit to 2, or use the host's network"
        )
    }

    private func refusal(_ response: HTTPResponse, at place: String) -> SourceError {
        var error = SourceError(
            .noSource,
            "status \(response.status)\(response.note)",
            at: place,
            retryAfter: context.retryAfter(response)
        )
        switch response.status {
        case let status where isPassing(status):
            error.class = status == 429 ? .throttled : .transient
            error.retry = .growing(from: 1)
        case 403:
            error.hint =
                "the instance's metadata service is turned off (HttpEndpoint is disabled): turn it on, aws ec2"
                + " modify-instance-metadata-options --instance-id ID --http-endpoint enabled"
                + " --http-put-response-hop-limit 2"
        default: error.isAbsent = true
        }
        return error
    }

    private func get(_ path: String, with token: Secret?) async throws(SourceError) -> HTTPResponse
    {
        try await context.ask(
            HTTPRequest(
                "GET",
                "\(try base())\(path)",
                headers: token.map { [HTTPHeader(Self.tokenHeader, value: $0)] } ?? [],
                trust: context.trust,
                connectTimeout: ConnectTimeout.near
            ),
            limit: Self.limit
        )
    }

    private func check(_ response: HTTPResponse, _ path: String) throws(SourceError) {
        if response.status == 200 { return }
        if response.status == 404 { throw noRole("status 404") }
        var error = refusal(response, at: "GET \(try base())\(path)")
        // It gave a token, so it is there.
        error.isAbsent = false
        error.isStale = response.status == 401
        throw error
    }

    private func noRole(_ finding: String) -> SourceError {
        SourceError(
            .noSource,
            "instance metadata: the instance has no role (\(finding))",
            hint:
                "attach an instance profile to it: aws ec2 associate-iam-instance-profile --instance-id ID"
                + " --iam-instance-profile Name=NAME"
        )
    }

    private func base() throws(SourceError) -> String {
        let variable = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
        if let endpoint = try context.override(
            variable,
            scheme: "http://",
            plainHTTP: .metadata
        ) {
            return endpoint.url
        }
        if let value = profile["ec2_metadata_service_endpoint"] {
            do throws(EndpointError) {
                return try Endpoint(
                    value.contains("://") ? value : "http://" + value,
                    plainHTTP: .metadata
                ).url
            } catch {
                throw SourceError(
                    .misconfigured,
                    "ec2_metadata_service_endpoint of the profile \(error.reason)",
                    hint: "remove that line from the profile: the usual address is asked then"
                )
            }
        }
        let mode =
            context.variable("\(variable)_MODE") ?? profile["ec2_metadata_service_endpoint_mode"]
        let isSix =
            mode.map { $0.lowercased() == "ipv6" }
            ?? (context.variable("AWS_IMDS_USE_IPV6")?.lowercased() == "true")
        return isSix ? "http://[fd00:ec2::254]" : "http://169.254.169.254"
    }
}
