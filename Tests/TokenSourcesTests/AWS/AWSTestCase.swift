import Federation
import FoundationEssentials
import HTTP
import Kernel
import NetworkTestSupport
import TestSupport
import Text

@testable import TokenSources

/// The reference's example key, its session's token, and a home directory's worth of nothing.
let exampleKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
let exampleToken =
    "FwoGZXIvYXdzEXAMPLE//////////wEaDHNlc3Npb24tdG9rZW4+abc/def+ghi==EXAMPLETOKEN=="
let sessionVariables = [
    "AWS_ACCESS_KEY_ID": "ASIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": exampleKey,
    "AWS_SESSION_TOKEN": exampleToken,
]

func keyReply(_ id: String, token: String = "Token") -> HTTPResponse {
    .text(
        200,
        #"{"Code":"Success","AccessKeyId":"\#(id)","SecretAccessKey":"s/+","\#(token)":"t+/=="}"#
    )
}

/// A successful reply of STS.
func stsReply(_ action: String, _ result: String) -> HTTPResponse {
    .text(
        200,
        "<\(action)Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><\(action)Result>"
            + "\(result)</\(action)Result></\(action)Response>"
    )
}

func credentialsXML(_ id: String) -> String {
    "<Credentials><AccessKeyId>\(id)</AccessKeyId><SecretAccessKey>s&amp;t</SecretAccessKey>"
        + "<SessionToken>t+/==</SessionToken><Expiration>2024-01-02T04:04:05Z</Expiration>"
        + "</Credentials>"
}

func stsError(_ status: Int, _ code: String, _ message: String = "no") -> HTTPResponse {
    .text(
        status,
        "<ErrorResponse><Error><Type>Sender</Type><Code>\(code)</Code>"
            + "<Message>\(message)</Message></Error></ErrorResponse>",
        [("date", "Tue, 02 Jan 2024 05:04:05 GMT")]
    )
}

/// What AWS's services answer: by a piece of the URL or body, the first that fits.
func amazon(_ replies: [(String, HTTPResponse)]) -> ScriptedTransport {
    ScriptedTransport { (request, _) async throws(HTTPError) in
        let text = "\(request.method) \(request.url) \(request.body?.text ?? "")"
        for (piece, reply) in replies where text.contains(piece) { return reply }
        throw .refused
    }
}

/// The id of the key that signed a proof, and the host that it names.
func signer(of token: SubjectToken) throws -> (id: String, host: String) {
    let proof = try JSON(parsing: token.value.bytes)
    let headers = proof["headers"]?.array ?? []
    let value: (String) -> String = { name in
        headers.first { $0["key"]?.string == name }?["value"]?.string ?? ""
    }
    let credential = value("Authorization").split(separator: "=").dropFirst().first ?? ""
    return (String(credential.prefix { $0 != "/" }), value("host"))
}

extension ScratchDirectory {
    /// Writes the shared files; answers the variables that lead to them.
    func sharedFiles(config: String = "", credentials: String = "") throws -> [String: String] {
        try Data(config.utf8).write(to: URL(filePath: self("config")))
        try Data(credentials.utf8).write(to: URL(filePath: self("credentials")))
        return [
            "AWS_CONFIG_FILE": self("config"), "AWS_SHARED_CREDENTIALS_FILE": self("credentials"),
        ]
    }
}
