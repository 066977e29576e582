package import Federation
package import FoundationEssentials

extension Trust {
    /// What the service will make of a token with these claims, clause by clause; the signature and
    /// what is kept of the issuer's keys are left out. For AWS's signed requests the claims are what
    /// GetCallerIdentity answers.
    package func judge(claims: JSON, now: Date) -> [Clause] {
        switch terms {
        case .mondoo(let terms) where isCallerIdentity:
            let arn = callerIdentity("arn", in: claims)?.string
            return [Self.subjectClause(terms.subject, arn, isARN: true)]
                + terms.mappings.map { Self.clause($0, claims) }
        case .mondoo(let terms):
            return [issuerClause(claims)]
                + Self.audienceClauses(terms.allowedAudiences, claims)
                + Self.timeClauses(claims, now, secondsLeft: 180)
                + [Self.subjectClause(terms.subject, claims["sub"]?.string, isARN: false)]
                + terms.mappings.map { Self.clause($0, claims) }
        case .conductorone(let terms):
            return [issuerClause(claims), Self.tenantClause(terms.tenant, claims)]
                + Self.timeClauses(claims, now, secondsLeft: 0)
                + [Self.ageClause(claims, now), Self.clause(terms.condition, claims)]
        case .bright(let terms):
            return [issuerClause(claims)]
                + Self.audienceClauses(terms.allowedAudiences, claims)
                + Self.timeClauses(claims, now, secondsLeft: 0)
                + [Self.clause(terms.condition, claims)]
        }
    }

    /// What Mondoo will make of a subject and of claim mappings alone, for claims of a JWT or of
    /// GetCallerIdentity's answer.
    static func mondooClauses(
        subject: String?,
        _ mappings: [ClaimMapping],
        claims: JSON
    ) -> [Clause] {
        let arn = callerIdentity("arn", in: claims)?.string
        let isARN = arn != nil && claims["iss"] == nil
        let found = isARN ? arn : claims["sub"]?.string
        return (subject.map { [subjectClause($0, found, isARN: isARN)] } ?? [])
            + mappings.map { clause($0, claims) }
    }

    private func issuerClause(_ claims: JSON) -> Clause {
        guard let found = claims["iss"]?.string else {
            return Clause("issuer", .refused, "the token has no iss")
        }
        if found.isSame(as: issuer) { return Clause("issuer", .accepted, found.rendered) }
        let detail = "iss is \(found.rendered), \(issuer.rendered) is trusted"
        let strip: (String) -> Substring = { $0.hasSuffix("/") ? $0.dropLast() : $0[...] }
        let isSlashOnly = strip(found) == strip(issuer)
        return Clause(
            "issuer",
            .refused,
            isSlashOnly ? detail + ": they differ by the trailing slash alone" : detail,
            hint: isSlashOnly
                ? "write the issuer in the trust exactly as the token does, \(found.rendered)" : nil
        )
    }

    private static func audiences(_ claims: JSON) -> [String] {
        switch claims["aud"] {
        case .string(let audience): [audience]
        case .array(let audiences): audiences.compactMap(\.string)
        default: []
        }
    }

    private static func audienceClauses(_ allowed: [String], _ claims: JSON) -> [Clause] {
        if allowed.isEmpty { return [] }
        let found = audiences(claims)
        let shown = claims["aud"]?.rendered ?? "absent"
        if found.contains(where: { one in allowed.contains { $0.isSame(as: one) } }) {
            return [Clause("audience", .accepted, shown)]
        }
        let list = allowed.map(\.rendered).joined(separator: ", ")
        return [
            Clause(
                "audience",
                .refused,
                "aud is \(shown), \(list) \(allowed.count == 1 ? "is" : "are") allowed",
                hint: "ask the platform for a token with that audience (tokenAudience)"
            )
        ]
    }

    private static func tenantClause(_ tenant: String, _ claims: JSON) -> Clause {
        let shown = claims["aud"]?.rendered ?? "absent"
        if audiences(claims).contains(where: { $0.isSame(as: tenant) }) {
            return Clause("audience", .accepted, shown)
        }
        return Clause(
            "audience",
            .refused,
            "aud is \(shown), the tenant's domain \(tenant.rendered) must be in it",
            hint:
                "ask the platform for a token with the audience \(tenant.printable) (tokenAudience)"
        )
    }

