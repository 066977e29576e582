import Federation
import Kernel
import Policy
import Text

/// What the service will make of the token by the trust file that it was set up with, clause by clause:
/// of the trust that fits best where there are several. Nothing where there is no such file.
func trustSteps(
    _ text: String?,
    on claims: JSON?,
    of account: Account,
    at date: WallTime
) -> [StepReport] {
    guard let text else { return [] }
    let trusts: [Trust]
    do throws(PolicyError) {
        trusts = try Trust.list(parsing: text.utf8).filter {
            $0.service.rawValue == account.service.name
        }
    } catch {
        return [.failed(.trust, .misconfigured, error.told.printable, hint: error.hint)]
    }
    guard !trusts.isEmpty else {
        return [
            .failed(
                .trust,
                .misconfigured,
                "the trust file has no trust of \(account.service.name), the account's service",
                hint: "write \"service\" in the trust, or name the other account with -c"
            )
        ]
    }
    guard let claims else {
        return [.skipped(.trust, "it is not known whose token this is")]
    }
    let aim = addressed(trusts, account)
    guard
        let best = Judgement(of: aim, claims: claims, now: date, target: target(of: account))
    else { return [] }
    return addressSteps(best.trust, account)
        + best.clauses.map { audienceStep($0, best.trust, claims) ?? $0.step }
}

/// For an audience that is refused, how the token's platform is asked for another.
private func audienceStep(_ clause: Clause, _ trust: Trust, _ claims: JSON) -> StepReport? {
    guard clause.name == "audience", clause.verdict == .refused,
        let advice = TokenFacts.of(claims).audienceAdvice, let wanted = trust.wantedAudience
    else { return nil }
    return .failed(
        .trust,
        .refused,
        clause.detail,
        hint: advice.replacing("AUDIENCE", with: wanted.printable),
        about: clause.name
    )
}

extension Trust {
    /// The audience that a token should have.
    fileprivate var wantedAudience: String? {
        switch terms {
        case .mondoo(let terms): terms.allowedAudiences.first
        case .conductorone(let terms): terms.tenant
        case .bright(let terms): terms.allowedAudiences.first
        }
    }
}

/// The trusts that the account asks for, of several; all of them where it asks for none.
private func addressed(_ trusts: [Trust], _ account: Account) -> [Trust] {
    let fitting = trusts.filter { trust in
        !addressSteps(trust, account).contains { $0.state == .failed }
    }
    return fitting.isEmpty ? trusts : fitting
}

/// What the account's request says of Bright's project.
private func target(of account: Account) -> Judgement.Target {
    guard case .tokenExchange(let service) = account.service else { return .unknown }
    return Judgement.Target(resources: service.resources)
}

/// Whether the account asks for what the trust gives.
private func addressSteps(_ trust: Trust, _ account: Account) -> [StepReport] {
    switch (trust.terms, account.service) {
    case (.mondoo(let terms), .mondoo(let service)):
        let issuer = compared("issuerUri", "issuerUri", service.issuer, trust.issuer)
        guard let scope = terms.scope else { return [issuer] }
        return [issuer, compared("scope", "audience", service.audience, scope)]
    case (.conductorone(let terms), .tokenExchange(let service)):
        return [compared("client", "clientId", service.clientID ?? "none", terms.clientID)]
    case (.bright, _), (.mondoo, _), (.conductorone, _): return []
    }
}

private func compared(
    _ about: String,
    _ key: String,
    _ found: String,
    _ wanted: String
) -> StepReport {
    if found.utf8.elementsEqual(wanted.utf8) { return .ok(.trust, found.printable, about: about) }
    if about == "issuerUri", found + "/" == wanted || found == wanted + "/" {
        return .warning(
            .trust,
            "the account's \(key) is \(found.printable), and the trust is for \(wanted.printable): whether"
                + " the slash counts cannot be told here",
            hint:
                "write \(key) in the account file exactly as the trust has it, \(wanted.printable), the last"
                + " slash included or left out",
            about: about
        )
    }
    return .failed(
        .trust,
        .refused,
        "the account's \(key) is \(found.printable), and the trust is for \(wanted.printable)",
        hint: "write \(key) in the account file as the trust has it; or change the trust",
        about: about
    )
}

extension Clause {
    fileprivate var step: StepReport {
        switch verdict {
        case .accepted: .ok(.trust, detail, about: name)
        case .refused: .failed(.trust, .refused, detail, hint: hint, about: name)
        case .cannotBeTold: .warning(.trust, told, hint: hint, about: name)
        }
    }
}
