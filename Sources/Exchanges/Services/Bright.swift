import Federation
import Kernel
import Text

extension Refusal {
    /// What Bright refuses, and what to change then.
    static let bright = [
        Rule("ambig", "multiple", "more than one", "several") { refusal in
            let how =
                refusal.service.resources.isEmpty
                ? "set projectId, so that the request names the project; and narrow"
                : "the resource is \(refusal.service.resources[0].printable); narrow"
            return "\(how) the credentials in Bright so that one alone fits this workload"
        },
        Rule("resource", "project", "invalid_target") { refusal in
            "write in projectId the id of a project of this Bright (the project's page in the console has it in its"
                + " address), which trusts this workload; the resource sent is"
                + " \(refusal.service.resources.first?.printable ?? "none")"
        },
        Rule("match", "configuration", "credential", "invalid_grant", "unauthorized") { refusal in
            refusal.brightReason
                ?? "compare the token with the Federated Credentials of the project that was asked for,"
                + " \(refusal.service.resources.first?.printable ?? "none"): iss must be equal (\(refusal.issuer)), one"
                + " aud allowed (\(refusal.audiences)), and each field the token's own, as wif-agent claims --for"
                + " bright prints them\(refusal.platformFact)"
        },
    ]

    /// What to do where the platform has a token with more claims.
    private var lacking: String? {
        guard let claims, let lack = TokenFacts.of(claims.all).lack(claims.all) else { return nil }
        return
            "\(lack). If the form has none of these fields, compare iss (\(issuer)), aud (\(audiences)) and the other"
            + " fields with the token, as wif-agent claims --for bright prints them"
    }

    /// What is certain not to fit, at Bright.
    var brightReason: String? {
        service.name == .bright
            ? otherInstallation ?? lacking ?? unaskedAudience ?? otherAudience : nil
    }

    /// What to do where a variable has chosen the installation that was asked.
    private var otherInstallation: String? {
        let name = "BRIGHT_BASE_URL"
        let usual = "app.brightsec.com"
        guard let value = variable(name), value.contains(service.tokenURL.host),
            service.tokenURL.host != usual
        else { return nil }
        return
            "the variable \(name) in the environment, \(value.printable), chose \(place), where this project or its Federated"
            + " Credentials are not known: unset \(name) where the project is at \(usual) (or write \"tokenUrl\":"
            + " \"https://\(usual)/api/v1/token\", which comes before it); only where the project is at \(place), compare iss"
            + " (\(issuer)), aud (\(audiences)) and the fields with the credentials there"
    }

    /// What to do where the token is for another audience than the account file asks for.
    private var otherAudience: String? {
        guard !asked.isEmpty, let own = claims?.audiences, !own.isEmpty, !own.contains(asked) else {
            return nil
        }
        return
            "the token's aud is \(audiences), and \(asked.printable) was asked for: add \(audiences) to Allowed audiences in"
            + " Bright's Federated Credentials"
            + (audienceAdvice ?? "; or have the token made for \(asked.printable)")
    }

    /// What to do where the account file asks for no audience, so that the platform chose one.
    private var unaskedAudience: String? {
        guard asked.isEmpty, claims?.audiences.isEmpty == false else { return nil }
        return
            "the account file asks for no audience, so that the token has the platform's own, \(audiences): set"
            + " \"audience\" to an entry of Allowed audiences in Bright's Federated Credentials, or add"
            + " \(audiences) there; if it is there, compare iss (\(issuer)) and the claims\(platformAdvice)"
    }

    /// How the platform makes tokens for another audience.
    private var audienceAdvice: String? {
        guard let advice = claims.flatMap({ TokenFacts.of($0.all).audienceAdvice }) else {
            return nil
        }
        // Without the word the platform has no way to another.
        return advice.contains("AUDIENCE")
            ? "; or have the token made for \(asked.printable): "
                + advice.replacing("AUDIENCE", with: asked.printable) : " (\(advice))"
    }
}
