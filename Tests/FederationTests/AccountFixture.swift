import Federation
import Kernel
import Text

/// An account file as Mondoo's console generates it, values invented.
enum AccountFixture {
    static let members: [String: JSON] = [
        "type": "external_account",
        "audience": "//captain.api.mondoo.app/spaces/quiet-river-123456",
        "issuerUri": "https://accounts.google.com",
        "subjectTokenType": "urn:ietf:params:oauth:token-type:jwt",
        "universeDomain": "https://us.api.mondoo.com",
        "scopes": ["//iam.api.mondoo.app/roles/agent"],
    ]

    static let path = "/etc/wif-agent/mondoo.json"

    /// The file with some members changed; `.null` takes one away.
    static func parse(
        _ changes: [String: JSON] = [:],
        path: String = path
    ) throws(AccountError) -> Account {
        var members = members
        for (key, value) in changes {
            if value == .null { members[key] = nil } else { members[key] = value }
        }
        return try parse(text: JSON.object(members).serialized(), path: path)
    }

    static func parse(
        text: some Collection<UInt8>,
        path: String = path
    ) throws(AccountError) -> Account {
        try Account(parsing: Secret(text), path: path)
    }
}
