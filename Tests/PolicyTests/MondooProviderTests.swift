import Policy
import Testing
import Text

@Suite struct `A Mondoo identity provider` {
    static let input: [String: JSON] = [
        "scopeMrn": "//captain.api.mondoo.app/spaces/s1", "name": "n", "subject": "s",
        "issuerUri": "https://issuer.example", "allowedAudiences": ["a"],
        "mappings": [["key": "jwt_claims.a", "value": "b"]],
        "roles": ["//iam.api.mondoo.app/roles/viewer"],
    ]

    private static func scope(_ text: String) -> [String: JSON] { ["scopeMrn": .string(text)] }
    private static func issuer(_ text: String) -> [String: JSON] { ["issuerUri": .string(text)] }
    private static func role(_ text: String) -> [String: JSON] { ["roles": [.string(text)]] }
    private static func noScope(_ text: String) -> String {
        "scopeMrn \(text) is not the MRN of a space, an organization or the platform"
    }

    static let rows: [(change: [String: JSON], problem: String?)] = [
        ([:], nil),
        (["name": "n "], #"name "n " has a space before or after it"#),
        (["subject": " s"], #"subject " s" has a space before or after it"#),
        (["allowedAudiences": [" a"]], #"allowedAudiences " a" has a space before or after it"#),
        (["mappings": [["key": "a", "value": "b"]]], "the mapping a has an unknown prefix"),
        (scope("//captain.api.mondoo.app/organizations/o1"), nil),
        (scope("//captain.api.mondoo.app"), nil), (scope("//platform.api.mondoo.app/x/y"), nil),
        (
            scope("//captain.api.mondoo.app/users/u1"), noScope("//captain.api.mondoo.app/users/u1")
        ),
        (
            scope("//captain.api.mondoo.app/spaces/"), noScope("//captain.api.mondoo.app/spaces/")
        ),
        (scope("a/b/c.d"), noScope("a/b/c.d")), (scope("//captain"), noScope("//captain")),
        (scope("s1"), noScope("s1")), (scope("/a.b"), noScope("/a.b")),
        (issuer("http://issuer.example"), "issuerUri http://issuer.example is not https"),
        (issuer("http://127.0.0.1:80/x"), nil), (issuer("issuer.example"), nil),
        (role("viewer"), "the role viewer is not an MRN"),
        (role("//iam.api.mondoo.app/roles/"), "the role //iam.api.mondoo.app/roles/ is not an MRN"),
        (
            role("//iam.api.mondoo.app/roles/a/b"),
            "the role //iam.api.mondoo.app/roles/a/b is not an MRN"
        ),
    ]

    @Test(arguments: rows)
    func `is refused as Mondoo's interface refuses it`(change: [String: JSON], problem: String?) {
        let input = JSON.object(Self.input.merging(change) { $1 })
        do throws(PolicyError) {
            try MondooProvider.check(input)
            #expect(problem == nil)
        } catch {
            #expect(error.problem == problem)
        }
    }
}
