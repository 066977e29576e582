import Federation

/// A gRPC status as Mondoo's framework answers it over HTTP.
struct MondooError: Error, Equatable {
    enum Code: Int, Sendable {
        case unknown = 2, invalidArgument = 3, notFound = 5, permissionDenied = 7
        case internalError = 13, unauthenticated = 16

        var status: Int {
            switch self {
            case .unknown, .internalError: 500
            case .invalidArgument: 400
            case .notFound: 404
            case .permissionDenied: 403
            case .unauthenticated: 401
            }
        }
    }

    let code: Code
    let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}

/// HTTP status of any gRPC code, for faults that name one.
func httpStatus(ofGRPC code: Int) -> Int {
    let statuses = [
        200, 408, 500, 400, 504, 404, 409, 403, 429, 412, 409, 400, 501, 500, 503, 500, 401,
    ]
    return statuses.indices.contains(code) ? statuses[code] : 500
}
