import Federation
package import Kernel
package import Text

extension Trust {
    /// What the service will make of a token with these claims, clause by clause; the signature and
    /// what is kept of the issuer's keys are left out. For AWS's signed requests the claims are what
    /// GetCallerIdentity answers.
    package func judge(claims: JSON, now: WallTime) -> [Clause] {
        switch terms {
        case .mondoo(let terms) where isCallerIdentity:
            return [MondooSubject(wanted: terms.subject, claims: claims, isARN: true).clause]
                + terms.mappings.map { Self.clause($0, claims) }
        case .mondoo(let terms):
            return [issuerClause(claims)]
                + Self.audienceClauses(terms.allowedAudiences, claims)
                + Self.timeClauses(
                    claims,
                    now,
                    secondsLeft: Int(ServiceName.mondoo.facts.minimumLeft)
                )
                + [MondooSubject(wanted: terms.subject, claims: claims, isARN: false).clause]
                + terms.mappings.map { Self.clause($0, claims) }
        case .conductorone(let terms):
            return [issuerClause(claims), Self.tenantClause(terms.tenant, claims)]
                + Self.timeClauses(claims, now, secondsLeft: 0)
                + [Self.ageClause(claims, now), Self.clause(terms.condition, claims)]
        case .bright(let terms):
            let policy =
                switch terms.policy {
                case .condition(let condition): [Self.clause(condition, claims)]
                case .preset(let preset): preset.clauses(claims)
                }
            return [issuerClause(claims)]
                + Self.audienceClauses(terms.allowedAudiences, claims)
                + Self.timeClauses(claims, now, secondsLeft: 0) + policy
        }
    }

    /// What Mondoo will make of a subject and of claim mappings alone, for claims of a JWT or of
    /// GetCallerIdentity's answer.
    static func mondooClauses(
        subject: String?,
        _ mappings: [ClaimMapping],
        claims: JSON
    ) -> [Clause] {
        let isARN = callerIdentity("arn", in: claims)?.string != nil && claims["iss"] == nil
        let subject = subject.map { MondooSubject(wanted: $0, claims: claims, isARN: isARN).clause }
        return (subject.map { [$0] } ?? [])
            + mappings.map { clause($0, claims) }
    }

    private func issuerClause(_ claims: JSON) -> Clause {
        guard let found = claims["iss"]?.string else {
            return Clause("issuer", .refused, "the token has no iss")
        }
        if found.isSame(as: issuer) { return Clause("issuer", .accepted, found.rendered) }
        let detail = "iss is \(found.rendered), \(issuer.rendered) is trusted"
        guard found.withoutSlash == issuer.withoutSlash else {
            return Clause(
                "issuer",
                .refused,
                detail,
                hint:
                    "if this token's issuer is meant, write the trust's issuer as \(found.printable)"
            )
        }
        if service == .mondoo, MondooService.isDocumentedPair(trusted: issuer, token: found) {
            let rule = "Mondoo's page for Azure has this issuer without the slash"
            return Clause("issuer", .accepted, "\(found.rendered); \(rule)")
        }
        return Clause(
            "issuer",
            service == .mondoo
                ? .cannotBeTold(why: "Mondoo's pages do not say whether a trailing slash counts")
                : .refused,
            detail + ": they differ by the trailing slash alone",
            hint: "write the issuer in the trust exactly as the token does, \(found.rendered)"
        )
    }

    private static func audienceClauses(_ allowed: [String], _ claims: JSON) -> [Clause] {
        if allowed.isEmpty { return [] }
        let found = audiences(claims)
        let shown = claims["aud"]?.rendered ?? "absent"
        if found.contains(where: { one in allowed.contains { $0.isSame(as: one) } }) {
            return [Clause("audience", .accepted, shown)]
        }
        let list = allowed.map(\.rendered).joined(separator: ", ")
        let near = found.first { one in
            allowed.contains { $0.withoutSlash == one.withoutSlash }
        }
        return [
            Clause(
                "audience",
                .refused,
                "aud is \(shown), \(list) \(allowed.count == 1 ? "is" : "are") allowed"
                    + (near == nil ? "" : ": they differ by the slash at the end alone"),
                hint: near.map { "write \($0.rendered) in the trust, as the token has it" }
                    ?? "ask the platform for a token with that audience (tokenAudience), or allow the"
                    + " token's in the trust"
            )
        ]
    }

