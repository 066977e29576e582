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
            "change the key as it says; wif-agent.json(5) tells every key"
        case .account:
            "wif-agent.json(5) tells every key; wif-agent check reads the file alone"
        case .environment: "wif-agent(1), Environment, tells every variable"
        case .worker, .agent: "what it says is in its log: journalctl -u wif-agent"
        case .runtimeDirectory, .output, .delivery:
            "wif-agent.json(5), Outputs, tells what a path must be like"
        case .proxy, .dns, .connection, .tls, .http:
            "compare with curl -v from this machine, as the agent's user"
        case .hook: "wif-agent.json(5), Keys, tells what a program or pid file must be like"
        case .clock: "synchronise the clock"
        case .source, .token: sourceHint
        case .subject where `class` != .refused: sourceHint
        case .trust where `class` == .misconfigured:
            "wif-emulator(1), Trusts, tells the form of a trust file"
        case .issuer, .audience, .times, .subject, .trust:
            "make the two agree: change the trust at the service, or have the platform make the"
                + " token otherwise"
        case .discovery, .keys, .signature:
            "change it at the issuer; services keep keys for minutes"
        case .exchange, .reply, .credential, .revocation: serviceHint
        }
    }

    private var sourceHint: String {
        let isNamed = ["file", "url", "environment", "executable"].contains(about)
        if isNamed, `class` == .noSource || `class` == .refused {
            return "credentialSource names this: does it hold or give a token for the agent's user?"
        }
        return switch `class` {
        case .misconfigured: "wif-agent.json(5), Credential sources, tells what the source takes"
        case .transient, .throttled:
            "the platform answers, and cannot give a token now: try again later"
        case .refused, .noSource, nil:
            "is this one of that platform's machines or jobs, and may it ask there? else name"
                + " another credentialSource"
        }
    }

    private var serviceHint: String {
        switch `class` {
        case .transient, .throttled:
            "the agent tries again by itself; is it the service that answers, and is it well?"
        case .refused, .misconfigured, .noSource, nil:
            "compare the token's claims above with what the service trusts"
        }
    }
}
