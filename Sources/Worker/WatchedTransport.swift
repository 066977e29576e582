import Federation
import HTTP
import Kernel
import Text

/// A job's network: what goes out and comes in is the same, and its secrets become known.
struct WatchedTransport: HTTPTransport {
    let network: any HTTPTransport
    let secrets: KnownSecrets

    func send(
        _ request: HTTPRequest,
        deadline: BootInstant
    ) async throws(HTTPError) -> HTTPResponse {
        for header in request.headers { secrets.add(header.value.text, named: header.name) }
        if case .proxied(let settings) = request.route { secrets.addProxy(settings.url ?? "") }
        if let body = request.body { note(body) }
        let response = try await network.send(request, deadline: deadline)
        for header in response.headers { secrets.add(header.value, named: header.name) }
        note(response.body)
        return response
    }

    func lookUp(_ name: String) async -> NameLookup { await network.lookUp(name) }

    var lacksNetwork: Bool { network.lacksNetwork }

    /// Of a JSON or XML document or a form, what its names say is secret; of a text the token that it is.
    private func note(_ body: Secret) {
        let text = body.text.trimmed
        switch text.first {
        case "{", "[": secrets.add(body)
        case "<": noteElements(of: text)
        default:
            guard text.contains("=") else { return secrets.add(text, named: "") }
            for pair in text.split(separator: "&").prefix(64) {
                let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
                if parts.count == 2 { secrets.add(percentDecoded(parts[1]), named: parts[0]) }
            }
        }
    }

    private func noteElements(of text: String) {
        for part in text.split(separator: "<").prefix(4096) {
            let parts = part.split(separator: ">", maxSplits: 1).map(String.init)
            if parts.count == 2, !parts[1].trimmed.isEmpty {
                secrets.add(parts[1].trimmed, named: parts[0])
            }
        }
    }
}
