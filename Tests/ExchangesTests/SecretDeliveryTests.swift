import Crypto
import Federation
import FoundationEssentials
import HTTP
import Kernel
import NetworkTestSupport
import TestSupport
import Testing
import Text
import TokenSources
import Worker

/// <https://kubernetes.io/docs/reference/using-api/server-side-apply/>
@Suite(.timeLimit(.minutes(1)))
final class SecretDeliveryTests {
    static let podToken = unsignedJWT(
        #"{"iss":"https://k","sub":"system:serviceaccount:pods:scan","exp":1704168200}"#
    )

    let place = ScratchDirectory()
    let time = VirtualTimekeeper(wallClock: testDate)

    init() throws {
        for (name, text) in [("token", Self.podToken), ("namespace", "pods\n"), ("ca.crt", "x")] {
            try Data(text.utf8).write(to: URL(filePath: place(name)))
        }
    }

    var marker: String {
        "wif-agent/key-\(String(hexadecimal(sha256(Array("token".utf8))).prefix(16)))"
    }

    func change(
        _ action: SecretChange.Action,
        namespace: String? = "acme",
        force: Bool = false,
        audience: String = mondooScope,
        former: [String] = [],
        issuedAt: WallTime = testDate
    ) throws -> SecretChange {
        var secret = KubernetesSecret(namespace: namespace, name: "mondoo", key: "token")
        (secret.overwrites, secret.directory) = (force, place.path)
        return SecretChange(
            action,
            secret,
            of: try account(["audience": .string(audience)]),
            formerIdentities: former,
            issuedAt: issuedAt,
            expiresAt: issuedAt.advanced(bySeconds: 3600)
        )
    }

    func result(
        _ change: SecretChange,
        _ network: ScriptedTransport,
        environment: [String: String] = [
            "KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "6443",
        ]
    ) async -> JobResult {
        let job = Job(
            id: 3,
            kind: .secret(change),
            path: "/etc/wif-agent/test.json",
            document: accountDocument(),
            environment: environment
        )
        return await JobRunner(
            job: job,
            deadline: time.now.advanced(bySeconds: job.timeout),
            transport: network,
            timekeeper: time
        ).result()
    }

    /// A Secret as the API gives it out, with what an annotation says of the key.
    func secret(
        _ version: String = "7",
        audience: String? = nil,
        account name: String = "other",
        issuedAt: WallTime = testDate.advanced(bySeconds: -60),
        livesOn seconds: Double = 3540
    ) throws -> HTTPResponse {
        var annotations: [String: JSON] = [:]
        if let audience {
            let identity = try account(["audience": .string(audience)]).identity.textWithoutSecrets
            let expires = testDate.advanced(bySeconds: seconds).secondsSinceEpoch
            let mark: JSON = [
                "key": "token", "account": .string(name),
                "identity": .string(hexadecimal(sha256(Array(identity.utf8)))),
                "issued": .integer(Int64(issuedAt.secondsSinceEpoch * 1000)),
                "expires": .integer(Int64(expires * 1000)),
            ]
            annotations[marker] = .string(String(decoding: mark.serialized(), as: UTF8.self))
        }
        let json: JSON = [
            "apiVersion": "v1", "kind": "Secret", "data": ["token": "b2xkLWNyZWRlbnRpYWw="],
            "metadata": [
                "name": "mondoo", "resourceVersion": .string(version),
                "annotations": .object(annotations),
            ],
        ]
        return .text(200, String(decoding: json.serialized(), as: UTF8.self))
    }

    func status(_ code: Int, _ message: String, cause: String? = nil) -> HTTPResponse {
        let causes: [JSON] = cause.map { [["reason": .string($0)]] } ?? []
        let json: JSON = [
            "kind": "Status", "status": "Failure", "message": .string(message),
            "details": ["causes": .array(causes)], "code": .integer(Int64(code)),
        ]
        return .text(code, String(decoding: json.serialized(), as: UTF8.self))
    }

    /// Answers GETs and PATCHes each in order, the last for ever.
    func network(_ gets: [HTTPResponse], _ patches: [HTTPResponse]) -> ScriptedTransport {
        let counts = Box()
        return ScriptedTransport { request, number in
            guard request.method == "PATCH" else {
                return gets[min(number - counts.all.count, gets.count - 1)]
            }
            defer { counts.add("PATCH") }
            return patches[min(counts.all.count, patches.count - 1)]
        }
    }

