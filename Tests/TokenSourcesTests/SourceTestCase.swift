import Federation
import HTTP
import Kernel
import NetworkTestSupport
import TestSupport

@testable import TokenSources

let googleToken = unsignedJWT(
    #"{"iss":"https://accounts.google.com","sub":"1","aud":"a","iat":1704164600,"exp":1704168200}"#
)
let azureToken = unsignedJWT(#"{"iss":"https://sts.windows.net/t/","sub":"2","exp":1704250745}"#)
let gitHubToken = unsignedJWT(
    #"{"iss":"https://token.actions.githubusercontent.com","sub":"repo:o/r","exp":1704164945}"#
)

let scope = "//captain.api.mondoo.app/spaces/my space+1"
let encodedScope = "%2F%2Fcaptain.api.mondoo.app%2Fspaces%2Fmy%20space%2B1"

func googleReply(_ status: Int = 200, _ body: String = googleToken + "\n") -> HTTPResponse {
    .text(status, body, [("metadata-flavor", "Google"), ("content-type", "text/html")])
}

func azureReply(_ token: String = azureToken) -> HTTPResponse {
    .text(200, #"{"access_token":"\#(token)","expires_in":"86399","token_type":"Bearer"}"#)
}

func gitHubReply(_ token: String = gitHubToken) -> HTTPResponse {
    .text(200, #"{"count":\#(token.utf8.count),"value":"\#(token)"}"#)
}

func context(
    _ transport: ScriptedTransport,
    environment: [String: String] = [:],
    timekeeper: any Timekeeper = VirtualTimekeeper(isSkipping: true),
    timeout: Double = 60,
    audience: String = scope,
    issuer: String? = nil,
    isGoogle: Bool = false,
    isAzure: Bool = false,
    prefersJobs: Bool = false
) -> SourceContext {
    SourceContext(
        RequestContext(
            transport: transport,
            environment: environment,
            timekeeper: timekeeper,
            deadline: timekeeper.now.advanced(bySeconds: timeout)
        ),
        audience: audience,
        issuer: issuer,
        machine: Machine(isGoogle: isGoogle, isAzure: isAzure),
        prefersJobs: prefersJobs,
        chance: { 0.5 }
    )
}

/// What the source throws; `nil` if it gives a token.
func failure(_ source: TokenSource, _ context: SourceContext) async -> Failure? {
    do throws(Failure) {
        _ = try await context.subjectToken(from: source)
        return nil
    } catch {
        return error
    }
}
