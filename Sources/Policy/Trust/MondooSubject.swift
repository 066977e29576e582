import Federation
import Text

/// A Mondoo identity provider's subject held against a token's, or against the ARN that signed a
/// request, by what Mondoo's pages say for each kind of provider.
struct MondooSubject {
    let wanted: String
    /// A JWT's, or GetCallerIdentity's answer.
    let claims: JSON
    let isARN: Bool

    var clause: Clause {
        let name = isARN ? "the ARN" : "sub"
        guard let found else {
            return Clause("subject", .refused, "\(name) is absent, \(wanted.rendered) is trusted")
        }
        if found.isSame(as: wanted) { return Clause("subject", .accepted, found.rendered) }
        if isSessionOfRole(found) { return Clause("subject", .accepted, found.rendered) }
        let detail = "\(name) is \(found.rendered), \(wanted.rendered) is trusted"
        if let why = openQuestion(found) {
            return Clause("subject", .cannotBeTold(why: why), detail, hint: openHint(found))
        }
        if let difference = GitHubSubject.difference(trusted: wanted, token: found) {
            return Clause(
                "subject",
                .refused,
                "\(detail): \(difference)",
                hint: "write the subject as the token has it; \(repositoryMapping) pins the"
                    + " repository in both forms"
            )
        }
        return Clause("subject", .refused, detail + note(found), hint: advice(found))
    }

    private func note(_ found: String) -> String {
        found.lowercased() == wanted.lowercased() ? ": they differ in capital letters alone" : ""
    }

    /// What to write in place of a subject that is another.
    private func advice(_ found: String) -> String {
        let isEmail = wanted.contains("@") && !wanted.contains(":")
        if isEmail, !found.contains("@") {
            return
                "write the subject as \(found.printable), the unique id: the e-mail address is not what"
                + " sub holds"
        }
        if found.contains(":environment:"), wanted.contains(":ref:") {
            return
                "a job with an environment has it in its sub in place of the ref: write the subject as"
                + " \(found.printable), or leave environment: out of the job"
        }
        if found.hasSuffix(":pull_request"), wanted.contains(":ref:") {
            return
                "a pull request's sub names no branch: to let pull requests in, write the subject as"
                + " \(found.printable), which each of the repository has"
        }
        return roleHint(found)
            ?? "if this workload is meant, write the provider's subject as \(found.printable)"
    }

    private var found: String? {
        isARN ? callerIdentity("arn", in: claims)?.string : claims["sub"]?.string
    }

    private var isSessionPattern: Bool {
        isARN && wanted.hasSuffix("/*") && wanted.contains(":assumed-role/")
            && wanted.count(where: { $0 == "/" }) == 2 && !wanted.dropLast().contains("*")
    }

    /// `arn:aws:sts::ACCOUNT:assumed-role/ROLE/*` stands for any session of that role.
    private func isSessionOfRole(_ found: String) -> Bool {
        guard isSessionPattern else { return false }
        let stem = wanted.dropLast()
        return found.utf8.starts(with: stem.utf8) && found.utf8.count > stem.utf8.count
    }

    /// What the pages leave open about this pair; `nil` where they do not.
    private func openQuestion(_ found: String) -> String? {
        if wanted.trimmed.isSame(as: found) {
            return
                "the trust's subject has a space before or after it, and Mondoo's pages do not say whether"
                + " it counts"
        }
        if wanted.contains("*"), !isSessionPattern, matchesStars(found) {
            return "Mondoo's pages have a * for the sessions of an AWS role alone"
        }
        if isARN { return nil }
        let issuer = TokenFacts.of(claims)
        if issuer.isAzure, audiences(claims).contains(where: { $0.isSame(as: wanted) }) {
            return "Mondoo's page for Azure has the Application ID URI as the subject, which this"
                + " token has as its aud; which claim is compared is not said"
        }
        if issuer.isGitHub, let repository = claims["repository"]?.string,
            [repository, "repo:\(repository)"].contains(where: { $0.isSame(as: wanted) })
        {
            return
                "Mondoo's page for GitHub has the organization and repository as the subject; how"
                + " that is compared with the sub is not said"
        }
        return nil
    }

    private func openHint(_ found: String) -> String {
        wanted.trimmed.isSame(as: found)
            ? "remove the space from the trust's subject"
            : "the token's own sub, \(found.rendered), is accepted in any case"
    }

    private func roleHint(_ found: String) -> String? {
        let parts = found.split(separator: "/", omittingEmptySubsequences: false)
        guard isARN, found.contains(":assumed-role/"), parts.count == 3 else { return nil }
        return "if this role is meant, write the subject as its sessions:"
            + " \(parts[0].description.printable)/\(parts[1].description.printable)/*"
    }

    private var repositoryMapping: String {
        "jwt_claims.repository_id = \(claims["repository_id"]?.string?.printable ?? "ID")"
    }

    private func matchesStars(_ found: String) -> Bool {
        let parts = wanted.split(separator: "*", omittingEmptySubsequences: false)
        guard found.hasPrefix(parts[0]) else { return false }
        var rest = found.dropFirst(parts[0].count)
        for part in parts.dropFirst().dropLast() where !part.isEmpty {
            guard let range = rest.firstRange(of: part) else { return false }
            rest = rest[range.upperBound...]
        }
        return rest.hasSuffix(parts[parts.count - 1])
    }
}

/// A token's `aud`, a string or a list of them.
func audiences(_ claims: JSON) -> [String] {
    switch claims["aud"] {
    case .string(let audience): [audience]
    case .array(let audiences): audiences.compactMap(\.string)
    default: []
    }
}
