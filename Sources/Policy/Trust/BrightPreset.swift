import Federation
package import Text

/// A Bright federated credential of one of the CI providers that its page has a form for. The fields
/// have the page's own titles.
package struct BrightPreset: Equatable, Sendable {
    /// The providers with a form.
    package enum Provider: String, Sendable, CaseIterable {
        case gitHub = "github"
        case gitLab = "gitlab"
        case bitbucket
        case circleCI = "circleci"

        /// As the page writes it.
        package var name: String {
            switch self {
            case .gitHub: "GitHub Actions"
            case .gitLab: "GitLab CI/CD"
            case .bitbucket: "Bitbucket Pipelines"
            case .circleCI: "CircleCI"
            }
        }
    }

    /// A field of a form, beside issuer and audiences.
    struct Field: Sendable {
        let title: String
        let isOptional: Bool
        /// Whether only the second of CircleCI's two tokens has it.
        let isOfSecondToken: Bool
        /// What a token has for it; `nil` where the claim is absent.
        let value: @Sendable (JSON) -> String?
        /// What else stands for the token's value.
        let alternatives: @Sendable (String) -> [String]

        init(
            _ title: String,
            isOptional: Bool = false,
            isOfSecondToken: Bool = false,
            _ value: @escaping @Sendable (JSON) -> String?,
            or alternatives: @escaping @Sendable (String) -> [String] = { _ in [] }
        ) {
            (self.title, self.isOptional) = (title, isOptional)
            self.isOfSecondToken = isOfSecondToken
            (self.value, self.alternatives) = (value, alternatives)
        }
    }

    package let provider: Provider
    /// By title.
    package let fields: [String: String]

    /// - Throws: ``PolicyError`` for a title that the form does not have, and one that it requires and
    ///   that is absent or empty.
    package init(_ provider: Provider, _ fields: [String: String]) throws(PolicyError) {
        let form = Self.form(of: provider)
        for title in fields.keys.sorted() where !form.contains(where: { $0.title == title }) {
            throw PolicyError(
                "Bright's form for \(provider.name) has no field \(title.printable)",
                rule: "its fields are \(form.map(\.title).joined(separator: ", "))",
                hint: nearest(to: title, among: form.map(\.title)).map { "did you mean \($0)?" }
            )
        }
        for field in form where !field.isOptional {
            guard fields[field.title]?.trimmed.isEmpty == false else {
                throw PolicyError(
                    "Bright's form for \(provider.name) lacks \(field.title)",
                    rule: nil
                )
            }
        }
        (self.provider, self.fields) = (provider, fields)
    }

    /// The form filled in for a token; `nil` where its issuer has none, or a claim is missing.
    package init?(for claims: JSON) {
        let provider: Provider
        switch TokenFacts.of(claims).name {
        case "GitHub Actions": provider = .gitHub
        case "GitLab CI/CD": provider = .gitLab
        case "Bitbucket Pipelines": provider = .bitbucket
        case "CircleCI": provider = .circleCI
        default: return nil
        }
        var fields: [String: String] = [:]
        for field in Self.form(of: provider) {
            guard let value = field.value(claims), !value.isEmpty else { continue }
            // The page's own examples have a branch by its name.
            fields[field.title] = field.alternatives(value).first ?? value
        }
        do throws(PolicyError) { try self.init(provider, fields) } catch { return nil }
    }

    /// The provider whose form has a field of that title, in any case; `nil` where none has.
    package static func provider(ofField title: String) -> (provider: Provider, title: String)? {
        for provider in Provider.allCases {
            for field in form(of: provider) where field.title.lowercased() == title.lowercased() {
                return (provider, field.title)
            }
        }
        return nil
    }

    /// Title and value of the fields that are filled in, in the form's order.
    package var list: [(title: String, value: String)] {
        Self.form(of: provider).compactMap { field in fields[field.title].map { (field.title, $0) }
        }
    }

    /// What Bright will make of the claims, field by field.
    package func clauses(_ claims: JSON) -> [Clause] {
        Self.form(of: provider).compactMap { field in
            fields[field.title].map { clause(field, $0, claims) }
        }
    }

    private func clause(_ field: Field, _ wanted: String, _ claims: JSON) -> Clause {
        guard let found = field.value(claims) else {
            let hint =
                field.isOfSecondToken
                ? "use $CIRCLE_OIDC_TOKEN_V2: the first token has no VCS claims (Bright's page)"
                : field.isOptional
                    ? "leave the field empty, or have the job run where the platform states it"
                    : "choose the form of the token's own platform in Bright, or have a token of \(provider.name) made"
            return Clause(
                field.title,
                .refused,
                "the token has no claim for it, \(wanted.rendered) is wanted",
                hint: hint
            )
        }
        if found.isSame(as: wanted) { return Clause(field.title, .accepted, found.rendered) }
        if field.alternatives(found).contains(where: { $0.isSame(as: wanted) }) {
            return Clause(field.title, .accepted, "\(found.rendered), written \(wanted.rendered)")
        }
        let bare: (String) -> String = { $0.filter { !"{}".contains($0) }.lowercased() }
        let detail = "\(found.rendered) is there, \(wanted.rendered) is wanted"
        guard bare(found) == bare(wanted) else {
            let value = field.alternatives(found).first ?? found
            return Clause(
                field.title,
                .refused,
                detail,
                hint: "if this workload is meant, write \(field.title) = \(value.printable)"
            )
        }
        return Clause(
            field.title,
            .cannotBeTold(why: "Bright's page does not say whether case and braces count"),
            detail,
            hint: "write the value as the token has it"
        )
    }

    // MARK: The page's forms

    private static func form(of provider: Provider) -> [Field] {
        switch provider {
        case .gitHub: gitHub
        case .gitLab: gitLab
        case .bitbucket: bitbucket
        case .circleCI: circleCI
        }
    }

    private static func claim(_ name: String) -> @Sendable (JSON) -> String? {
        { $0[name]?.string }
    }

    /// "Allowed branch, tag, or ref, for example main."
    private static let shortRef: @Sendable (String) -> [String] = { ref in
        ["refs/heads/", "refs/tags/"].filter(ref.hasPrefix).map { String(ref.dropFirst($0.count)) }
    }

    private static let gitHub = [
        Field("Organization or user", claim("repository_owner")),
        Field("Repository") { claims in
            claims["repository"]?.string.map { repository in
                String(repository.split(separator: "/").last ?? "")
            }
        }, Field("Branch / Ref", claim("ref"), or: shortRef),
        Field("Environment name", isOptional: true, claim("environment")),
    ]
    private static let gitLab = [
        Field("Namespace / Project", claim("project_path")), Field("Ref type", claim("ref_type")),
        Field("Ref", claim("ref")),
    ]
    private static let bitbucket = [
        Field("Workspace UUID", claim("workspaceUuid")),
        Field("Repository UUID", claim("repositoryUuid")),
        Field(
            "Deployment environment UUID",
            isOptional: true,
            claim("deploymentEnvironmentUuid")
        ),
    ]
    private static let circleCI = [
        // "CircleCI organization issuer, for example https://oidc.circleci.com/org/<organization-id>."
        Field("Organization ID") { claims in
            claims["iss"]?.string.flatMap { issuer in
                let mark = "https://oidc.circleci.com/org/"
                return issuer.hasPrefix(mark) ? String(issuer.dropFirst(mark.count)) : nil
            }
        }, Field("Project ID", claim("oidc.circleci.com/project-id")),
        Field(
            "VCS origin",
            isOptional: true,
            isOfSecondToken: true,
            claim("oidc.circleci.com/vcs-origin")
        ),
        Field(
            "VCS ref",
            isOptional: true,
            isOfSecondToken: true,
            claim("oidc.circleci.com/vcs-ref")
        ),
    ]
}