    private static func tenantClause(_ tenant: String, _ claims: JSON) -> Clause {
        let shown = claims["aud"]?.rendered ?? "absent"
        if audiences(claims).contains(where: { $0.isSame(as: tenant) }) {
            return Clause("audience", .accepted, shown)
        }
        let isWithin = audiences(claims).contains { $0.lowercased().contains(tenant) }
        return Clause(
            "audience",
            isWithin
                ? .cannotBeTold(
                    why: "ConductorOne's page wants the domain contained in aud, and does"
                        + " not say whether a longer text around it will do"
                )
                : .refused,
            "aud is \(shown), the tenant's domain \(tenant.rendered) must be in it",
            hint:
                "ask the platform for a token with the audience \(tenant.printable) (tokenAudience)"
        )
    }

    /// `exp`, and `nbf` where it lies ahead.
    private static func timeClauses(_ claims: JSON, _ now: WallTime, secondsLeft: Int) -> [Clause] {
        var clauses = [expiryClause(claims, now, secondsLeft)]
        if let start = seconds("nbf", claims) {
            let wait = start - now.secondsSinceEpoch.rounded(.down)
            if wait > ClockTolerance.seconds {
                let detail = "nbf lies \(whole(wait)) s ahead (RFC 7519 section 4.1.5)"
                let hint = "synchronise this machine's clock (timedatectl), or the issuer's"
                clauses.append(Clause("start", .refused, detail, hint: hint))
            }
        }
        return clauses
    }

    private static func expiryClause(_ claims: JSON, _ now: WallTime, _ secondsLeft: Int) -> Clause
    {
        guard let expiry = seconds("exp", claims) else {
            return Clause("expiry", .refused, "the token has no exp")
        }
        let left = expiry - now.secondsSinceEpoch.rounded(.down)
        let isEnough = left > Double(secondsLeft)
        if left <= 0 { return Clause("expiry", .refused, "expired \(whole(-left)) s ago") }
        if secondsLeft > 0, left == Double(secondsLeft) {
            return Clause(
                "expiry",
                .cannotBeTold(
                    why: "one of Mondoo's pages wants more than that, another at least that"
                ),
                "\(whole(left)) s left"
            )
        }
        return Clause(
            "expiry",
            isEnough ? .accepted : .refused,
            "\(whole(left)) s left"
                + (secondsLeft > 0 ? ", more than \(secondsLeft) s needed" : ""),
            hint: isEnough
                ? nil : "fetch the token right before the exchange, or ask for a longer one"
        )
    }

    private static func ageClause(_ claims: JSON, _ now: WallTime) -> Clause {
        guard let issued = seconds("iat", claims) else {
            return Clause("age", .refused, "the token has no iat")
        }
        let age = now.secondsSinceEpoch.rounded(.down) - issued
        let limit = ServiceName.conductorone.facts.maximumAge ?? .infinity
        if age < -ClockTolerance.seconds {
            return Clause(
                "age",
                .cannotBeTold(why: "ConductorOne's page does not speak of an iat in the future"),
                "iat lies \(whole(-age)) s ahead: is the clock right?"
            )
        }
        return Clause(
            "age",
            age <= limit ? .accepted : .refused,
            "issued \(whole(max(age, 0))) s ago, at most \(whole(limit)) s are accepted",
            hint: age <= limit ? nil : "fetch the token right before the exchange"
        )
    }

    private static func clause(_ mapping: ClaimMapping, _ claims: JSON) -> Clause {
        let name = mapping.key.printable
        let wanted = mapping.value.rendered
        switch mapping.outcome(claims: claims) {
        case .matches: return Clause(name, .accepted, wanted)
        case .undocumented(let why):
            let rule = "\(why), and Mondoo's pages have no rule for that"
            return Clause(name, .cannotBeTold(why: rule), "\(wanted) fits")
        case .differs(let found):
            return Clause(
                name,
                .refused,
                "\(found) is there, \(wanted) is wanted",
                hint: "if this workload is meant, write \(name) = \(found.unquoted)"
            )
        case .missing(let near):
            let hint = near.map { "did you mean \(mapping.origin.rawValue).\($0.printable)?" }
            return Clause(
                name,
                .refused,
                "the claim is absent, \(wanted) is wanted",
                hint: hint
                    ?? "leave the mapping out, or have the platform put the claim into its tokens"
            )
        }
    }

    private static func clause(_ condition: Expression, _ claims: JSON) -> Clause {
        let evaluation = condition.evaluate(claims: claims)
        let verdict = condition.verdict(on: evaluation, claims: claims)
        let hint = condition.hint(claims: claims)
        switch evaluation.result {
        case .holds: return Clause("condition", verdict, "holds")
        case .fails:
            let detail = evaluation.objections.joined(separator: "; ")
            return Clause("condition", verdict, detail, hint: hint)
        case .error(let message, let position):
            let place = "line \(position.line), column \(position.column)"
            return Clause(
                "condition",
                verdict,
                "\(place): \(message)",
                hint: evaluation.absentKey.map { Self.claimHint($0, claims: claims) } ?? hint
            )
        }
    }