    /// `exp`, and `nbf` where it lies ahead.
    private static func timeClauses(_ claims: JSON, _ now: Date, secondsLeft: Int) -> [Clause] {
        var clauses = [expiryClause(claims, now, secondsLeft)]
        if let start = seconds("nbf", claims) {
            let wait = start - now.timeIntervalSince1970.rounded(.down)
            if wait > 60 {
                clauses.append(Clause("start", .refused, "nbf lies \(whole(wait)) s ahead"))
            }
        }
        return clauses
    }

    private static func expiryClause(_ claims: JSON, _ now: Date, _ secondsLeft: Int) -> Clause {
        guard let expiry = seconds("exp", claims) else {
            return Clause("expiry", .refused, "the token has no exp")
        }
        let left = expiry - now.timeIntervalSince1970.rounded(.down)
        let isEnough = left > Double(secondsLeft)
        if left <= 0 { return Clause("expiry", .refused, "expired \(whole(-left)) s ago") }
        return Clause(
            "expiry",
            isEnough ? .accepted : .refused,
            "\(whole(left)) s left"
                + (secondsLeft > 0 ? ", more than \(secondsLeft) s needed" : ""),
            hint: isEnough
                ? nil : "fetch the token right before the exchange, or ask for a longer one"
        )
    }

    private static func ageClause(_ claims: JSON, _ now: Date) -> Clause {
        guard let issued = seconds("iat", claims) else {
            return Clause("age", .refused, "the token has no iat")
        }
        let age = now.timeIntervalSince1970.rounded(.down) - issued
        if age < -60 {
            return Clause("age", .uncertain, "iat lies \(whole(-age)) s ahead: is the clock right?")
        }
        return Clause(
            "age",
            age <= 600 ? .accepted : .refused,
            "issued \(whole(max(age, 0))) s ago, at most 600 s are accepted",
            hint: age <= 600 ? nil : "fetch the token right before the exchange"
        )
    }

    private static func subjectClause(_ wanted: String, _ found: String?, isARN: Bool) -> Clause {
        let name = isARN ? "the ARN" : "sub"
        guard let found else {
            return Clause("subject", .refused, "\(name) is absent, \(wanted.rendered) is trusted")
        }
        let isWildcard = isARN && wanted.hasSuffix("/*")
        let stem = isWildcard ? String(wanted.dropLast()) : wanted
        let matches =
            isWildcard
            ? found.utf8.starts(with: stem.utf8) && found.utf8.count > stem.utf8.count
            : found.isSame(as: wanted)
        if matches { return Clause("subject", .accepted, found.rendered) }
        let hint =
            isARN && !isWildcard && found.contains(":assumed-role/")
            ? "the sessions of a role are written …:assumed-role/ROLE/*" : nil
        return Clause(
            "subject",
            .refused,
            "\(name) is \(found.rendered), \(wanted.rendered) is trusted",
            hint: hint
        )
    }

    private static func clause(_ mapping: ClaimMapping, _ claims: JSON) -> Clause {
        let name = mapping.key.printable
        let wanted = mapping.value.rendered
        return switch mapping.outcome(claims: claims) {
        case .matches: Clause(name, .accepted, wanted)
        case .probablyMatches(let why):
            Clause(
                name,
                .uncertain,
                "\(wanted) fits, but \(why): Mondoo documents no rule for that"
            )
        case .differs(let found): Clause(name, .refused, "\(found) is there, \(wanted) is wanted")
        case .missing: Clause(name, .refused, "the claim is absent, \(wanted) is wanted")
        }
    }

    private static func clause(_ condition: Expression, _ claims: JSON) -> Clause {
        let evaluation = condition.evaluate(claims: claims)
        switch evaluation.verdict {
        case .holds: return Clause("condition", .accepted, "holds")
        case .fails:
            return Clause("condition", .refused, evaluation.objections.joined(separator: "; "))
        case .error(let message, let position):
            let place = "line \(position.line), column \(position.column)"
            return Clause("condition", .refused, "\(place): \(message)")
        }
    }

    /// A NumericDate, fractions cut off. RFC 7519 section 2
    private static func seconds(_ name: String, _ claims: JSON) -> Double? {
        claims[name]?.lenientNumber?.rounded(.down)
    }

    private static func whole(_ seconds: Double) -> String {
        Int64(exactly: seconds).map(String.init) ?? "countless"
    }
}

extension String {
    /// As a literal, cut to a length fit for a line.
    var rendered: String { JSON.string(self).rendered }
}
