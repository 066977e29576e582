import Glibc
import HTTP
import Kernel
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct EnvironmentTests {
    /// In a process of its own, whose variables name a proxy that refuses every connection.
    @Test func `variables of the process name no proxy`() async {
        await #expect(processExitsWith: .success) {
            for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"] {
                unsafe setenv(name, "http://127.0.0.1:1", 1)
            }
            let transport = try CurlTransport(userAgent: "wif-agent/test")
            let reply = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
            try await ScriptedServer.serving(answer: { _ in .send(reply) }) { server in
                for route in [HTTPRequest.Route.direct, .proxied(ProxySettings(url: nil))] {
                    let request = HTTPRequest(
                        "GET",
                        "http://127.0.0.1:\(server.port)/",
                        route: route
                    )
                    let deadline = BootInstant.now.advanced(bySeconds: 30)
                    let status = try await transport.send(request, deadline: deadline).status
                    #expect(status == 200)
                }
            }
        }
    }
}
