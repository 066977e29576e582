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
        Rule("aadsts700016", "aadsts90002") { refusal in
            "is the tenant in tokenUrl right, and clientId? \(refusal.clientID)"
        },
        Rule("aadsts1002012", "aadsts70011", "aadsts500011") { _ in
            "scopes must be one resource with /.default, such as"
                + " https://graph.microsoft.com/.default"
        },
    ]
}