    func body(_ request: HTTPRequest) throws -> JSON {
        try JSON(parsing: try #require(request.body).bytes)
    }

    func failure(_ result: JobResult) throws -> Failure {
        guard case .failure(let failure) = result.outcome else {
            Issue.record("\(result.outcome)")
            throw Failure(.transient, at: .worker, "no failure")
        }
        return failure
    }

    func isDone(_ result: JobResult) -> Bool {
        if case .data = result.outcome { true } else { false }
    }

    // MARK: What is sent

    @Test func `a Secret that is there is applied with its version`() async throws {
        let network = network([try secret()], [try secret("8")])
        let result = await result(try change(.write(Secret("new"))), network)
        #expect(isDone(result), "\(result.outcome)")
        #expect(result.warnings.isEmpty)
        let url = "https://10.0.0.1:6443/api/v1/namespaces/acme/secrets/mondoo"
        #expect(network.sent.map(\.method) == ["GET", "PATCH"])
        #expect(network.sent[0].url == url)
        let patch = network.sent[1]
        #expect(patch.url == "\(url)?fieldManager=wif-agent.token&force=false")
        #expect(patch.trust == .file(place("ca.crt")))
        #expect(patch.route == .direct)
        #expect(
            Set(patch.headerLines) == [
                "Authorization: Bearer \(Self.podToken)", "Accept: application/json",
                "Content-Type: application/apply-patch+yaml",
            ]
        )
        let sent = try body(patch)
        #expect(sent["apiVersion"] == "v1")
        #expect(sent["kind"] == "Secret")
        #expect(sent["data"] == ["token": "bmV3"])
        let metadata = try #require(sent["metadata"]?.object)
        #expect(metadata["name"] == "mondoo")
        #expect(metadata["namespace"] == "acme")
        #expect(metadata["resourceVersion"] == "7")
        let mark = try JSON(
            parsing: try #require(metadata["annotations"]?[marker]?.string).utf8
        )
        #expect(mark["account"] == "test")
        #expect(mark["key"] == "token")
        #expect(mark["issued"] == .integer(1_704_164_645_000))
        #expect(mark["issuedAt"] == "2024-01-02T03:04:05Z")
        #expect(mark["expiresAt"] == "2024-01-02T04:04:05Z")
    }

    @Test func `one that is missing is made first, empty and by another manager`() async throws {
        let network = network([status(404, "not found")], [try secret("1"), try secret("2")])
        let result = await result(try change(.write(Secret("new"))), network)
        #expect(isDone(result), "\(result.outcome)")
        #expect(network.sent.map(\.method) == ["GET", "PATCH", "PATCH"])
        #expect(network.sent[1].url.hasSuffix("?fieldManager=wif-agent&force=false"))
        let made = try body(network.sent[1])
        #expect(made["data"] == nil)
        #expect(made["type"] == "Opaque")
        #expect(made["metadata"]?["resourceVersion"] == nil)
        #expect(made["metadata"]?["labels"] == ["app.kubernetes.io/managed-by": "wif-agent"])
        #expect(try body(network.sent[2])["metadata"]?["resourceVersion"] == "1")
    }

    @Test func `without a namespace it is the pod's own`() async throws {
        let network = network([try secret()], [try secret()])
        _ = await result(try change(.write(Secret("new")), namespace: nil), network)
        #expect(network.sent[0].url.contains("/namespaces/pods/secrets/"))
        #expect(try body(network.sent[1])["metadata"]?["namespace"] == "pods")
    }

    @Test func `force is passed on`() async throws {
        let network = network([try secret(audience: "other")], [try secret()])
        let result = await result(try change(.write(Secret("new")), force: true), network)
        #expect(isDone(result), "\(result.outcome)")
        #expect(network.sent[1].url.hasSuffix("&force=true"))
    }

    // MARK: Refusals

    struct Refusal: Sendable, CustomTestStringConvertible {
        let code: Int
        var message = "because"
        var cause: String?
        let `class`: Failure.Class
        var hint: String?

        var testDescription: String { "\(code) \(cause ?? "")" }
    }

    static let refusals = [
        Refusal(
            code: 401,
            class: .misconfigured,
            hint: "the API server does not take the pod's own token"
        ),
        Refusal(
            code: 403,
            message:
                "admission webhook \"v.gatekeeper.sh\" denied the request: team",
            class: .misconfigured,
            hint: "a policy of the cluster denies the change, for the reason above"
        ),
        Refusal(
            code: 500,
            message: "Internal error occurred: failed calling webhook \"x\"",
            class: .transient,
            hint: "an admission webhook of the cluster does not answer"
        ),
        Refusal(
            code: 403,
            message:
                "secrets \"mondoo\" is forbidden: User \"x\" cannot patch resource \"secrets\"",
            class: .misconfigured,
            hint: "the service account pods/scan needs a role in the namespace acme that allows"
        ),
        Refusal(
            code: 409,
            message: "Apply failed with 1 conflict: conflict with \"kubectl\": .data.token",
            cause: "FieldManagerConflict",
            class: .misconfigured,
            hint: "another field manager wrote this key"
        ),
        Refusal(code: 404, class: .misconfigured, hint: "kubectl create namespace acme"),
        Refusal(
            code: 422,
            message: "field is immutable when `immutable` is set",
            class: .misconfigured,
            hint: "the Secret acme/mondoo is immutable"
        ),
        Refusal(code: 415, class: .misconfigured), Refusal(code: 429, class: .throttled),
        Refusal(code: 500, class: .transient), Refusal(code: 503, class: .transient),
    ]

