import Federation
import Kernel
import Outputs
import Text

extension HelperFacts {
    /// That of AWS's SDKs (`credential_process`): nothing is asked, a JSON document is the answer.
    /// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
    static let aws = HelperFacts(answer: { call in
        let account = try call.account()
        let credential = try await call.credential(of: account)
        let document = try Format.json.rendered(credential, for: account).bytes
        guard isForAWS(document) else {
            throw call.refused(
                "AWS's libraries want AWS keys, and \(account.name)'s credential is none",
                hint: "name an account file of the service that gives them with -c FILE"
            )
        }
        return HelperAnswer(output: document.bytes + [UInt8(ascii: "\n")])
    })
}

/// Whether the document is what the libraries read, version 1.
private func isForAWS(_ document: Secret) -> Bool {
    do throws(JSONError) {
        let json = try JSON(parsing: document.bytes)
        return json["Version"] == 1 && json["AccessKeyId"]?.string != nil
    } catch {
        return false
    }
}
