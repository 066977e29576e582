import Federation
import FoundationEssentials
import Kernel
import Synchronization
import Text

@testable import HTTP
@testable import Outputs
@testable import Serving
@testable import TokenSources

extension Target {
    /// Texts that a file, a program or a peer on this machine gives.
    static let texts = [
        Target("ini", ini), Target("words", words), Target("xml", xml),
        Target("program", program), Target("request", request), Target("response", response),
        Target("headers", headers), Target("names", names),
    ]

    private static func ini(_ bytes: [UInt8]) {
        guard let file = answer({ try INI(parsing: text(bytes)) }) else { return }
        for (name, values) in AWSProfiles.profiles(in: file) { _ = (name, values.assumesRole) }
    }

    /// What is quoted whole comes back as it was.
    private static func words(_ bytes: [UInt8]) {
        guard let words = shellWords(text(bytes)) else { return }
        let quoted = words.map { word in
            let parts = Array(word.utf8).split(
                separator: UInt8(ascii: "'"),
                omittingEmptySubsequences: false
            )
            return "'" + parts.map(text).joined(separator: #"'\''"#) + "'"
        }
        require(shellWords(quoted.joined(separator: " ")) == words, "quoting changes words")
    }

    private static func xml(_ bytes: [UInt8]) {
        guard let root = answer({ try XMLElement(parsing: bytes) }) else { return }
        _ = root["Error", "Code"]?.text
    }

    /// What an executable source or a `credential_process` prints.
    private static func program(_ bytes: [UInt8]) {
        let response = ExecutableResponse(Secret(bytes))
        _ = response.expiry
        _ = answer { try response.token(at: presentDate.secondsSinceEpoch) }
        _ = answer { try CredentialProcess.credentials(Secret(bytes), from: "fuzz") }
        for format in [TokenFormat.text, .json(field: "token")] {
            _ = answer { try format.token(in: bytes, at: "fuzz") }
        }
    }

    /// Requests to the control socket, in pieces of a length that the first byte says.
    private static func request(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        let input = Array(bytes.dropFirst())
        let whole = requests(in: input, by: max(1, input.count))
        let inPieces = requests(in: input, by: max(1, Int(first)))
        // Which of two faults is met first may depend on the pieces; that there is one may not.
        require(
            whole.found == inPieces.found && whole.isRefused == inPieces.isRefused,
            "requests depend on pieces"
        )
    }

    private static func requests(
        in input: [UInt8],
        by size: Int
    ) -> (found: [HTTPServerRequest], isRefused: Bool) {
        var parser = HTTPRequestParser()
        var found: [HTTPServerRequest] = []
        for start in stride(from: 0, to: input.count, by: size) {
            parser.append(Array(input[start..<min(start + size, input.count)]))
            do throws(HTTPRequestError) {
                while let request = try parser.next() { found.append(request) }
            } catch {
                return (found, true)
            }
        }
        return (found, false)
    }

    /// What answers on a socket that should be the agent's own.
    private static func response(_ bytes: [UInt8]) {
        wait {
            do {
                let question = HTTPClientRequest("GET", "/status")
                _ = try await Serving.request(question, over: Recording(bytes), bodyLimit: 65_536)
            } catch {
                // Refused, which is an answer.
            }
        }
    }

    /// A reply's head, a line of input for each of its own, as libcurl hands them over.
    private static func headers(_ bytes: [UInt8]) {
        var reader = HeadReader()
        for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
            reader.take(line + [0x0D, 0x0A])
        }
        let reply = HTTPResponse(
            status: reader.status ?? 0,
            headers: reader.fields,
            body: Secret("")
        )
        _ = reply.date
        let wait = reply.retryAfter(now: presentDate) ?? 0
        require(wait >= 0 && wait.isFinite, "a wait of \(wait) s")
    }

    /// Names that systemd, a peer or a user gives.
    private static func names(_ bytes: [UInt8]) {
        let name = text(bytes)
        if let unit = unitName(inAbstractName: name) {
            require(!unit.isEmpty && !unit.contains("/"), "a unit's name is none")
        }
        if let address = SocketAddress(name) {
            require(SocketAddress("\(address)") == address, "an address reads as another")
        }
        // Cut and cleaned: fit for one line of a log.
        let shown = name.printable
        require(!shown.unicodeScalars.contains { $0.value < 0x20 }, "a control character is shown")
        _ = answer { try sendDatagram([], to: "@wif-fuzz/" + name) }
        if let bytes = base64Decoded(name) {
            require(base64Decoded(base64Encoded(bytes)) == bytes, "base64 changes bytes")
        }
        if let bytes = base64URLDecoded(name) {
            require(base64URLEncoded(bytes) == name, "two texts are the same bytes")
        }
        _ = answer { try AccountName.ofFile(at: name) }
        _ = nearest(to: name, among: ["audience", "issuerUri", "tokenUrl"])
    }
}

/// A peer whose every word is known before.
private final class Recording: ByteStream {
    private let rest: Mutex<ArraySlice<UInt8>>

    init(_ bytes: [UInt8]) { rest = Mutex(bytes[...]) }

    func read(upTo count: Int) async throws -> [UInt8] {
        rest.withLock { rest in
            defer { rest = rest.dropFirst(min(count, 7)) }
            return Array(rest.prefix(min(count, 7)))
        }
    }

    func write(_ bytes: [UInt8]) async throws {}

    func close() {}
}
