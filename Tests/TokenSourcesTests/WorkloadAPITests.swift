import Federation
import HTTP
import Kernel
import NetworkTestSupport
import TestSupport
import Testing
import Text

@testable import TokenSources

/// SPIFFE's Workload API: what is sent, and what is made of each reply.
@Suite(.timeLimit(.minutes(1)))
struct WorkloadAPITests {
    private static let svid = unsignedJWT(
        #"{"iss":"https://spire.example","sub":"spiffe://d/w","aud":["aud"]}"#
    )

    /// Field 1 of the reply: an SVID with its id, the token and a hint.
    private static func reply(_ token: String) -> [UInt8] {
        var svid: [UInt8] = []
        for (field, text) in [(1, "spiffe://d/w"), (2, token), (3, "hint")] {
            svid += [UInt8(field << 3 | 2)] + length(text.utf8.count) + text.utf8
        }
        return framed([0x0A] + length(svid.count) + svid)
    }

    private static func length(_ count: Int) -> [UInt8] {
        count < 128 ? [UInt8(count)] : [UInt8(count & 0x7F | 0x80), UInt8(count >> 7)]
    }

    private static func framed(_ message: [UInt8]) -> [UInt8] {
        [0, 0, 0, UInt8(message.count >> 8), UInt8(message.count & 0xFF)] + message
    }

    private func response(
        _ body: [UInt8],
        _ trailers: [(name: String, value: String)] = [("grpc-status", "0")]
    ) -> HTTPResponse {
        var response = HTTPResponse(status: 200, body: Secret(body))
        response.trailers = trailers
        return response
    }

    private func source(_ place: borrowing ScratchDirectory, id: String? = nil) throws
        -> TokenSource
    {
        try write("", place("socket"))
        return .spiffe(.workloadAPI(socket: place("socket"), id: id))
    }

    @Test func `one call, with the header and the message of the standard`() async throws {
        let place = ScratchDirectory()
        let network = ScriptedTransport([.success(response(Self.reply(Self.svid)))])
        let found = try await context(network, audience: "aud")
            .subjectToken(from: try source(place, id: "spiffe://d/w"))
        #expect(found.token.value.text == Self.svid)
        #expect(found.token.source == "spiffe")
        #expect(found.token.isRenewable)
        let request = try #require(network.sent.first)
        #expect(request.url == "http://localhost/SpiffeWorkloadAPI/FetchJWTSVID")
        #expect(request.unixSocket == place("socket"))
        #expect(request.speaksHTTP2)
        #expect(
            request.headerLines == [
                "Content-Type: application/grpc", "TE: trailers", "workload.spiffe.io: true",
            ]
        )
        #expect(
            request.body?.bytes == [0, 0, 0, 0, 19, 0x0A, 3] + "aud".utf8 + [0x12, 12]
                + "spiffe://d/w".utf8
        )
    }

    @Test func `the socket is where the variable says`() async throws {
        let place = ScratchDirectory()
        try write("", place("socket"))
        let network = ScriptedTransport([.success(response(Self.reply(Self.svid)))])
        let source = TokenSource.spiffe(.workloadAPI(socket: nil, id: nil))
        let environment = ["SPIFFE_ENDPOINT_SOCKET": "unix://\(place("socket"))"]
        let found = try await context(network, environment: environment, audience: "aud")
            .subjectToken(from: source)
        #expect(found.token.value.text == Self.svid)
        for (environment, text) in [
            ([:], "SPIFFE_ENDPOINT_SOCKET is not set"),
            (["SPIFFE_ENDPOINT_SOCKET": "tcp://h:1"], "is not a Unix socket: tcp://h:1"),
            (["SPIFFE_ENDPOINT_SOCKET": "/no/such"], "/no/such: No such file"),
        ] {
            let error = await failure(source, context(network, environment: environment))
            #expect(error?.message.contains(text) == true, "\(error?.message ?? "")")
        }
    }

    /// A body, trailers, a part of the message, how often it is asked.
    static let failures: [([UInt8], [(name: String, value: String)], String, Bool)] = [
        (
            [], [("grpc-status", "7"), ("grpc-message", "no%20identity issued")],
            "(PERMISSION_DENIED): no identity issued", true
        ),
        ([], [("grpc-status", "14")], "gRPC status 14", true),
        ([], [("grpc-status", "3"), ("grpc-message", "no header")], "refuses the request", false),
        ([], [("grpc-status", "12")], "another program than a Workload API", false),
        ([], [], "answered with HTTP status 200 and no gRPC status", false),
        ([], [("grpc-status", "0")], "something else than a JWT-SVID", false),
        ([0, 0, 0, 0, 9, 1], [("grpc-status", "0")], "something else than a JWT-SVID", false),
        (framed([0x0A, 0x7F]), [("grpc-status", "0")], "something else than a JWT-SVID", false),
        (framed([0x0A, 0]), [("grpc-status", "0")], "something else than a JWT-SVID", false),
        ([1] + framed([]).dropFirst(), [("grpc-status", "0")], "something else than", false),
        (reply("-----BEGIN"), [("grpc-status", "0")], "that are not a JWT", false),
    ]

    @Test(arguments: failures)
    func `everything else is an error that says what`(
        body: [UInt8],
        trailers: [(name: String, value: String)],
        text: String,
        isAskedAgain: Bool
    ) async throws {
        let place = ScratchDirectory()
        let network = ScriptedTransport([.success(response(body, trailers))])
        let error = await failure(try source(place), context(network, audience: "aud"))
        #expect(error?.message.contains(text) == true, "\(error?.message ?? "")")
        #expect((network.sent.count > 1) == isAskedAgain)
    }

    @Test func `fields that are not known are skipped`() throws {
        // A number, eight bytes, four bytes, and then a text.
        let bytes: [UInt8] =
            [0x08, 0x96, 0x01, 0x11] + [UInt8](repeating: 0, count: 8) + [0x1D, 0, 0, 0, 0]
            + [0x12, 2] + "ok".utf8
        let message = try #require(ProtobufMessage(framed: Self.framed(bytes)))
        #expect(message.text(2) == "ok")
        #expect(message.messages(1)?.count == 0)
    }
}
