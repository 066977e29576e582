import Federation
import Serving

/// Why an OAuth endpoint says no. RFC 6749 section 5.2
struct OAuthRefusal: Error, Equatable {
    let code: String
    let text: String
    var status = 400
    /// Whether the token is for another audience.
    var isOfAudience = false

    init(_ code: String, _ text: String, status: Int = 400) {
        (self.code, self.text, self.status) = (code, text, status)
    }

    var response: HTTPServerResponse {
        var response = HTTPServerResponse.oauthError(status, code, text)
        response.headers.append(HTTPField("Cache-Control", "no-store"))
        return response
    }
}

/// A part whose refusals are those of OAuth.
protocol OAuthRole: Role {
    /// The reply to a request that it owns.
    func reply(to request: HTTPServerRequest) throws(OAuthRefusal) -> HTTPServerResponse
}

extension OAuthRole {
    func answer(_ request: HTTPServerRequest) -> HTTPServerResponse {
        do throws(OAuthRefusal) { return try reply(to: request) } catch { return error.response }
    }
}
