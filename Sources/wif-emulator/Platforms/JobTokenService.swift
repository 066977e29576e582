import Crypto
import Federation
import Serving
import Text

/// The service that gives a CI system's job its token for a secret that the job's variables hold.
struct JobTokenService: Role {
    /// What is told apart from one system to the next.
    struct Rules: Sendable {
        let platform: TokenPlatform
        /// Below which it answers.
        let path: String
        let method: String
        /// The variables of a job, given the service's address and the secret.
        let environment: @Sendable (_ url: String, _ secret: String) -> [Variable]
        /// The secret as a request has it.
        let proof: @Sendable (HTTPServerRequest) -> String?
        /// The answer where that is missing or wrong; a message where it is `nil`.
        var refusal: @Sendable (HTTPServerRequest) -> HTTPServerResponse? = { _ in nil }
        /// The answer to a request that has it.
        let answer: @Sendable (HTTPServerRequest, World) throws(CryptoError) -> HTTPServerResponse
    }

    let rules: Rules
    let world: World
    let secret: String

    var environment: [Variable] { rules.environment(world.url(of: rules.platform), secret) }

    func owns(_ request: HTTPServerRequest) -> Bool { request.path.hasPrefix(rules.path) }

    func answer(_ request: HTTPServerRequest) throws(CryptoError) -> HTTPServerResponse {
        guard request.method == rules.method else {
            return .message(405, "only \(rules.method) is allowed")
        }
        guard rules.proof(request) == secret else {
            return rules.refusal(request)
                ?? .message(401, "the job's request token is missing or wrong")
        }
        return try rules.answer(request, world)
    }
}

extension Part {
    /// A CI system that is this service alone.
    static func service(_ rules: JobTokenService.Rules) -> Part {
        Part(of: rules.platform) { world in
            let secret = world.requestSecret(of: RoleName(rules.platform), bytes: 24)
            return JobTokenService(rules: rules, world: world, secret: secret)
        }
    }
}
