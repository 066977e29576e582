import Federation
import Text

/// AWS's side of Mondoo's exchange: it executes the signed request that it is given.
extension Mondoo {
    /// The `issuer_uri` that stands for AWS.
    static let amazonIssuer = "https://sts.amazonaws.com"

    /// Who signed the request in the proof.
    /// - Throws: where it is no such request, where its host is not one of STS's, and what STS says of it.
    func caller(provenBy proof: String) throws(MondooError) -> AWSAccount.Caller {
        let request: AWSRequest
        do throws(ProofError) {
            request = try AWSRequest(provenBy: proof)
        } catch {
            throw MondooError(.invalidArgument, error.reason)
        }
        do throws(STSError) {
            return try world.sts.callerIdentity(request, in: world)
        } catch {
            throw MondooError(
                .unauthenticated,
                "AWS refused the request: \(error.code): \(error.message)"
            )
        }
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
