import Text

/// What somebody most likely meant by a key that is not known: by its spelling, by the words that other
/// programs have for it, and by the place where it belongs.
enum KeyGuess {
    /// Other words for the keys, without hyphens and in lower case.
    private static let synonyms: [String: [String]] = [
        "audience": ["aud", "space", "spacemrn", "scopemrn", "scope", "spaceid", "target"],
        "issuerUri": ["issuer", "iss", "issuerurl", "oidcissuer", "identityprovider", "authority"],
        "universeDomain": [
            "endpoint", "apiurl", "server", "host", "mondooapiendpoint", "apihost", "baseurl",
        ],
        "tokenUrl": ["tokenuri", "tokenendpoint", "stsurl", "exchangeurl", "tokenexchangeurl"],
        "revokeUrl": ["revocationurl", "revocationendpoint", "revokeendpoint"],
        "tokenAudience": ["subjecttokenaudience", "idtokenaudience", "oidcaudience"],
        "credentialSource": ["source", "tokensource", "credentials", "identitysource", "from"],
        "lifetime": ["ttl", "expiresin", "duration", "validity", "tokenlifetime"],
        "outputs": ["output", "out", "destinations", "targets", "writeto", "deliverto"],
        "onRefresh": ["hooks", "hook", "onrenew", "postrefresh", "afterrefresh", "onrotate"],
        "caFile": ["ca", "cacert", "cabundle", "cacertfile", "certificateauthority", "cafile"],
        "proxy": ["httpproxy", "httpsproxy", "proxyurl"],
        "clientId": ["client", "clientid", "appid", "applicationid"],
        "projectId": ["project", "projectid"],
        "roleArn": ["role", "rolearn", "awsrole", "assumerole"],
        "durationSeconds": ["sessionduration", "maxsessionduration"],
        "jwtToken": ["token", "jwt", "subjecttoken", "idtoken"],
        "variable": ["env", "envname", "variablename", "envvar", "environmentvariable"],
        "revokeOnExit": ["revoke", "revokeonstop", "revokeonshutdown"],
        "scopes": ["scope"],
        "path": [
            "file", "filename", "location", "dest", "destination", "tokenpath", "tokenfile",
            "target", "socketpath", "to",
        ],
        "format": ["type", "kind", "as"],
        "mode": ["permissions", "perm", "perms", "chmod", "filemode"],
        "owner": ["user", "uid", "username"],
        "group": ["gid", "groupname"],
        "allowUsers": ["users", "allowedusers", "readers", "alloweduids"],
        "allowGroups": ["groups", "allowedgroups"],
        "allowUnits": ["units", "allowedunits", "services"],
        "provider": ["type", "platform", "kind", "name", "cloud"],
        "file": ["path", "tokenfile", "filename", "tokenpath"],
        "environment": ["env", "variable", "envvar", "environmentvariable"],
        "url": ["uri", "endpoint", "address"],
        "executable": ["exec", "command", "program", "script"],
        "serviceAccount": ["serviceaccountemail", "email", "account"],
        "resource": ["scope", "appiduri", "audience"],
        "command": ["exec", "run", "cmd", "script", "program"],
        "timeout": ["timeoutseconds", "timeoutmillis"],
        "unit": ["service", "systemdunit"],
        "signal": ["kill", "sig"],
        "pidFile": ["pid", "pidpath"],
        "timeoutMillis": ["timeout", "timeoutms", "timeoutseconds"],
        "subjectTokenFieldName": ["field", "fieldname", "member", "key", "jsonfield"],
    ]

    /// The keys by the places that have them: what an account, its source and an output hold.
    private static let places: [(keys: Set<String>, place: String, example: String)] = [
        (
            [
                "provider", "file", "environment", "url", "executable", "headers",
                "serviceAccount", "profile", "environmentId",
            ],
            "credentialSource", "\"credentialSource\": {\"KEY\": ...}"
        ),
        (
            [
                "format", "path", "mode", "owner", "group", "onExpiry", "content",
                "sharedDirectory", "allowUsers", "allowGroups", "allowUnits", "template",
            ],
            "outputs", "\"outputs\": [{\"format\": ..., \"path\": ...}]"
        ),
        (
            ["command", "unit", "signal", "pidFile", "action", "timeout"],
            "onRefresh", "\"onRefresh\": [{\"KEY\": ...}]"
        ),
        (
            [
                "audience", "issuerUri", "universeDomain", "tokenAudience", "tokenUrl",
                "outputs", "onRefresh", "lifetime", "service", "credentialSource", "caFile",
                "variable", "revokeOnExit", "projectId", "roleArn", "type",
            ],
            "", ""
        ),
    ]

    /// What to write so that a key counts which is another service's; `nil` for any other key.
    static func service(of key: String) -> String? {
        let services: [(keys: Set<String>, service: String)] = [
            (["projectId"], "bright"), (["roleArn", "durationSeconds", "sessionName"], "aws"),
            (
                [
                    "grant", "parameters", "response", "tokenName", "requestFormat", "resource",
                    "revokeUrl",
                ], "oauth"
            ),
            (["clientId"], "conductorone\", or \"oauth"),
        ]
        guard let found = services.first(where: { $0.keys.contains(key) }) else { return nil }
        return
            "write \"service\": \"\(found.service)\" if the account is that service's, whose key it is"
    }

