import Federation
import Kernel
import Serving
import Text

extension Part {
    static let token = Part(
        of: .token,
        accountFile: { _, _ in
            [
                "service": "token",
                "audience": .string(TokenReader.audience),
            ]
        },
        player: { TokenReader(world: $0) }
    )
}

/// A resource that takes the platforms' own tokens, made for it.
struct TokenReader: Role {
    static let audience = "https://reader.example"

    let world: World

    func owns(_ request: HTTPServerRequest) -> Bool { request.path == "/reader" }

    func answer(_ request: HTTPServerRequest) -> HTTPServerResponse {
        do throws(OAuthRefusal) {
            let claims = try world.verified(request.authorization("bearer") ?? "")
            guard world.names(Self.audience, in: claims) else {
                throw OAuthRefusal("invalid_token", "the token is for another audience")
            }
            return .json(["sub": .string(claims.subject ?? "")])
        } catch {
            return .oauthError(401, "invalid_token", error.text)
        }
    }
}
