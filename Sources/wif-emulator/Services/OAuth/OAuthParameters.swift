import Federation
import Kernel
import Serving
import Text

/// The parameters of a request to an OAuth endpoint, from a form or, where it is taken, JSON.
struct OAuthParameters {
    private let fields: [HTTPField]

    static let form = "application/x-www-form-urlencoded"

    init(of request: HTTPServerRequest, takesJSON: Bool) throws(OAuthRefusal) {
        guard request.method == "POST" else {
            throw OAuthRefusal("invalid_request", "POST is expected", status: 405)
        }
        switch request.mediaType {
        case Self.form:
            let text = String(decoding: request.body, as: UTF8.self)
            guard let fields = formFields(text) else {
                throw OAuthRefusal("invalid_request", "the form is badly encoded")
            }
            self.fields = fields
        case "application/json" where takesJSON: fields = try Self.fields(ofJSON: request.body)
        default:
            let types = takesJSON ? "\(Self.form) or application/json" : Self.form
            throw OAuthRefusal("invalid_request", "the body must be \(types)", status: 415)
        }
    }

    private static func fields(ofJSON body: [UInt8]) throws(OAuthRefusal) -> [HTTPField] {
        let json: JSON
        do throws(JSONError) {
            json = try JSON(parsing: body)
        } catch {
            throw OAuthRefusal("invalid_request", "the body is not JSON")
        }
        guard let members = json.object else {
            throw OAuthRefusal("invalid_request", "the body is not a JSON object")
        }
        return members.flatMap { name, value in
            (value.array ?? [value]).compactMap { $0.string.map { HTTPField(name, $0) } }
        }
    }

    /// The parameter, if it is there once; empty counts as absent. RFC 6749 section 3.2
    func optional(_ name: String) throws(OAuthRefusal) -> String? {
        let values = all(name)
        guard values.count <= 1 else {
            throw OAuthRefusal("invalid_request", "\(name) is there more than once")
        }
        return values.first
    }

    func required(_ name: String) throws(OAuthRefusal) -> String {
        guard let value = try optional(name) else {
            throw OAuthRefusal("invalid_request", "\(name) is missing")
        }
        return value
    }

    /// Of one that may be repeated.
    func all(_ name: String) -> [String] {
        fields.filter { $0.name == name && !$0.value.isEmpty }.map(\.value)
    }

    /// The subject token of an exchange of RFC 8693, of whatever type.
    func exchanged() throws(OAuthRefusal) -> String {
        guard try required("grant_type") == "urn:ietf:params:oauth:grant-type:token-exchange" else {
            throw OAuthRefusal("unsupported_grant_type", "only the token exchange is served here")
        }
        return try required("subject_token")
    }

    /// The subject token of an exchange of RFC 8693, its type one of these.
    func subjectToken(ofTypes types: [String]) throws(OAuthRefusal) -> String {
        let token = try exchanged()
        let type = try required("subject_token_type")
        let known = types.map { "urn:ietf:params:oauth:token-type:\($0)" }
        guard known.contains(type) else {
            throw OAuthRefusal(
                "invalid_request",
                "subject_token_type must be \(known.joined(separator: " or "))"
            )
        }
        return token
    }
}
