import Federation
import Kernel
import Text

extension Refusal {
    /// What Microsoft Entra ID refuses of a federated credential, by the number in its text.
    static let entra = [
        Rule("aadsts") { refusal in
            EntraCode.all(in: refusal.answer.words).lazy
                .compactMap { $0.advice(refusal.entraRequest) }.first
        }
    ]

    private var entraRequest: EntraCode.Request {
        let path = service.tokenURL.url.dropFirst(service.tokenURL.origin.count)
        let tenant = path.split(separator: "/").first.map(String.init) ?? "none"
        return EntraCode.Request(
            client: ("clientId", clientID),
            tenant: ("the tenant in tokenUrl", tenant.printable),
            scope: ("scopes", service.scopes.joined(separator: " ").printable),
            claims: claims
        )
    }
}