    /// How to write a key, for an error that has no better advice.
    static func example(of path: String) -> String? {
        let key = String(path.split { ".[".contains($0) }.last { !$0.hasSuffix("]") } ?? "")
        return examples[key].map { "write it as in \"\(key)\": \($0)" }
    }

    private static let examples: [String: String] = [
        "audience": "\"//captain.api.mondoo.app/spaces/SPACE-ID\", as the service has it",
        "issuerUri": "\"https://accounts.google.com\"",
        "universeDomain": "\"https://us.api.mondoo.com\"",
        "apiEndpoint": "\"https://us.api.mondoo.com\"",
        "tokenUrl": "\"https://HOST/PATH\", the service's token endpoint",
        "revokeUrl": "\"https://HOST/PATH\", the service's revocation endpoint",
        "clientId": "\"NAME@TENANT.conductor.one/wfe\" for ConductorOne, else the service's id",
        "projectId": "\"pXkq7Zr2mN4vT9sB\"",
        "tokenAudience": "\"https://api.example.com\"",
        "resource": "\"https://api.example.com/\", an absolute URI",
        "scopes": "[\"read\", \"write\"]",
        "lifetime": "3600",
        "caFile": "\"/etc/ssl/certs/company.pem\"",
        "proxy": "\"http://proxy.example.com:3128\"",
        "roleArn": "\"arn:aws:iam::123456789012:role/NAME\"",
        "region": "\"eu-central-1\"",
        "credentialSource": "{\"provider\": \"auto\"}",
        "provider": "\"auto\"",
        "file": "\"/var/run/secrets/tokens/token\"",
        "url": "\"https://HOST/PATH\"",
        "headers": "{\"X-Name\": \"value\"}",
        "environment": "\"OIDC_TOKEN\"",
        "account": "\"mondoo\", the name of another account's file without .json",
        "executable": "{\"command\": [\"/usr/local/bin/mint\", \"ARGUMENT\"]}",
        "command": "[\"/usr/bin/systemctl\", \"reload\", \"x.service\"]",
        "outputs": "[{\"format\": \"json\", \"path\": \"/run/wif-agent/out.json\"}]",
        "path": "\"/run/wif-agent/out.json\", the path of a file",
        "mode": "\"0640\"",
        "owner": "\"cnspec\"",
        "group": "\"cnspec\"",
        "onRefresh": "[{\"unit\": \"x.service\"}]",
        "response":
            "{\"credential\": \"auth.client_token\", \"lifetime\": \"auth.lease_duration\"}",
        "parameters": "{\"role\": \"deploy\"}",
        "allowUnits": "[\"cnspec.service\"]",
        "allowUsers": "[\"cnspec\"]",
        "allowGroups": "[\"cnspec\"]",
        "requestFormat": "\"form\" or \"json\"",
        "grant": "\"token-exchange\"",
    ]

    /// Values that are right, for keys that a service requires.
    static let valid: [String: JSON] = [
        "type": "external_account", "audience": "//captain.api.mondoo.app/spaces/a",
        "issuerUri": "https://accounts.google.com", "tokenUrl": "https://sts.example.com/token",
        "clientId": "a@b.conductor.one/wfe", "projectId": "a",
        "roleArn": "arn:aws:iam::123456789012:role/a",
    ]

    /// A source of a kind that is no provider's.
    static func sourceExample(_ kind: String) -> String {
        "\"credentialSource\": {\"\(kind)\": \(examples[kind] ?? "...")}"
    }

    /// The key without hyphens, underscores and capitals.
    static func plain(_ key: String) -> String {
        String(key.lowercased().filter { !"-_. ".contains($0) })
    }

    /// Which of the known keys is meant by one that is not.
    static func known(for key: String, among known: some Sequence<String>) -> String? {
        let word = plain(key)
        if let same = known.first(where: { plain($0) == word }) { return same }
        if let close = nearest(to: key, among: known) { return close }
        // What was looked for last is what the kind of object has.
        return known.reversed().first { synonyms[$0]?.contains(word) == true }
    }

    /// Where a key belongs that is known elsewhere; `nil` where it is known nowhere.
    ///
    /// - Parameter place: what stands before the keys of the object that it is in, as "outputs[0].".
    static func place(of key: String, in place: String) -> String? {
        let isTop = place.isEmpty
        for (keys, name, example) in places where keys.contains(key) {
            let isHere = isTop ? name.isEmpty : !name.isEmpty && place.hasPrefix(name)
            guard !isHere else { return nil }
            guard !name.isEmpty else {
                return "write \(key) beside type, outside of \(place.prefix { !".[".contains($0) })"
            }
            let shown = example.replacingKey(with: key)
            return "move \(key) into \(name): \(shown)"
        }
        return nil
    }
}

extension String {
    fileprivate func replacingKey(with key: String) -> String {
        guard let range = firstRange(of: "KEY") else { return self }
        return String(self[..<range.lowerBound]) + key + String(self[range.upperBound...])
    }
}
