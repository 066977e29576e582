import Federation
import Serving
import Text

extension HTTPServerResponse {
    /// One line of JSON.
    static func json(
        _ value: JSON,
        status: Int = 200,
        headers: [HTTPField] = []
    ) -> HTTPServerResponse {
        HTTPServerResponse(
            status: status,
            headers: [HTTPField("Content-Type", "application/json")] + headers,
            body: value.serialized()
        )
    }

    /// An error as most CI systems write it.
    static func message(_ status: Int, _ text: String) -> HTTPServerResponse {
        .json(["message": .string(text)], status: status)
    }

    /// An error as OAuth servers and Azure write it.
    static func oauthError(_ status: Int, _ error: String, _ text: String) -> HTTPServerResponse {
        .json(["error": .string(error), "error_description": .string(text)], status: status)
    }
}

extension HTTPServerRequest {
    /// The credentials of an `Authorization` header of that scheme (any case); `nil` without one.
    func authorization(_ scheme: String) -> String? {
        let parts = header("authorization")?.split(separator: " ", maxSplits: 1) ?? []
        guard parts.count == 2, parts[0].lowercased() == scheme else { return nil }
        return String(parts[1])
    }

    /// The media type of the body, in lower case and without parameters; empty without one.
    var mediaType: String {
        let type = header("content-type")?.split(separator: ";").first ?? ""
        return String(type).trimmed.lowercased()
    }
}
