import Federation
import Kernel
import Text

extension Refusal {
    /// What the token endpoints of Anthropic and OpenAI refuse: both are told in parameters which of their
    /// rules or identity providers is meant.
    static let anthropic = Vendor(
        isThere: { service in
            ["anthropic.com", "openai.com"].contains {
                service.tokenURL.host.lowercased().hasSuffix($0)
            }
        },
        rules: [
            Rule("federation_rule_id", "federation rule") { $0.consoleHint("federation_rule_id") },
            Rule("identity_provider_id", "identity provider") {
                $0.consoleHint("identity_provider_id")
            },
            Rule("service_account_id", "service account") { $0.consoleHint("service_account_id") },
            Rule("organization_id", "organization") { $0.consoleHint("organization_id") },
            Rule("overloaded") { refusal in
                "\(refusal.place) is overloaded: nothing is to be changed here, the agent tries again by itself"
            },
            Rule("rate_limit_error") { _ in rateHint },
        ]
    )

    /// What to do about an id of the vendor's console that the answer speaks of.
    private func consoleHint(_ name: String) -> String? {
        guard !["audience", "issuer", "subject"].contains(where: answer.words.contains) else {
            return nil
        }
        guard let value = parameter(name) else {
            return
                "write \"\(name)\" in parameters, with the id that the console of \(place) has for it"
        }
        return
            "parameters.\(name) is \(value): compare it with the id in the console of \(place), where it must exist, be"
            + " active and belong to the same organization as the other ids in parameters"
    }
}