    /// A claim that the token has, for one that it lacks and that was perhaps meant.
    private static func claimHint(_ name: String, claims: JSON) -> String {
        let names = (claims.object ?? [:]).keys.sorted()
        let guess =
            names.first { $0.lowercased().hasPrefix(name.lowercased()) }
            ?? nearest(to: name, among: names)
        return guess.map { "did you mean claims.\($0.printable)? the token has it" }
            ?? "the token has no such claim: \(names.joined(separator: ", ").printable) are there"
    }

    /// A NumericDate, fractions cut off. RFC 7519 section 2
    private static func seconds(_ name: String, _ claims: JSON) -> Double? {
        claims[name]?.lenientNumber?.rounded(.down)
    }

    private static func whole(_ seconds: Double) -> String {
        Int64(exactly: seconds).map(String.init) ?? "countless"
    }
}

extension Expression {
    /// What to change in a condition that does not hold.
    fileprivate func hint(claims: JSON) -> String {
        subjectHint(claims: claims) ?? listHint(claims: claims) ?? valueHint(claims: claims)
            ?? "write the condition with the values that the token has (wif-agent claims --for"
            + " \(dialect.rawValue) suggests one), or have the platform make the token otherwise"
    }

    /// The claims that must be equal to a text, with what the token has.
    private func comparisons(_ claims: JSON) -> [(name: String, wanted: String, found: JSON)] {
        var found: [(name: String, wanted: String, found: JSON)] = []
        for node in root.conjuncts {
            guard case .binary(.equal, let left, let right) = node.kind else { continue }
            for (claim, text) in [(left, right), (right, left)] {
                guard case .literal(.string(let wanted)) = text.kind,
                    let path = Constraint.claimPath(claim), let value = claims.value(at: path)
                else { continue }
                if case .index(_, let index) = claim.kind, case .literal(.string) = index.kind {
                } else if case .index = claim.kind {
                    continue
                }
                let name = (dialect == .bright ? path : ["claims"] + path).joined(separator: ".")
                found.append((name.printable, wanted, value))
            }
        }
        return found
    }

    /// What to change where a claim that is a list in the token is compared with a text.
    private func listHint(claims: JSON) -> String? {
        guard let one = comparisons(claims).first(where: { $0.found.array != nil }) else {
            return nil
        }
        let has = one.found.array?.contains(.string(one.wanted)) ?? false
        let value = has ? one.wanted : one.found.array?.first?.string ?? one.wanted
        let isAudience = one.name == "claims.aud" || one.name == "aud"
        return
            "\(one.name) is a list in this token, and == never holds between a list and a text: write"
            + " \(value.rendered) in \(one.name) in its place"
            + (isAudience ? ", or leave that part out: \(dialect.name) looks at aud by itself" : "")
    }

    /// What to write where the token has another value than the condition.
    private func valueHint(claims: JSON) -> String? {
        let other = comparisons(claims).first {
            $0.found.string != nil && $0.found.string != $0.wanted
        }
        guard let other, let value = other.found.string else { return nil }
        return
            "if this workload is meant, write \(other.name) == \(value.rendered) in the condition, as the token has it"
            + " (wif-agent claims --for \(dialect.rawValue) suggests a whole one); else run it where the token has"
            + " \(other.wanted.rendered)"
    }

    /// What to change where the condition has one form of GitHub's subject and the token the other.
    private func subjectHint(claims: JSON) -> String? {
        var difference: String?
        root.forEach { node in
            guard case .literal(.string(let text)) = node.kind else { return }
            difference =
                difference
                ?? GitHubSubject.difference(
                    trusted: text,
                    token: claims["sub"]?.string
                )
        }
        let id = claims["repository_id"]?.rendered ?? "\"ID\""
        return difference.map {
            "\($0): write it as the token has it; claims.repository_id == \(id) is the same in both"
        }
    }
}

extension String {
    /// The text without one `/` at its end.
    var withoutSlash: Substring { hasSuffix("/") ? dropLast() : self[...] }

    /// A rendered string without its quotes.
    fileprivate var unquoted: Substring {
        hasPrefix("\"") && hasSuffix("\"") && count > 1 ? dropFirst().dropLast() : self[...]
    }

    /// As a literal, cut to a length fit for a line.
    var rendered: String { JSON.string(self).rendered }
}
