import Federation
import Kernel
import Testing
import Text

/// What is advised has the value to write in it, where that is known.
@Suite struct AdviceTests {
    private func error(_ text: String) throws -> AccountError {
        try #require(throws: AccountError.self) {
            _ = try Account(parsing: Secret(text.utf8), path: AccountFixture.path)
        }
    }

    @Test(arguments: [
        (
            "{\n  \"audience\": \"//captain.api.mondoo.app/spa\n    ces/demo\",\n  \"type\": \"x\"\n}",
            "the string of \"audience\" goes on from line 2 to line 3",
            "behind line 2, without the line break and the blanks between them: \"audience\":"
                + " \"//captain.api.mondoo.app/spaces/demo\","
        ),
        (
            "{\n  \"secret\": \"abc\n    def\n    ghi\"\n}",
            "goes on from line 2 to line 4", "put what stands in lines 3 to 4 behind line 2"
        ),
        (
            "{\n  \"type\": \"x,\n  \"a\": \"b\"\n}", "at the end of line 2 is not closed",
            "put the missing quote at the end of line 2, before the comma"
        ),
        (
            "{\n  \"type\": \"x\n}", "at the end of line 2 is not closed",
            "put the missing quote at the end of line 2"
        ),
        ("{\n  \"type\": \"a\tb\"\n}", "a tab stands in a string in line 2", "delete the tab"),
    ])
    func `a line's end in a string is a break or a missing quote`(
        text: String,
        cause: String,
        hint: String
    ) throws {
        let error = try error(text)
        #expect(error.message.contains(cause), "\(error)")
        #expect(error.hint?.contains(hint) == true, "\(error)")
        #expect(error.hint?.contains("def") != true, "a value that may be secret")
    }

    @Test(arguments: [
        (
            "arn:aws:iam::12345678901:role/scanner", "has 11 digits",
            "write \"roleArn\": \"arn:aws:iam::012345678901:role/scanner\""
        ),
        (
            "arn:aws:iam::1234-5678-9012:role/scanner", "other characters than digits",
            "write \"roleArn\": \"arn:aws:iam::123456789012:role/scanner\""
        ),
        ("arn:aws:iam::1234567890123:role/a", "has 13 digits", "write the account's 12 digits"),
        ("arn:aws:iam::123456789012:user/a", "not the ARN of a role", "something else (user)"),
        (
            "arn:aws:sts::123456789012:assumed-role/a/b", "not the ARN of a role",
            "arn:aws:iam::123456789012:role/a"
        ),
        ("scanner", "not the ARN of a role", "arn:aws:iam::ACCOUNT:role/NAME, with 12 digits"),
    ])
    func `a role's ARN is corrected`(arn: String, cause: String, hint: String) throws {
        let error = try error(
            "{\"type\":\"external_account\",\"service\":\"aws\",\"roleArn\":\"\(arn)\"}"
        )
        #expect(error.message.contains(cause), "\(error)")
        #expect(error.hint?.contains(hint) == true, "\(error)")
    }

    @Test func `a region that is nearly one is told with the key that names it`() throws {
        let text =
            "{\"type\":\"external_account\",\"service\":\"aws\",\"region\":\"eu-central1\",\"roleArn\":"
            + "\"arn:aws:iam::123456789012:role/a\"}"
        let account = try Account(parsing: Secret(text.utf8), path: AccountFixture.path)
        #expect(
            account.service.addressOddity
                == "there is no region eu-central1: write eu-central-1 in region in the account file"
        )
        let variable = try Account(
            parsing: Secret(text.replacing("\"region\":\"eu-central1\",", with: "").utf8),
            path: AccountFixture.path,
            environment: ["AWS_REGION": "eucentral-1"]
        )
        #expect(variable.service.addressOddity?.hasSuffix("in the variable AWS_REGION") == true)
    }

    @Test(arguments: [
        "//captain.api.mondoo.app/spaces/demo/wifAuthBindings/2kP1",
        "//captain.api.mondoo.app/spaces/demo/serviceaccounts/1",
        "//iam.api.mondoo.app/spaces/demo/things/1",
    ])
    func `the MRN of what is in a scope is not the scope's`(audience: String) throws {
        let account = try AccountFixture.parse(["audience": .string(audience)])
        let hint = account.warnings.first?.hint
        #expect(hint == "write //captain.api.mondoo.app/spaces/demo", "\(account.warnings)")
    }

    @Test func `a client with a secret is told from a trust`() throws {
        let error = try error(
            """
            {"type":"external_account","clientId":"quiet-bear-20002@acme.conductor.one/pcc",\
            "clientSecret":"x"}
            """
        )
        #expect(error.hint?.contains("remove clientSecret, and write in clientId") == true)
        #expect(error.hint?.contains("ends in /wfe") == true)
    }

    @Test func `a service account's file is told once, with what to put in its place`() {
        let text =
            "{\"private_key\":\"x\",\"certificate\":\"a\\nb\",\"space_mrn\":\"//captain.api.mondoo.app/spaces/demo\"}"
        let errors = Account.errors(in: Secret(text.utf8), path: AccountFixture.path)
        #expect(errors.count == 1, "\(errors)")
        let hint = errors.first?.hint ?? ""
        #expect(hint.contains("provider create --scope //captain.api.mondoo.app/spaces/demo"))
        #expect(hint.contains("Remove this key"))
    }

    @Test(arguments: [
        (["SUDO_USER": "runner", "SUDO_UID": "1001"], "run it without sudo"),
        ([:], nil),
        (["SUDO_USER": "runner", "SUDO_UID": "1001", "ACTIONS_ID_TOKEN_REQUEST_URL": "x"], nil),
    ])
    func `a job's variables that sudo took away are told of`(
        environment: [String: String],
        hint: String?
    ) {
        let place = SourcePlace(
            environment: environment,
            advice: nil,
            text: { _ in nil },
            isThere: { _ in false }
        )
        let found = TokenPlatform.github.facts.remark(place)
        #expect((found?.hint.hasPrefix(hint ?? "-") ?? false) == (hint != nil), "\(found as Any)")
        if hint != nil {
            let names = "ACTIONS_ID_TOKEN_REQUEST_URL,ACTIONS_ID_TOKEN_REQUEST_TOKEN"
            #expect(found?.hint.contains("sudo --preserve-env=\(names)") == true)
        }
    }

    @Test func `a token with fewer claims than another of its job's is told`() {
        let facts = TokenPlatform.circleci.facts.tokens
        #expect(facts?.lack(["iss": "x"])?.contains("CIRCLE_OIDC_TOKEN_V2") == true)
        #expect(facts?.lack(["oidc.circleci.com/vcs-origin": "x"]) == nil)
    }
}
