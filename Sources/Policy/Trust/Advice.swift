import Federation
package import Text

/// What to enter at a service so that it takes the workload that a sample token is of, and as little
/// else as can be: subject, repository, environment, ref, or their likes at other platforms.
package struct Advice: Equatable, Sendable {
    /// The token's `iss`, as the service's issuer field takes it; AWS's for a signed request.
    package let issuer: String?
    /// Who issued the token, in words.
    package let issuerName: String
    /// For ConductorOne and Bright; parses in their dialect and holds for the token.
    package let condition: String?
    /// For Mondoo's field of that name.
    package let subject: String?
    package let mappings: [ClaimMapping]
    /// Bright's form for the token's CI provider, filled in.
    package let preset: BrightPreset?
    /// What could not be had, and what to look at.
    package let remarks: [String]

    /// - Parameter claims: of a token of the workload, taken where it will run; for a signed AWS request
    ///   what GetCallerIdentity answers.
    package init(for service: TrustingService, claims: JSON) {
        let issuer = TokenFacts.of(claims)
        switch service.dialect {
        case nil where callerIdentity("arn", in: claims) != nil && claims["iss"] == nil:
            self.init(callerIdentity: claims)
        case nil: self.init(mondoo: claims, issuer)
        case .some(let dialect): self.init(condition: dialect, claims, issuer)
        }
    }

    private init(
        issuer: String?,
        issuerName: String,
        condition: String? = nil,
        subject: String? = nil,
        mappings: [ClaimMapping] = [],
        preset: BrightPreset? = nil,
        remarks: [String]
    ) {
        self.issuer = issuer
        self.preset = preset
        self.issuerName = issuerName
        self.condition = condition
        self.subject = subject
        self.mappings = mappings
        self.remarks = remarks
    }

    /// For a JWT's claims.
    private init(
        of claims: JSON,
        condition: String? = nil,
        subject: String? = nil,
        mappings: [ClaimMapping] = [],
        preset: BrightPreset? = nil,
        remarks: [String]
    ) {
        self.init(
            issuer: claims["iss"]?.string,
            issuerName: TokenFacts.issuerName(claims),
            condition: condition,
            subject: subject,
            mappings: mappings,
            preset: preset,
            remarks: remarks + Self.general(claims)
        )
    }

    private init(callerIdentity claims: JSON) {
        let arn = callerIdentity("arn", in: claims)?.string ?? ""
        let parts = arn.split(separator: "/", omittingEmptySubsequences: false)
        let isSession = arn.contains(":assumed-role/") && parts.count == 3
        let account = callerIdentity("account", in: claims)?.string
        self.init(
            issuer: Trust.awsIssuer,
            issuerName: "AWS",
            subject: isSession ? "\(parts[0])/\(parts[1])/*" : arn,
            mappings: Self.mapping("aws_claims.account", account),
            remarks: isSession
                ? ["session names change with each call, hence /* at the end of the subject"] : []
        )
    }

    private init(mondoo claims: JSON, _ issuer: TokenFacts) {
        var remarks: [String] = []
        let subject = claims["sub"]?.string
        if subject == nil { remarks.append("the token has no sub, which Mondoo compares") }
        if let subject, !issuer.stableSubject(subject).isWhole {
            remarks.append(
                "the sub of \(issuer.name) changes from run to run, and Mondoo compares all of it: "
                    + "this subject fits this one run"
            )
        }
        var mappings: [ClaimMapping] = []
        for path in issuer.claims {
            guard let value = claims.value(at: path)?.string else { continue }
            mappings += Self.mapping("jwt_claims." + path.joined(separator: "/"), value)
        }
        mappings = mappings.filter { $0.outcome(claims: claims) == .matches }
        if mappings.isEmpty {
            remarks.append("no claim beside the subject says which workload this is")
        }
        if issuer.isAzure, let uri = audiences(claims).first {
            remarks.append(
                "Mondoo's page for Azure has the Application ID URI as the subject: this token's is"
                    + " its aud, \(uri.printable). Which of the two is compared is not said: try the sub"
                    + " first"
            )
        }
        self.init(of: claims, subject: subject, mappings: mappings, remarks: remarks)
    }

    /// None where the value is absent or empty.
    private static func mapping(_ key: String, _ value: String?) -> [ClaimMapping] {
        do throws(PolicyError) {
            return [try ClaimMapping(key: key, value: value ?? "")]
        } catch {
            return []
        }
    }

    private init(condition dialect: Dialect, _ claims: JSON, _ issuer: TokenFacts) {
        var remarks: [String] = []
        var terms: [String] = []
        let name = dialect == .bright ? "sub" : "claims.sub"
        if let subject = claims["sub"]?.string, !subject.isEmpty {
            let (text, isWhole) = issuer.stableSubject(subject)
            terms.append(
                isWhole ? "\(name) == \(quoted(text))" : "\(name).startsWith(\(quoted(text)))"
            )
            if !isWhole {
                remarks.append("the rest of the sub changes from run to run at \(issuer.name)")
            }
        } else {
            remarks.append("the token has no sub: ask its issuer for one, or pin what is unique")
        }
        let preset = dialect == .bright ? BrightPreset(for: claims) : nil
        for path in issuer.claims {
            guard let literal = claims.value(at: path).flatMap(Self.literal) else { continue }
            guard let operand = Self.operand(path, dialect) else {
                remarks.append(Self.unreachable(path, dialect, preset))
                continue
            }
            terms.append("\(operand) == \(literal)")
        }
        if terms.count < 2 {
            remarks.append("no claim beside the subject says which workload this is")
        }
        let (condition, left) = Self.fitting(terms, dialect)
        if left > 0 { remarks.append("\(left) more claims would exceed the length allowed") }
        self.init(of: claims, condition: condition, preset: preset, remarks: remarks)
    }

    private static func unreachable(
        _ path: [String],
        _ dialect: Dialect,
        _ preset: BrightPreset?
    ) -> String {
        let form = preset.map { "; Bright's form for \($0.provider.name) has a field for it" } ?? ""
        return
            "\(dialect.name)'s conditions have dot notation and no bracket access, and cannot reach"
            + " the claim \(path.joined(separator: " → ").printable)\(form)"
    }

    /// As many terms as the dialect has room for, and how many are left.
    private static func fitting(_ terms: [String], _ dialect: Dialect) -> (String?, Int) {
        var kept: [String] = []
        for term in terms {
            let text = (kept + [term]).joined(separator: " && ")
            guard text.utf8.count <= dialect.maximalLength else { break }
            kept.append(term)
        }
        let text = kept.joined(separator: " && ")
        do throws(PolicyError) {
            _ = try Expression(parsing: text, dialect: dialect)
            return (text, terms.count - kept.count)
        } catch {
            return (nil, terms.count)
        }
    }

    private static func literal(_ value: JSON) -> String? {
        switch value {
        case .string(let text): text.isEmpty ? nil : quoted(text)
        case .bool(let value): value ? "true" : "false"
        case .integer(let value): String(value)
        default: nil
        }
    }

    /// How a condition names a claim; `nil` where the dialect cannot.
    private static func operand(_ path: [String], _ dialect: Dialect) -> String? {
        var text = "claims"
        for name in path {
            if name.isFieldName {
                text += "." + name
            } else if dialect == .bright {
                return nil
            } else {
                text += "[\(quoted(name))]"
            }
        }
        return text
    }

    private static func general(_ claims: JSON) -> [String] {
        var remarks: [String] = []
        if claims["ref"]?.string?.hasPrefix("refs/pull/") == true {
            remarks.append(
                "this token is a pull request's: its ref is another for each, and others can open one"
            )
        }
        if let subject = claims["sub"]?.string.flatMap(GitHubSubject.init),
            TokenFacts.of(claims).isGitHub
        {
            remarks.append(
                "the sub is in \(subject.form)"
                    + (subject.isImmutable
                        ? ": a trust written for the other form does not take it"
                        : ", which changes when the repository is renamed, moved or created again;"
                            + " repository_id stays")
            )
        }
        return remarks
    }
}

extension String {
    /// Whether it can follow a dot.
    fileprivate var isFieldName: Bool {
        guard let first = utf8.first, first.isNameStart else { return false }
        return utf8.allSatisfy { $0.isNameStart || $0.isDigit }
            && !["in", "true", "false", "null"].contains(self)
    }
}
