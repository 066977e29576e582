import Text

extension PlatformFacts {
    /// A job of GitHub Actions, by the token service that its variables name.
    static let github = PlatformFacts(
        signs: [
            .value("GITHUB_ACTIONS", "true"),
            .variables(["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"]),
        ],
        automatic: .always(),
        parse: { _ in .github },
        otherWords: ["githubactions", "actions", "gha", "githuboidc"],
        remark: { forkedRequest($0) ?? strippedJob($0) },
        issuers: KnownIssuers(of: "GitHub", "token.actions.githubusercontent.com"),
        otherTokens: OtherTokens(
            marks: ["ghs_", "ghp_", "gho_", "ghu_", "github_pat_"],
            text: "it is a token for GitHub's API (GITHUB_TOKEN), not an OIDC token",
            hint: "use provider github, and permissions: id-token: write in the workflow"
        ),
        template: (
            "${{",
            "GitHub Actions replaces ${{ }} in the workflow's file alone, and not in scripts or files that"
                + " it calls"
        ),
        tokens: TokenFacts(
            name: "GitHub Actions",
            // Those of GitHub Enterprise have hosts of their own.
            areIts: { issuer, _ in
                issuer.host.hasPrefix("token.actions.") || issuer.text.hasSuffix("/_services/token")
            },
            identityRemark: { claims in
                let subject = claims["sub"]?.string ?? ""
                if let mark = subject.firstRange(of: ":ref:refs/tags/") {
                    let tag = String(subject[mark.upperBound...]).printable
                    return
                        "this run is for the tag \(tag), and not for a branch; each tag has a subject of its own: with"
                        + " environment: NAME in the job all have repo:OWNER/NAME:environment:NAME"
                }
                if subject.hasSuffix(":pull_request") {
                    return "this run is for a pull request, whose subject names no branch"
                }
                return subject.contains(":environment:")
                    ? "the job has environment:, so that its subject names that and no branch" : nil
            },
            claims: [["repository"], ["environment"], ["ref"], ["repository_id"]],
            advice: "organisation, repository, ref and environment are compared"
        )
    )
}

/// The subject of a GitHub Actions token, or the beginning of one, in either of its forms:
/// `repo:OWNER/NAME:…` and, with ids that a rename does not change, `repo:OWNER@ID/NAME@ID:…`, the
/// default of repositories created, renamed or moved after 2026-07-15. GitHub's OpenID Connect reference
package struct GitHubSubject: Equatable, Sendable {
    /// Whether owner and repository bear their ids.
    package let isImmutable: Bool
    /// The same without ids.
    package let plain: String

    /// `nil` for what is no subject of GitHub's.
    package init?(_ text: String) {
        guard text.hasPrefix("repo:") else { return nil }
        let rest = text.dropFirst("repo:".count)
        let repository = rest.prefix { $0 != ":" }
        let names = repository.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(names.count), names[0].isEmpty == false else { return nil }
        let pairs = names.map { Self.withoutID($0) }
        isImmutable = pairs[0].hasID
        plain =
            "repo:" + pairs.map(\.name).joined(separator: "/") + rest.dropFirst(repository.count)
    }

    private static func withoutID(_ name: Substring) -> (name: Substring, hasID: Bool) {
        guard let mark = name.lastIndex(of: "@") else { return (name, false) }
        let digits = name[name.index(after: mark)...]
        guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && $0.isNumber }) else {
            return (name, false)
        }
        return (name[..<mark], true)
    }

    /// What to say of a refusal for the subject, of a token whose subject is in the immutable form; `nil`
    /// for any other.
    ///
    /// - Parameter claims: the token's.
    static func refusalNote(_ claims: JSON) -> String? {
        guard let subject = claims["sub"]?.string.flatMap(GitHubSubject.init), subject.isImmutable
        else { return nil }
        let id = claims["repository_id"]?.string?.printable ?? "ID"
        return "the sub is in GitHub's immutable form, which a trust written as"
            + " \(subject.plain.printable) does not take; repository_id, \(id), is the same in both forms"
    }

    /// The form in words.
    package var form: String {
        isImmutable
            ? "GitHub's immutable form, with ids (repo:OWNER@ID/NAME@ID:…)"
            : "GitHub's form without ids (repo:OWNER/NAME:…)"
    }

    /// Which of the two forms a token's subject has, in words; `nil` for a token of another issuer.
    package static func form(of claims: TokenClaims) -> String? {
        guard TokenPlatform.ofIssuer(claims.issuer ?? "") == .github else { return nil }
        return claims.subject.flatMap(GitHubSubject.init)?.form
    }

    /// What to say where a trust has one form and the token the other; `nil` where that is not so.
    package static func difference(trusted: String, token: String?) -> String? {
        guard let token, let trusted = GitHubSubject(trusted), let found = GitHubSubject(token),
            trusted.isImmutable != found.isImmutable
        else { return nil }
        return "the token's sub is in \(found.form), the trusted one in \(trusted.form)"
    }
}

extension PlatformFacts {
    /// A job whose variables did not come as far as this program.
    fileprivate static func strippedJob(_ place: SourcePlace) -> (text: String, hint: String)? {
        let names = ["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"]
        guard let found = place.underSudo(names) else {
            let isContainer = ["/.dockerenv", "/run/.containerenv"].contains(where: place.isThere)
            let isMissing = names.allSatisfy { place.environment[$0] == nil }
            guard isMissing, isContainer, place.environment["GITHUB_ACTIONS"] == nil else {
                return nil
            }
            return (
                "this is a container, into which no variable of a job came",
                "hand them into the container: docker run \(names.map { "-e \($0)" }.joined(separator: " ")) ..., in a job"
                    + " with permissions: id-token: write"
            )
        }
        return (
            found.text,
            "\(found.hint); if they are missing without sudo, too, the job needs permissions: id-token: write"
        )
    }

    /// A pull request from a fork, by the event that GitHub has written down for the job.
    fileprivate static func forkedRequest(_ place: SourcePlace) -> (text: String, hint: String)? {
        guard place.environment["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] == nil,
            let text = place.environment["GITHUB_EVENT_PATH"].flatMap(place.text)
        else { return nil }
        let request: JSON?
        do throws(JSONError) {
            request = try JSON(parsing: text.utf8)["pull_request"]
        } catch {
            return nil
        }
        let head = request?["head"]?["repo"]?["full_name"]?.string
        let base =
            request?["base"]?["repo"]?["full_name"]?.string
            ?? place.environment["GITHUB_REPOSITORY"]
        let isFork = request?["head"]?["repo"]?["fork"]?.bool == true
        guard request != nil, isFork || (head != nil && base != nil && head != base) else {
            return nil
        }
        return (
            "the job is for a pull request from a fork, \((head ?? "another repository").printable)",
            "GitHub gives no identity token to jobs of pull requests from forks, whatever the permissions are: run"
                + " this on push or schedule in the own repository, or after the merge; pull_request_target has tokens,"
                + " and must not run the fork's code"
        )
    }
}
