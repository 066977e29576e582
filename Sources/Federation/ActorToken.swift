import Text

/// Which of an exchange's two tokens. RFC 8693 section 2.1
package enum TokenRole: String, CaseIterable, Sendable {
    /// Whose behalf it is on.
    case subject = "subjectToken"
    /// Who acts.
    case actor = "actorToken"

    /// In a sentence.
    package var title: String {
        switch self {
        case .subject: "the subject token"
        case .actor: "the actor token"
        }
    }

    /// The account file's key that names its source.
    package var key: String {
        switch self {
        case .subject: "credentialSource"
        case .actor: "actorToken"
        }
    }
}

/// The token of who acts for the subject, sent beside the subject token.
package struct ActorToken: Sendable {
    package let source: TokenSource
    /// RFC 8693 section 3
    package let type: String
}

extension Account {
    /// `actorToken` and `actorTokenType`; refused where nobody would be sent one.
    static func actor(
        _ values: inout KeyedValues,
        given: KeyedValues,
        of name: String,
        _ service: Service,
        _ warnings: inout [AccountWarning]
    ) throws(AccountError) -> ActorToken? {
        guard let key = ["actorToken", "actorTokenType"].first(where: values.has) else {
            return nil
        }
        if let objection = service.objectionToActor(isGoogles: given.isGoogles) {
            throw values.error(key, objection)
        }
        let type = try values.text("actorTokenType")
        guard var entry = try values.object("actorToken") else {
            throw values.missing("actorToken", "the source of the actor token")
        }
        let source = try source(&entry, in: given, named: "actorToken", of: name)
        warnings += entry.unknownKeys()
        if case .automatic = source {
            throw values.error(
                "actorToken",
                "auto is for the subject token",
                hint: "name the one source that the actor's token comes from"
            )
        }
        return ActorToken(source: source, type: type ?? tokenTypePrefix + "jwt")
    }
}

extension Service {
    /// Why nobody acts for the subject in its exchange; `nil` where somebody may.
    fileprivate func objectionToActor(isGoogles: Bool) -> String? {
        guard case .tokenExchange(let service) = self, service.name == .oauth, !isGoogles else {
            let title = isGoogles ? ServiceName.google.facts.title : kind.facts.title
            return "\(title) takes no actor token; it goes with the service oauth"
        }
        guard service.grant == .tokenExchange else {
            return "goes with the grant token-exchange, and not with \(service.grant.rawValue)"
        }
        return nil
    }
}
