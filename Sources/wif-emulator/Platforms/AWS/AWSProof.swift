import Federation
import Kernel
import Serving
import Text

/// Why a proof of AWS's is none.
struct ProofError: Error {
    let reason: String
}

extension AWSRequest {
    /// The signed `GetCallerIdentity` in a proof, for the service to send.
    /// - Throws: ``ProofError`` where it is no such request, or its host is not one of STS's.
    init(provenBy proof: String) throws(ProofError) {
        let broken = ProofError(reason: "the token is not a signed AWS request")
        let json: JSON
        do throws(JSONError) {
            json = try JSON(parsing: Array(proof.utf8))
        } catch {
            throw broken
        }
        guard let url = json["url"]?.string, url.hasPrefix("https://"),
            let method = json["method"]?.string, let headers = json["headers"]?.array
        else { throw broken }
        let rest = url.dropFirst("https://".count)
        let host = rest.prefix { $0 != "/" && $0 != "?" }
        guard Self.isSTS(host) else {
            throw ProofError(reason: "the URL's host is not AWS's token service")
        }
        let target = rest.dropFirst(host.count)
        let form = target.hasPrefix("/?") ? target.dropFirst(2) : target.dropFirst()
        guard target.hasPrefix("/?") || target.hasPrefix("?"), let query = formFields(form),
            query["Action"] == "GetCallerIdentity", query.count == 2, method == "POST"
        else { throw ProofError(reason: "the request is not GetCallerIdentity") }
        var fields: [HTTPField] = []
        for header in headers {
            guard let name = header["key"]?.string, let value = header["value"]?.string else {
                throw broken
            }
            fields.append(HTTPField(name.lowercased(), value))
        }
        guard fields["host"] == String(host) else {
            throw ProofError(reason: "the header host is not the URL's")
        }
        self.init(method: method, host: String(host), query: query, headers: fields, body: [])
    }

    /// `sts.amazonaws.com` and `sts.REGION.amazonaws.com`, nothing else.
    private static func isSTS(_ host: some StringProtocol) -> Bool {
        if host == "sts.amazonaws.com" { return true }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        return labels.count == 4 && labels[0] == "sts" && labels[2] == "amazonaws"
            && labels[3] == "com" && labels[1].contains("-")
            && labels[1].isAlphanumeric(or: "-")
    }
}
