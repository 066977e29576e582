import Federation
import Kernel
import Text

extension Refusal {
    /// What Microsoft Entra ID refuses of a federated credential, and what to change then. The numbers
    /// are those of "Microsoft Entra authentication and authorization error codes".
    static let entra = [
        Rule("aadsts700211", "aadsts50027") { refusal in
            "no federated credential of the application has exactly this issuer, the slash at the end included:"
                + " \(refusal.issuer)"
        },
        Rule("aadsts700212") { refusal in
            "the federated credential's audience, usually api://AzureADTokenExchange, must be the"
                + " token's, which is \(refusal.audiences): set tokenAudience"
        },
        Rule("aadsts700213", "aadsts70021") { refusal in
            "the federated credential's subject must be equal to \(refusal.subject)"
        },
        Rule("aadsts90002", "aadsts900023", "aadsts90023", "aadsts900021") { refusal in
            "there is no such tenant: correct the tenant's id or domain in tokenUrl,"
                + " \(refusal.service.tokenURL.description.printable)"
        },
        Rule("aadsts700016", "aadsts700038", "aadsts900144") { refusal in
            "the tenant in tokenUrl has no application with this clientId: \(refusal.clientID); write the"
                + " Application (client) ID from App registrations, or the tenant where it is"
        },
        Rule("aadsts700024", "aadsts500133") { _ in
            "the token is not within its times: use a source that gives a new token each time, and"
                + " check this machine's clock"
        },
        Rule("aadsts7000215", "aadsts7000218", "aadsts7000222") { _ in
            "Entra looked for a client secret: give the application a federated credential, and write"
                + " \"grant\": \"client-credentials\""
        },
        Rule("aadsts50013", "aadsts50012") { refusal in
            "Entra could not verify the token's signature: "
                + IssuerPlace(refusal.claims?.issuer ?? "").advice(for: "Entra")
        },
        Rule("aadsts53003", "aadsts530034") { _ in
            "a Conditional Access policy blocks the application: exclude it, or allow this machine's address"
        },
        Rule("aadsts65001", "aadsts50105", "aadsts501051") { _ in
            "grant the application its permission, with the administrator's consent, or assign it to the"
                + " enterprise application"
        },
        Rule("aadsts7000112", "aadsts7000116", "aadsts500571") { _ in
            "the application or its service principal is disabled: enable it in Enterprise applications"
        },
        Rule("aadsts1002012", "aadsts70011", "aadsts500011") { _ in
            "scopes must be one resource with /.default, such as"
                + " https://graph.microsoft.com/.default"
        },
    ]
}
