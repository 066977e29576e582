import Federation
import Kernel
import Text

/// A token that was handed over once and cannot be had again: in a variable, or in the account file.
struct GivenToken: TokenFetcher {
    let value: String
    /// What to call it in an error.
    let place: String

    func subjectToken(_ context: SourceContext) throws(SourceError) -> SubjectToken {
        let token = value.trimmed
        guard !token.isEmpty else {
            throw SourceError(
                .noSource,
                "\(place) is empty",
                hint:
                    "put the token into it; a job of CI leaves it empty where its id token is not asked for"
            )
        }
        try context.checkExpanded(token, in: place)
        return SubjectToken(Secret(token), source: context.source, isRenewable: false)
    }
}

/// The credential of another account, which whoever asks has put into the job.
struct HandedOverToken: TokenFetcher {
    let account: String

    func subjectToken(_ context: SourceContext) throws(SourceError) -> SubjectToken {
        guard let token = context.handedOver else {
            throw SourceError(
                .misconfigured,
                "the credential of the account \"\(account.printable)\" was not passed on",
                hint:
                    "wif-agent does so; a job by hand has it as \"subjectToken\" or \"actorToken\""
            )
        }
        return SubjectToken(token, source: context.source)
    }
}

/// The token in the environment variable of this name.
struct EnvironmentToken: TokenFetcher {
    let name: String

    func subjectToken(_ context: SourceContext) throws(SourceError) -> SubjectToken {
        guard let value = context.environment[name] else {
            throw SourceError(
                .noSource,
                "the variable \(name.printable) is not set",
                hint: "set \(name.printable) where wif-agent is started, or correct"
                    + " credentialSource.environment if the variable has another name; sudo, su and docker run"
                    + " drop variables (docker run -e \(name.printable)), and a unit has only those of its"
                    + " Environment= and EnvironmentFile= (/etc/default/wif-agent)"
            )
        }
        let place = "the variable \(name.printable)"
        return try GivenToken(value: value, place: place).subjectToken(context)
    }
}
