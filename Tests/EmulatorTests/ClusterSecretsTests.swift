import Serving
import Testing
import Text

@testable import wif_emulator

/// The API's Secrets, as strict as the real one's.
@Suite struct `A cluster's Secrets` {
    private let secrets = ClusterSecrets(namespace: "acme")

    private func document(
        data: JSON = ["k": "dg=="],
        version: String? = nil,
        changes: [String: JSON] = [:],
        metadata: [String: JSON] = [:]
    ) -> JSON {
        var meta: [String: JSON] = ["name": "s", "namespace": "acme"]
        meta["resourceVersion"] = version.map(JSON.string)
        meta.merge(metadata) { $1 }
        let base: [String: JSON] = [
            "apiVersion": "v1", "kind": "Secret", "metadata": .object(meta), "data": data,
        ]
        return .object(base.merging(changes) { $1 })
    }

    @discardableResult
    private func apply(
        _ document: JSON,
        by manager: String = "m",
        force: Bool = false,
        type: String = "application/apply-patch+yaml",
        query: [HTTPField] = []
    ) -> (status: Int, json: JSON?) {
        let request = HTTPServerRequest(
            method: "PATCH",
            target: "/",
            path: "/",
            query: [HTTPField("fieldManager", manager), HTTPField("force", "\(force)")] + query,
            headers: [HTTPField("content-type", type)],
            body: document.serialized()
        )
        let response = secrets.answer(request, "s")
        return (response.status, try? JSON(parsing: response.body))
    }

    private var present: JSON? {
        let request = HTTPServerRequest(method: "GET", target: "/", path: "/")
        return try? JSON(parsing: secrets.answer(request, "s").body)
    }

    private var version: String { present?["metadata"]?["resourceVersion"]?.string ?? "" }

    @Test func `the first apply makes it, a second one changes it`() {
        #expect(present?["code"] == 404)
        #expect(apply(document()).status == 201)
        #expect(present?["data"] == ["k": "dg=="])
        let old = version
        #expect(apply(document()).status == 200)
        #expect(version == old)
        #expect(apply(document(data: ["k": "dw=="], version: old)).status == 200)
        #expect(present?["data"] == ["k": "dw=="])
        #expect(version != old)
    }

    @Test func `a version that is not the present one is a conflict`() {
        apply(document())
        let reply = apply(document(data: ["k": "dw=="], version: "1"))
        #expect(reply.status == 409)
        #expect(reply.json?["details"]?["causes"] == [])
        #expect(present?["data"] == ["k": "dg=="])
    }

    @Test func `another manager's field is a conflict, unless it is forced or equal`() {
        apply(document())
        #expect(apply(document(), by: "n").status == 200)
        let reply = apply(document(data: ["k": "dw=="]), by: "n")
        #expect(reply.status == 409)
        #expect(
            reply.json?["details"]?["causes"]?.array?.first?["reason"] == "FieldManagerConflict"
        )
        #expect(apply(document(data: ["k": "dw=="]), by: "n", force: true).status == 200)
        #expect(apply(document(data: ["k": "eA=="]), by: "m").status == 409)
    }

    @Test func `what a manager does not want any more goes, and what others want stays`() {
        apply(document(data: ["a": "dg==", "b": "dg=="]), by: "m")
        apply(document(data: ["b": "dg=="]), by: "n")
        apply(document(data: [:]), by: "m")
        #expect(present?["data"] == ["b": "dg=="])
    }

    @Test func `a trial changes nothing`() {
        let trial = [HTTPField("dryRun", "All")]
        #expect(apply(document(), query: trial).status == 201)
        #expect(present?["code"] == 404)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let status: Int
        var changes: [String: JSON] = [:]
        var metadata: [String: JSON] = [:]
        var data: JSON = ["k": "dg=="]
        var manager = "m"
        var type = "application/apply-patch+yaml"
    }

    static let rows = [
        Row(testDescription: "as it should be", status: 201),
        Row(testDescription: "no manager", status: 422, manager: ""),
        Row(
            testDescription: "a long manager",
            status: 422,
            manager: String(repeating: "m", count: 129)
        ),
        Row(testDescription: "merge patch", status: 415, type: "application/merge-patch+json"),
        Row(testDescription: "no JSON type", status: 415, type: "application/json"),
        Row(testDescription: "apiVersion", status: 400, changes: ["apiVersion": "v2"]),
        Row(testDescription: "kind", status: 400, changes: ["kind": "ConfigMap"]),
        Row(testDescription: "no kind", status: 400, changes: ["kind": .null]),
        Row(testDescription: "other name", status: 400, metadata: ["name": "t"]),
        Row(testDescription: "other namespace", status: 400, metadata: ["namespace": "x"]),
        Row(testDescription: "managedFields", status: 400, metadata: ["managedFields": []]),
        Row(testDescription: "no base64", status: 400, data: ["k": "***"]),
        Row(testDescription: "no text", status: 400, data: ["k": 1]),
        Row(testDescription: "bad key", status: 422, data: ["a b": "dg=="]),
        Row(
            testDescription: "long annotation",
            status: 422,
            metadata: ["annotations": .object(["a/" + String(repeating: "b", count: 64): "x"])]
        ),
        Row(
            testDescription: "annotation's prefix",
            status: 422,
            metadata: ["annotations": ["A_b/c": "x"]]
        ),
    ]

    @Test(arguments: rows)
    func `a document is held against the rules`(row: Row) {
        let sent = document(data: row.data, changes: row.changes, metadata: row.metadata)
        #expect(apply(sent, by: row.manager, type: row.type).status == row.status)
    }

    @Test func `kubectl's create owns what it creates`() {
        let request = HTTPServerRequest(
            method: "POST",
            target: "/",
            path: "/",
            query: [HTTPField("fieldManager", "kubectl-create")],
            body: document().serialized()
        )
        #expect(secrets.answer(request, nil).status == 201)
        #expect(secrets.answer(request, nil).status == 409)
        #expect(apply(document(data: ["k": "dw=="])).status == 409)
    }
}
