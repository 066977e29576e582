import Federation
import Serving
internal import Text

/// AWS's side of Mondoo's exchange: it executes the signed request that it is given.
extension Mondoo {
    /// The `issuer_uri` that stands for AWS.
    static let amazonIssuer = "https://sts.amazonaws.com"

    /// Who signed the request in the proof.
    /// - Throws: where it is no such request, where its host is not one of STS's, and what STS says of it.
    func caller(provenBy proof: String) throws(MondooError) -> AWSAccount.Caller {
        let request = try self.request(in: proof)
        do throws(STSError) {
            return try world.sts.callerIdentity(request, in: world)
        } catch {
            throw MondooError(
                .unauthenticated,
                "AWS refused the request: \(error.code): \(error.message)"
            )
        }
    }

    private func request(in proof: String) throws(MondooError) -> AWSRequest {
        let broken = MondooError(.invalidArgument, "jwt_token is no signed AWS request")
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
        let host = rest.prefix { $0 != "/" }
        guard isSTS(host) else {
            throw MondooError(.invalidArgument, "the URL's host is not AWS's token service")
        }
        let target = rest.dropFirst(host.count)
        guard target.hasPrefix("/?"), let query = formFields(target.dropFirst(2)),
            query["Action"] == "GetCallerIdentity", query.count == 2, method == "POST"
        else { throw MondooError(.invalidArgument, "the request is not GetCallerIdentity") }
        var fields: [HTTPField] = []
        for header in headers {
            guard let name = header["key"]?.string, let value = header["value"]?.string else {
                throw broken
            }
            fields.append(HTTPField(name.lowercased(), value))
        }
        guard fields["host"] == String(host) else {
            throw MondooError(.invalidArgument, "the header host is not the URL's")
        }
        return AWSRequest(
            method: method,
            host: String(host),
            query: query,
            headers: fields,
            body: []
        )
    }

    /// `sts.amazonaws.com` and `sts.REGION.amazonaws.com`, nothing else.
    private func isSTS(_ host: some StringProtocol) -> Bool {
        if host == "sts.amazonaws.com" { return true }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        return labels.count == 4 && labels[0] == "sts" && labels[2] == "amazonaws"
            && labels[3] == "com" && labels[1].contains("-")
            && labels[1].allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
    }
}

extension AWSAccount.Caller {
    /// What AWS answers to GetCallerIdentity.
    var claims: JSON {
        [
            "Account": .string(AWSAccount.number), "Arn": .string(arn),
            "UserId": .string(userID),
        ]
    }
}