    @Test(arguments: refusals)
    func `a refusal says what to do`(row: Refusal) async throws {
        let network = network([try secret()], [status(row.code, row.message, cause: row.cause)])
        let failure = try failure(await result(try change(.write(Secret("new"))), network))
        #expect(failure.class == row.class)
        #expect(failure.step == .output)
        #expect(failure.message.hasPrefix("the cluster's API answers"))
        #expect(failure.message.hasSuffix("\(row.code) to patch: \(row.message)"))
        if let hint = row.hint {
            #expect(failure.hint?.hasPrefix(hint) == true, "\(failure.hint ?? "")")
        } else {
            #expect(failure.hint == nil)
        }
    }

    @Test func `403 to reading names the verb that is missing`() async throws {
        let network = network([status(403, "no")], [try secret()])
        let failure = try failure(await result(try change(.write(Secret("new"))), network))
        #expect(failure.hint?.contains("allows get of secrets") == true)
        #expect(failure.hint?.contains("secret-role.yaml") == true)
    }

    @Test func `no answer, no cluster, no token and no Secret are told apart`() async throws {
        let change = try change(.write(Secret("new")))
        let dead = ScriptedTransport([.failure(.blackholed)])
        let unanswered = try failure(await result(change, dead))
        #expect(unanswered.class == .transient)
        #expect(unanswered.step == .output)
        let outside = try failure(await result(change, dead, environment: [:]))
        #expect(outside.class == .misconfigured)
        #expect(outside.message.contains("KUBERNETES_SERVICE_HOST is not set"))
        #expect(outside.hint?.contains("automountServiceAccountToken") == true)
        let page = network([.text(200, "<html>")], [])
        #expect(try failure(await result(change, page)).message.contains("is not JSON"))
        let pods = network([.text(200, #"{"kind":"Pod","metadata":{}}"#)], [])
        #expect(try failure(await result(change, pods)).message.contains("is not a Secret"))
        try FileManager.default.removeItem(atPath: place("token"))
        let bare = try failure(await result(change, dead))
        #expect(bare.class == .misconfigured)
        #expect(bare.message.contains("\(place("token")) "))
    }

    @Test func `what the Secret held is in no text`() async throws {
        let network = network(
            [try secret()],
            [status(422, "invalid: b2xkLWNyZWRlbnRpYWw= and new-credential-1 and \(Self.podToken)")]
        )
        let change = try change(.write(Secret("new-credential-1")))
        let failure = try failure(await result(change, network))
        #expect(!failure.message.contains("new-credential-1"))
        #expect(!failure.message.contains(Self.podToken))
    }

    // MARK: Removal and looking

    @Test func `what the account wrote is given up, and nothing else`() async throws {
        let rows: [(HTTPResponse, Bool)] = [
            (try secret(audience: mondooScope), true),
            (try secret(audience: mondooScope, issuedAt: testDate.advanced(bySeconds: 1)), false),
            (try secret(audience: "//other"), false), (try secret(), false),
            (status(404, "not found"), false),
        ]
        for (found, isRemoved) in rows {
            let network = network([found], [try secret()])
            #expect(isDone(await result(try change(.remove), network)))
            #expect(network.sent.map(\.method) == (isRemoved ? ["GET", "PATCH"] : ["GET"]))
            guard isRemoved else { continue }
            let sent = try body(network.sent[1])
            #expect(sent["data"] == nil)
            #expect(sent["metadata"]?["annotations"] == nil)
            #expect(sent["metadata"]?["resourceVersion"] == "7")
        }
    }

    @Test func `looking changes nothing`() async throws {
        for found in [try secret(), status(404, "not found")] {
            let network = network([found], [try secret()])
            #expect(isDone(await result(try change(.look), network)))
            #expect(network.sent.map(\.method) == ["GET", "PATCH"])
            #expect(network.sent[1].url.hasSuffix("&dryRun=All"))
        }
        let refused = network([try secret()], [status(403, "no")])
        #expect(try failure(await result(try change(.look), refused)).class == .misconfigured)
    }
}
