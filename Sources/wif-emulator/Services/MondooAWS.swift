import Federation
import Serving

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

extension MondooTrust {
    /// Why the AWS identity is not accepted; `nil` if it is. A subject may end in `/*`.
    func objection(to caller: AWSAccount.Caller) -> MondooError? {
        let isSubject =
            subject.hasSuffix("/*")
            ? caller.arn.hasPrefix(subject.dropLast()) && caller.arn.count >= subject.count
            : caller.arn == subject
        guard isSubject else {
            return MondooError(.permissionDenied, "the ARN is not the one trusted")
        }
        let claims = [
            "aws_claims.arn": caller.arn, "aws_claims.userid": caller.userID,
            "aws_claims.account": AWSAccount.number,
        ]
        for (key, value) in mappings.sorted(by: { $0.key < $1.key }) where claims[key] != value {
            return MondooError(.permissionDenied, "the claim mapping \(key) does not match")
        }
        return nil
    }
}

extension World {
    /// Trust in the identities of the AWS account that is played.
    var amazonTrusts: [MondooTrust] {
        guard options.platforms.contains(.aws) else { return [] }
        let number = AWSAccount.number
        let subjects = [
            (Mondoo.amazonIssuer, "arn:aws:sts::\(number):assumed-role/workload/*"),
            (Mondoo.amazonIssuer, "arn:aws:iam::\(number):user/workload"),
            (issuer(named: "aws")?.url ?? "", "arn:aws:iam::\(number):role/workload"),
        ]
        return subjects.map { issuer, subject in
            MondooTrust(issuer: issuer, subject: subject, scope: options.scope)
        }
    }
}
