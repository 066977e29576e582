import Federation
import Serving
import Testing
import Text

@testable import wif_emulator

@Suite struct `Injected faults` {
    @Test func `the first that fits happens, as often as it may`() throws {
        let list = FaultList(
            try Fault.list(
                JSON(
                    parsing: Array(
                        """
                        [{"match":{"path":"/a","method":"POST"},"status":500,"times":1},
                         {"match":{"role":"mondoo"},"status":501,"skip":1},
                         {"match":{"host":"h"},"status":502}]
                        """.utf8
                    )
                )
            )
        )
        func status(_ method: String, _ path: String, _ role: String?) -> Int? {
            let request = HTTPServerRequest(
                method: method,
                target: path,
                path: path,
                query: [],
                headers: [HTTPField("host", "h")]
            )
            return list.take(for: request, role: role)?.fault.status
        }
        #expect(status("POST", "/a/b", "mondoo") == 500)
        #expect(status("POST", "/a/b", "mondoo") == 502)
        #expect(status("POST", "/a/b", "mondoo") == 501)
        #expect(status("GET", "/", "gcp") == 502)
        list.remove(nil)
        #expect(status("GET", "/", "gcp") == nil)
    }

    @Test(arguments: [
        "1", #"{"status":99}"#, #"{"status":"x"}"#, #"{"delay":-1}"#, #"{"drop":"somewhere"}"#,
        #"{"match":{"port":"1"}}"#, #"{"match":1}"#, #"{"headers":{"a":1}}"#, #"{"endless":1}"#,
        #"{"grpc":17}"#, #"{"redirect":1}"#,
    ])
    func `what is no fault is refused`(text: String) {
        #expect(throws: UsageError.self) { try Fault.list(JSON(parsing: Array(text.utf8))) }
    }

    @Test func `a fault without a status changes the real answer`() async throws {
        let fault = try Fault(
            JSON(parsing: Array(#"{"headers":{"X-A":null,"X-B":"1"},"size":9}"#.utf8))
        )
        let response = await fault.distort {
            HTTPServerResponse(
                status: 200,
                headers: [HTTPField("x-a", "0"), HTTPField("X-C", "2")],
                body: Array("real".utf8)
            )
        }
        #expect(response.status == 200)
        #expect(response.headers == [HTTPField("X-C", "2"), HTTPField("X-B", "1")])
        #expect(response.body == Array("real     ".utf8))
    }

    @Test func `a fault with a status keeps the real answer from being made`() async throws {
        let fault = try Fault(JSON(parsing: Array(#"{"grpc":8}"#.utf8)))
        let response = await fault.distort {
            Issue.record("the real answer was made")
            return HTTPServerResponse(status: 200)
        }
        #expect(response.status == 429)
        #expect(try JSON(parsing: response.body)["code"] == 8)
    }
}
