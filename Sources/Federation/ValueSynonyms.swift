import Text

/// Other words for the values of keys that take one of a list: those of the vendors, and of other programs.
enum ValueSynonyms {
    /// What to write for a word that is none of a key's values; `nil` where it is not known.
    ///
    /// - Parameter names: the values that the key takes.
    static func meant(by word: String, of key: String, among names: [String]) -> String? {
        let word = KeyGuess.plain(word)
        let same = names.first { KeyGuess.plain($0) == word }
        if key == "provider" { return same ?? provider(word) }
        return same ?? words[key]?.first { names.contains($0.key) && $0.value.contains(word) }?.key
    }

    /// The provider that a word stands for.
    static func meant(by word: String) -> String? {
        provider(KeyGuess.plain(word))
    }

    private static func provider(_ word: String) -> String? {
        TokenPlatform.allCases.first { $0.facts.otherWords.contains(word) }?.rawValue
    }

    /// By key and value, without hyphens and in lower case.
    private static let words: [String: [String: Set<String>]] = [
        "service": [
            "conductorone": ["c1", "conductor"],
            "bright": ["brightsec", "nexploit", "neuralegion", "brightsecurity"],
            "oauth": [
                "oidc", "oauth2", "rfc8693", "sts", "tokenexchange", "vault", "keycloak", "entra",
                "okta", "custom", "generic",
            ],
            "google": ["googlecloud", "googleapis"],
            ServiceName.aws.rawValue: ["amazon", "iam", "assumerole"],
            "token": ["none", "raw", "jwt", "oidctoken", "idtoken", "passthrough"],
        ],
        "format": [
            "json": ["yaml", "yml", "serviceaccount", "file", "mondoo", "credentials"],
            "raw": ["text", "plain", "txt", "token", "jwt", "string", "bearer"],
            "env": ["shell", "sh", "bash", "export", "profile"],
            "envfile": ["dotenv", "environment", "environmentfile", "systemd", "dockerenv"],
            "header": ["curl", "http", "authorization"],
            "ini": ["awscredentials", "toml"],
            "directory": ["dir", "folder", "volume"],
            "socket": ["unix", "sock", "unixsocket"],
            Destination.kubernetesSecret.rawValue: ["secret", "k8ssecret", "k8s"],
            "template": ["tpl", "jinja", "mustache", "gotemplate"],
        ],
        "grant": [
            "token-exchange": ["urn:ietf:params:oauth:granttype:tokenexchange", "exchange"],
            "jwt-bearer": ["urn:ietf:params:oauth:granttype:jwtbearer", "jwt", "assertion"],
            "client-credentials": ["clientassertion", "privatekeyjwt"],
            "login": ["vault"],
        ],
        "action": [
            "try-restart": ["condrestart"],
            "reload-or-restart": ["reloadorrestart", "start"],
        ],
        "onExpiry": [
            "remove": ["delete", "unlink", "purge", "clear"], "keep": ["ignore", "none", "leave"],
        ],
        "requestFormat": [
            "form": ["urlencoded", "xwwwformurlencoded", "application/xwwwformurlencoded"],
            "json": ["application/json"],
        ],
        "content": [
            "raw": ["text", "plain", "token"], "json": ["yaml"], "envfile": ["dotenv"],
        ],
    ]
}
