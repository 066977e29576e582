import Kernel
import Testing

@testable import Federation

/// What is wrong with a value is told without what may be a password in it.
@Suite struct `Errors of account files` {
    @Test(arguments: [
        ("proxy", "http://user:hunter2pass@proxy:3128", "proxy: holds a user name or password"),
        (
            "tokenUrl", "https://user:hunter2pass@TENANT_ID.example/token",
            "tokenUrl: holds the placeholder TENANT_ID"
        ),
    ])
    func `quote no password`(key: String, value: String, said: String) throws {
        let text =
            #"{"type": "external_account", "service": "oauth", "\#(key)": "\#(value)","#
            + (key == "tokenUrl" ? "" : #" "tokenUrl": "https://sts.example/token","#)
            + #" "audience": "a"}"#
        let error = try #require(throws: AccountError.self) {
            _ = try Account(parsing: Secret(text), path: "/etc/wif-agent/a.json")
        }
        #expect(error.message == "account file /etc/wif-agent/a.json: \(said)")
        #expect(error.hint?.contains("hunter2pass") != true)
    }
}
