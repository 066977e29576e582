package import Kernel
package import Text

/// A call of Mondoo's GraphQL API: what somebody who may manage identity providers asks.
package struct GraphQLCall: Sendable {
    /// Who asks.
    package enum Caller: Sendable {
        /// A Mondoo API token.
        case token(Secret)
        /// A service-account file's bytes; each call is signed with its key.
        case serviceAccount(Secret)
    }

    package let endpoint: Endpoint
    package let document: String
    package let variables: JSON
    package let caller: Caller

    package init(endpoint: Endpoint, document: String, variables: JSON, caller: Caller) {
        self.endpoint = endpoint
        self.document = document
        self.variables = variables
        self.caller = caller
    }

    /// As a job's member; it holds a secret.
    var json: JSON {
        var members: [String: JSON] = [
            "url": .string(endpoint.url), "query": .string(document), "variables": variables,
        ]
        switch caller {
        case .token(let token): members["token"] = .string(token.text)
        case .serviceAccount(let file): members["serviceAccount"] = .string(file.text)
        }
        return .object(members)
    }

    init(json: JSON?) throws(JSONError) {
        guard let json, let url = json["url"]?.string, let document = json["query"]?.string else {
            throw JSONError(reason: "graphql has no url and query")
        }
        do throws(EndpointError) {
            endpoint = try Endpoint(url)
        } catch {
            throw JSONError(reason: "graphql's url \(error.reason)")
        }
        self.document = document
        variables = json["variables"] ?? .object([:])
        if let token = json["token"]?.string {
            caller = .token(Secret(token))
        } else if let file = json["serviceAccount"]?.string {
            caller = .serviceAccount(Secret(file))
        } else {
            throw JSONError(reason: "graphql has no token and no serviceAccount")
        }
    }
}
