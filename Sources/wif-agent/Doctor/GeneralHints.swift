import Federation

extension StepReport {
    /// The report with what to do about a failure, also where nothing is known but the step and the class.
    var withHint: StepReport {
        guard hint == nil, state == .failed || state == .warning else { return self }
        var report = self
        report.hint = generalHint
        return report
    }

    private var generalHint: String {
        switch name {
        case .account where isUnreadable:
            "is the path right, and may this user read it? -c FILE names another"
        case .account where state == .warning:
            "correct or remove the key; wif-agent.json(5) explains every key"
        case .account:
            "wif-agent.json(5) explains every key; wif-agent check reads the file without the network"
        case .environment: "wif-agent(1), Environment, lists every variable"
        case .worker, .agent: "its log has more: journalctl -u wif-agent -u 'wif-exchange@*'"
        case .runtimeDirectory, .output, .delivery:
            "wif-agent.json(5), Outputs, has the rules for paths"
        case .proxy, .dns, .connection, .tls, .http:
            "compare with curl -v from this machine, as the agent's user"
        case .hook: "wif-agent.json(5), Keys, has the rules for programs and pid files"
        case .clock: "synchronise the clock"
        case .source, .token: sourceHint
        case .subject where `class` != .refused: sourceHint
        case .trust where `class` == .misconfigured:
            "wif-emulator(1), Trusts, describes trust files"
        case .issuer, .audience, .times, .subject, .trust:
            "change the trust at the service to what the token has, or the token at the platform to what"
                + " the trust wants"
        case .discovery, .keys, .signature:
            "correct it at the issuer; services cache its keys for minutes"
        case .exchange, .reply, .credential, .revocation: serviceHint
        }
    }

    private var sourceHint: String {
        let isNamed = ["file", "url", "environment", "executable"].contains(about)
        if isNamed, `class` == .noSource || `class` == .refused {
            return
                "credentialSource.\(about ?? "") names this: is it right, and may the agent's user use it?"
        }
        return switch `class` {
        case .misconfigured: "wif-agent.json(5), Credential sources, lists what the source takes"
        case .transient, .throttled:
            "the platform answers, but cannot give a token now: try again later"
        case .refused, .noSource, nil:
            "is this one of that platform's machines or jobs, and is it allowed to ask there? else name"
                + " another credentialSource"
        }
    }

    private var serviceHint: String {
        switch `class` {
        case .transient, .throttled:
            "the agent tries again by itself; is it the service that answers, and does it work?"
        case .refused, .misconfigured, .noSource, nil:
            "compare the token's claims above with what the service trusts"
        }
    }
}
