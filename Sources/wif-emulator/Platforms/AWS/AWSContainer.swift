import AWSSignature
import Crypto
import Federation
import FoundationEssentials
import Kernel
import Serving
import Text

/// The endpoints where containers get their role's key: those of ECS and of EKS's Pod Identity.
struct AWSContainer: Role {
    private static let ecs = "/v2/credentials/5c0f8a4e-2b1d-4a7e-9f3c-6d2e1b0a9f8e"
    private static let eks = "/v1/credentials"

    let world: World
    let token: String

    var environment: [Variable] {
        guard world.options.awsCredentials == .container else { return [] }
        let base = world.url(of: .awsContainer)
        return [
            Variable("AWS_CONTAINER_CREDENTIALS_FULL_URI", base + Self.eks),
            Variable("AWS_CONTAINER_AUTHORIZATION_TOKEN", token),
        ]
    }

    func owns(_ request: HTTPServerRequest) -> Bool {
        request.path == Self.eks || request.path.hasPrefix("/v2/credentials/")
    }

    func answer(_ request: HTTPServerRequest) throws(CryptoError) -> HTTPServerResponse {
        guard request.method == "GET" else {
            return failure(405, "MethodNotAllowed", "only GET is allowed")
        }
        if request.path == Self.eks {
            guard request.header("authorization") == token else {
                return failure(401, "InvalidTokenException", "the token is missing or wrong")
            }
        } else if request.path != Self.ecs {
            return failure(404, "NoIdInRequest", "no credentials have this id")
        }
        let end = Double(world.clock.seconds + 6 * 3600)
        let (key, _) = world.sts.account.session(
            of: "workload",
            named: "task-0123456789",
            until: end
        )
        world.note(key, from: .awsContainer)
        return .json([
            "RoleArn": .string("arn:aws:iam::\(AWSAccount.number):role/workload"),
            "AccountId": .string(AWSAccount.number), "AccessKeyId": .string(key.id),
            "SecretAccessKey": .string(key.secret.text),
            "Token": .string(key.sessionToken?.text ?? ""),
            "Expiration": .string(rfc3339(WallTime(secondsSinceEpoch: end))),
        ])
    }

    private func failure(_ status: Int, _ code: String, _ text: String) -> HTTPServerResponse {
        .json(["code": .string(code), "message": .string(text)], status: status)
    }
}

extension World {
    /// A pod's token for EKS's Pod Identity, noted as handed out.
    func podIdentityToken() throws(CryptoError) -> String {
        let now = clock.seconds
        let token =
            try issuer(named: "custom")?.token(claims: [
                "sub": "system:serviceaccount:prod:app", "aud": "pods.eks.amazonaws.com",
                "iat": .integer(now), "exp": .integer(now + 86_400),
            ]) ?? ""
        note("authorization-token", from: RoleName.awsContainer.rawValue, token)
        return token
    }
}
