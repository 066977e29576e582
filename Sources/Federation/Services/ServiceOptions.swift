import Text

/// What the keys of several services have in common.
extension KeyedValues {
    /// A secret of the client would be the long-lived key that nobody is to have.
    func refuseClientSecret() throws(AccountError) {
        guard peek("clientSecret") != nil else { return }
        let client = peek("clientId") ?? ""
        let mark = client.contains("@") ? client.lastIndex(of: "/") : nil
        guard let mark, !client.hasSuffix("/wfe") else {
            throw error(
                "clientSecret",
                "is a long-lived key, and wif-agent uses no such keys",
                hint:
                    "remove it: the subject token is the only proof, and the service must be set up"
                    + " to accept it"
            )
        }
        throw error(
            "clientSecret",
            "is a long-lived key, and wif-agent uses no such keys; clientId is a client's with a secret"
                + " (\(client[mark...].description.printable))",
            hint:
                "remove clientSecret, and write in clientId the Client ID of a federation trust, which ends in /wfe"
                + " and has no secret: in ConductorOne Settings > Workload Federation shows it, or makes a trust"
        )
    }

    /// The endpoint under the key; one without a path gets the default one, none at all the base's.
    mutating func endpoint(
        _ key: String,
        defaultPath path: String,
        base: String
    ) throws(AccountError) -> Endpoint {
        let given = try endpoint(key, default: base)
        return given.url == given.writtenOrigin ? try endpoint(key, given.url + path) : given
    }

    mutating func requestFormat(
        default standard: TokenExchangeService.RequestFormat,
        others: [TokenExchangeService.RequestFormat]
    ) throws(AccountError) -> TokenExchangeService.RequestFormat {
        let names = ([standard] + others).map(\.rawValue)
        guard
            let format = try choice(
                "requestFormat",
                TokenExchangeService.RequestFormat.self,
                among: names
            )
        else { return standard }
        guard names.contains(format.rawValue) else {
            throw error("requestFormat", "the service takes \(names.joined(separator: ", ")) only")
        }
        return format
    }

    /// RFC 8693 section 2.1: absolute URIs without a fragment.
    mutating func resources() throws(AccountError) -> [String] {
        let resources = try texts("resource")
        for resource in resources {
            guard let colon = resource.firstIndex(of: ":"), colon > resource.startIndex,
                resource[..<colon].allSatisfy({ $0.isLetter || $0.isNumber || "+-.".contains($0) }),
                !resource.contains("#")
            else {
                throw error("resource", "an absolute URI without a fragment is expected")
            }
        }
        return resources
    }
}

extension Endpoint {
    /// Scheme, host and port as the file has them.
    var writtenOrigin: String {
        let start = isSecure ? "https://".count : "http://".count
        let rest = url.dropFirst(start).prefix { !"/?".contains($0) }
        return String(url.prefix(start) + rest)
    }
}

/// What the names of token types begin with (RFC 8693 section 3).
let tokenTypePrefix = "urn:ietf:params:oauth:token-type:"
