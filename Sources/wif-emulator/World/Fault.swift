import Federation
import Serving

/// Something that goes wrong on purpose.
struct Fault: Equatable, Sendable {
    /// Where an answer breaks off.
    enum Drop: String, CaseIterable, Sendable {
        case beforeHeaders = "before-headers"
        case afterHeaders = "after-headers"
        case midBody = "mid-body"
    }

    /// What requests it happens to: all of those that fit every condition given.
    struct Match: Equatable, Sendable {
        var path: String?
        var method: String?
        var host: String?
        var role: String?
    }

    var match = Match()
    /// The status; without one (and without `redirect` and `grpc`) the real answer is changed.
    var status: Int?
    /// The body instead of the real one.
    var body: [UInt8]?
    /// Headers set, or (`nil`) taken away.
    var headers: [String: String?] = [:]
    /// Seconds before the answer.
    var delay: Double = 0
    var drop: Drop?
    /// Seconds between the bytes of the body.
    var drip: Double?
    /// Whether the body never ends.
    var isEndless = false
    /// The body is filled up with spaces to so many bytes.
    var size: Int?
    /// Where to redirect to (302 unless `status` is set).
    var redirect: String?
    /// A gRPC code to fail with, as Mondoo does.
    var grpc: Int?
    /// How many requests it happens to; all of them where this is `nil`.
    var times: Int?
    /// How many fitting requests pass before it happens.
    var skip = 0

    func applies(to request: HTTPServerRequest, role: String?) -> Bool {
        request.path.hasPrefix(match.path ?? "")
            && match.method ?? request.method == request.method
            && match.host ?? request.header("host") == request.header("host")
            && match.role ?? role == role
    }
}
