import Text

/// A JSON document of another kind that people take for an account file.
struct OtherFile {
    /// What it is; a sentence.
    let problem: String
    /// What to give in its place.
    let hint: String

    private init(_ problem: String, _ hint: String) {
        (self.problem, self.hint) = (problem, hint)
    }

    /// `nil` where the document is none of those that are known.
    init?(_ object: [String: JSON]) {
        let type = object["type"]?.string
        if object["sops"]?.object != nil {
            self.init(
                "this file is encrypted with SOPS, each value by itself",
                "decrypt it where it is used: sops --decrypt FILE > PLAIN, and name PLAIN"
            )
            return
        }
        guard type != "external_account" else { return nil }
        if let type, let found = Self.ofGoogle(type, object) {
            self = found
            return
        }
        if object["apiVersion"] != nil, let kind = object["kind"]?.string {
            self.init(
                "this is a manifest for a cluster (\(kind.printable)), and no account stands in it",
                "save the account itself, {\"type\": \"external_account\", ...}"
            )
            return
        }
        guard type == nil else { return nil }
        let found = Self.kinds.first { kind in kind.keys.allSatisfy { object[$0] != nil } }
        guard let found else { return nil }
        self.init(found.problem, found.hint)
    }

    /// Files of Google's libraries. google.auth, `_default.py`
    private static func ofGoogle(_ type: String, _ object: [String: JSON]) -> OtherFile? {
        switch type {
        case "service_account" where object["client_email"] != nil:
            let whose = object["client_email"]?.string.map { " (\($0.printable))" } ?? ""
            return OtherFile(
                "this is the key of a Google service account\(whose), a credential that does not expire, and"
                    + " not an account file",
                "give wif-agent an external_account file: for Google the one that gcloud iam"
                    + " workload-identity-pools create-cred-config writes, else the one of the service's"
                    + " console; nothing here needs the key, delete it if nothing else does"
            )
        case "authorized_user", "external_account_authorized_user":
            return OtherFile(
                "this is a person's login of gcloud (\(type)), and not an account file",
                "a workload has an external_account file: gcloud iam workload-identity-pools"
                    + " create-cred-config writes Google's, the service's console any other"
            )
        case "impersonated_service_account":
            return OtherFile(
                "this file of gcloud stands for a service account by way of another login"
                    + " (\(type)), and is not an account file",
                "make an external_account file: gcloud iam workload-identity-pools create-cred-config"
                    + " --service-account=EMAIL"
            )
        default: return nil
        }
    }

    private static let consoleHint =
        "save the file that the service's console generates for a workload, with \"type\":"
        + " \"external_account\""

    private static let kinds: [(keys: [String], problem: String, hint: String)] = [
        (
            ["issuer", "jwks_uri"],
            "this is an issuer's discovery document, and not an account file",
            "\(consoleHint); the issuer's URL alone goes into it, as issuerUri"
        ),
        (["keys"], "these are an issuer's keys (JWKS), and no account file", consoleHint),
        (
            ["access_token"], "this is a service's reply with a token, and not an account file",
            consoleHint
        ),
        (
            ["id_token"], "this is a service's reply with a token, and not an account file",
            consoleHint
                + ", and name this one in it: \"credentialSource\": {\"file\": PATH, \"format\":"
                + " {\"type\": \"json\", \"subjectTokenFieldName\": \"id_token\"}}"
        ),
        (
            ["AccessKeyId", "SecretAccessKey"],
            "these are access keys, and not an account file",
            consoleHint
        ),
        (
            ["Credentials"],
            "this is an answer with access keys in it, and not an account file", consoleHint
        ),
        (
            ["clientId", "clientSecret"],
            "this file holds a client's secret (clientSecret), and is not an account file",
            "\(consoleHint); it holds no secret"
        ),
        (
            ["client_id", "client_secret"],
            "this file holds a client's secret (client_secret), and is not an account file",
            "\(consoleHint); it holds no secret"
        ),
        (
            ["auths"], "this is a file of logins of Docker, and not an account file", consoleHint
        ),
        (
            ["installed"], "this is an OAuth client of Google's, and not an account file",
            consoleHint
        ),
        (["errors"], "this is an error that an API answered, and not an account file", consoleHint),
        (["data"], replyOfAPI, replyHint), (["config"], replyOfAPI, replyHint),
    ]

    /// What is said of a reply that was saved whole.
    static let replyOfAPI = "this is a reply of Mondoo's GraphQL API, not an account file"
    static let replyHint =
        "save its member config alone; wif-agent provider get MRN --out FILE does"
}
