import Federation
import Serving

/// Why an OAuth endpoint says no. RFC 6749 section 5.2
struct OAuthRefusal: Error, Equatable {
    let code: String
    let text: String
    var status = 400

    init(_ code: String, _ text: String, status: Int = 400) {
        (self.code, self.text, self.status) = (code, text, status)
    }

    var response: HTTPServerResponse {
        var response = HTTPServerResponse.oauthError(status, code, text)
        response.headers.append(HTTPField("Cache-Control", "no-store"))
        return response
    }
}
