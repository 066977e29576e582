import Federation
import FoundationEssentials
import Kernel
import Text

let mondooDocument = #"{"mrn":"//agents/1",  "private_key":"k'ey\n","certificate":"c"}"#

/// An account named `mondoo`, with these outputs as they stand in its file.
func account(outputs: String = "[]") throws -> Account {
    let document = """
        {"type": "external_account", "audience": "//captain.api.mondoo.app/spaces/x",
         "issuerUri": "https://accounts.google.com", "outputs": \(outputs)}
        """
    return try Account(parsing: Secret(document), path: "/etc/wif-agent/mondoo.json")
}

/// Mondoo's credential, issued at 2024-01-02T03:04:05.9Z for an hour.
func mondooCredential(_ document: String = mondooDocument) -> Credential {
    Credential(
        kind: .mondoo,
        value: Secret(base64Encoded(Array(document.utf8))),
        issuedAt: WallTime(secondsSinceEpoch: 1_704_164_645.9),
        lifetime: 3600,
        receivedAt: .now
    )
}

/// An access token, issued as Mondoo's is above.
func tokenCredential(_ token: String) -> Credential {
    Credential(
        kind: .accessToken(type: "Bearer", scheme: "Api-Key"),
        value: Secret(token),
        issuedAt: WallTime(secondsSinceEpoch: 1_704_164_645.9),
        lifetime: 3600,
        receivedAt: .now
    )
}
