import Kernel

/// What libcurl has handed over so far, within limits. What it outgrows is wiped.
final class ReceivedReply {
    private static let largestBody = 1 << 20
    private static let largestHead = 256 << 10

    private(set) var isTooLarge = false
    private var head = HeadReader()
    private var headSize = 0
    private var body: [UInt8] = []

    deinit {
        wipe(&body)
    }

    /// The reply; `nil` if its head was none. To be called once, at the end.
    func response() -> HTTPResponse? {
        guard let status = head.status else { return nil }
        var response = HTTPResponse(status: status, headers: head.fields, body: Secret(body))
        response.trailers = head.trailers
        return response
    }

    /// Takes one line of the head; `false` ends the transfer.
    fileprivate func takeHeader(_ line: [UInt8]) -> Bool {
        headSize += line.count
        isTooLarge = isTooLarge || headSize > ReceivedReply.largestHead
        if !isTooLarge { head.take(line) }
        return !isTooLarge
    }

    /// Takes the next part of the body; `false` ends the transfer.
    fileprivate func takeBody(_ part: UnsafeRawBufferPointer) -> Bool {
        let size = body.count + part.count
        isTooLarge = isTooLarge || size > ReceivedReply.largestBody
        guard !isTooLarge else { return false }
        if size > body.capacity { grow(toHold: size) }
        unsafe body.append(contentsOf: part)
        return true
    }

    private func grow(toHold size: Int) {
        var larger: [UInt8] = []
        larger.reserveCapacity(max(size, body.capacity * 2, 16_384))
        larger.append(contentsOf: body)
        wipe(&body)
        body = larger
    }
}

/// Reads the lines that libcurl gives of all heads: of interim replies, of the reply, of trailers.
struct HeadReader {
    private(set) var status: Int?
    private(set) var fields: [(name: String, value: String)] = []
    private(set) var trailers: [(name: String, value: String)] = []
    private var isComplete = false

    mutating func take(_ line: [UInt8]) {
        let text = String(decoding: line, as: UTF8.self)
        if text.hasPrefix("HTTP/") && (status ?? 100) / 100 == 1 {
            status = text.split(separator: " ").dropFirst().first.flatMap {
                Int($0.prefix { $0.isNumber })
            }
            fields = []
            isComplete = false
        } else if text.allSatisfy(\.isNewline) {
            isComplete = true
        } else if let field = Self.field(text) {
            if isComplete { trailers.append(field) } else { fields.append(field) }
        }
    }

    private static func field(_ line: String) -> (name: String, value: String)? {
        guard let colon = line.firstIndex(of: ":") else { return nil }
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0.isNewline }
        let tail = line[line.index(after: colon)...].drop(while: isBlank)
        let value = tail.reversed().drop(while: isBlank).reversed()
        return (name: line[..<colon].lowercased(), value: String(value))
    }
}

/// What a callback has been told that it works for.
@unsafe private func reply(_ context: UnsafeMutableRawPointer?) -> ReceivedReply? {
    guard let context = unsafe context else { return nil }
    return unsafe Unmanaged<ReceivedReply>.fromOpaque(context).takeUnretainedValue()
}

/// `CURLOPT_WRITEFUNCTION(3)`: an answer other than the size ends the transfer.
let receiveBody:
    @convention(c) (
        UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?
    ) -> Int = { bytes, _, count, context in
        guard let reply = unsafe reply(context) else { return 0 }
        let part = unsafe UnsafeRawBufferPointer(start: bytes, count: count)
        return unsafe reply.takeBody(part) ? count : 0
    }

/// `CURLOPT_HEADERFUNCTION(3)`: a line at a time; an answer other than the size ends the transfer.
let receiveHeader:
    @convention(c) (
        UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?
    ) -> Int = { bytes, _, count, context in
        guard let reply = unsafe reply(context) else { return 0 }
        let line = unsafe [UInt8](UnsafeRawBufferPointer(start: bytes, count: count))
        return reply.takeHeader(line) ? count : 0
    }
