import Federation
import Kernel
import Text

/// The parameters of a request, in order; a name may be there several times.
struct RequestParameters {
    private var list: [(name: String, value: String)] = []

    mutating func add(_ name: String, _ value: String) {
        list.append((name, value))
    }

    /// RFC 8693 section 2.1: who acts for the subject.
    mutating func add(_ actor: SubjectToken, ofType type: String) {
        add("actor_token", actor.value.text)
        add("actor_token_type", type)
    }

    /// The media type and the body.
    func encoded(as format: TokenExchangeService.RequestFormat) -> (type: String, body: Secret) {
        switch format {
        case .form:
            let pairs = list.map { "\(percentEncoded($0.name))=\(percentEncoded($0.value))" }
            return ("application/x-www-form-urlencoded", Secret(pairs.joined(separator: "&")))
        case .json:
            let values = Dictionary(grouping: list, by: \.name).mapValues { same in
                same.count > 1 ? JSON.array(same.map { .string($0.value) }) : .string(same[0].value)
            }
            return ("application/json", Secret(JSON.object(values).serialized()))
        }
    }
}

extension TokenExchangeService {
    /// The parameters with which the token is exchanged.
    func requestParameters(with token: SubjectToken) -> RequestParameters {
        var parameters = RequestParameters()
        switch grant {
        case .tokenExchange: addExchange(token, to: &parameters)
        case .jwtBearer:
            addGrant(Self.grantTypes + "jwt-bearer", to: &parameters)
            parameters.add("assertion", token.value.text)
        case .clientCredentials:
            addGrant("client_credentials", to: &parameters)
            parameters.add("client_assertion_type", Self.assertionType)
            parameters.add("client_assertion", token.value.text)
        case .login: parameters.add(tokenName, token.value.text)
        case .bearer: break
        }
        if grant.isOAuth { addClient(to: &parameters) }
        for parameter in self.parameters { parameters.add(parameter.name, parameter.value) }
        return parameters
    }

    private static let grantTypes = "urn:ietf:params:oauth:grant-type:"
    private static let assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

    /// RFC 8693 section 2.1
    private func addExchange(_ token: SubjectToken, to parameters: inout RequestParameters) {
        addGrant(Self.grantTypes + "token-exchange", to: &parameters)
        if let type = requestedTokenType { parameters.add("requested_token_type", type) }
        parameters.add("subject_token", token.value.text)
        parameters.add("subject_token_type", subjectTokenType)
    }

    /// RFC 6749 section 4.5, with `resource` of RFC 8707.
    private func addGrant(_ type: String, to parameters: inout RequestParameters) {
        parameters.add("grant_type", type)
        for audience in audiences { parameters.add("audience", audience) }
        for resource in resources { parameters.add("resource", resource) }
        if !scopes.isEmpty { parameters.add("scope", scopes.joined(separator: " ")) }
    }

    /// `client_id` as RFC 6749 section 2.3.1 has it for public clients; Google's `options` without one.
    private func addClient(to parameters: inout RequestParameters) {
        if let clientID {
            parameters.add("client_id", clientID)
        } else if let project = userProject {
            let options = JSON.object(["userProject": .string(project)]).serialized()
            // Percent-encoded JSON, which the form encodes once more: so Google's libraries send it.
            parameters.add("options", percentEncoded(String(decoding: options, as: UTF8.self)))
        }
    }
}
