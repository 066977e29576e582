import COpenSSL
package import Kernel
import Synchronization

/// The server's side of TLS 1.2 and newer over any byte stream, for the emulator and for tests.
@safe
package final class TLSServer: Sendable {
    // Only SSL_new reads it after init, which OpenSSL allows from any thread.
    private nonisolated(unsafe) let context: OpaquePointer

    /// Prepares to serve with the chain (the server's own certificate first) and its key.
    ///
    /// - Throws: ``CryptoError/failed(doing:reason:)``, such as a key that is not the certificate's
    package init(chain: [Certificate], key: PrivateKey) throws(CryptoError) {
        guard let context = unsafe SSL_CTX_new(TLS_server_method()) else {
            throw .failure("preparing TLS")
        }
        unsafe self.context = context
        guard let own = chain.first,
            unsafe wif_require_tls12(context) == 1,
            unsafe SSL_CTX_use_certificate(context, own.handle.raw) == 1,
            unsafe SSL_CTX_use_PrivateKey(context, key.key.raw) == 1,
            unsafe SSL_CTX_check_private_key(context) == 1
        else { throw .failure("preparing TLS") }
        for certificate in chain.dropFirst() {
            guard unsafe wif_add_chain(context, certificate.handle.raw) == 1 else {
                throw .failure("preparing TLS")
            }
        }
    }

    deinit {
        unsafe SSL_CTX_free(context)
    }

    /// Shakes hands with a client that has connected; answers the stream of what is said inside.
    /// Closing that one says so to the client (`close_notify`) and closes `stream`.
    ///
    /// - Throws: ``CryptoError/handshake(reason:)``, what `stream` throws, or `CancellationError`
    package func accept(over stream: any ByteStream) async throws -> any ByteStream {
        guard let session = unsafe TLSSession(context) else {
            throw CryptoError.failure("preparing TLS")
        }
        let secured = TLSStream(session, over: stream)
        try await secured.shakeHands()
        return secured
    }
}

/// Plaintext inside TLS. What OpenSSL wants to send while reading (a key update's answer) leaves with
/// the next write, so that reader and writer never race for the outer stream.
private final class TLSStream: ByteStream {
    private let session: Mutex<TLSSession>
    private let outer: any ByteStream

    init(_ session: consuming sending TLSSession, over outer: any ByteStream) {
        self.session = Mutex(session)
        self.outer = outer
    }

    func shakeHands() async throws {
        while true {
            let (step, output) = session.withLock { ($0.shakeHands(), $0.takeOutput()) }
            if !output.isEmpty { try await outer.write(output) }
            switch step {
            case .done: return
            case .failed(let reason): throw CryptoError.handshake(reason: reason)
            case .wantsInput:
                let input = try await outer.read(upTo: 16_384)
                guard !input.isEmpty else {
                    throw CryptoError.handshake(reason: "the client closed the connection")
                }
                session.withLock { $0.put(input) }
            }
        }
    }

    func read(upTo count: Int) async throws -> [UInt8] {
        while true {
            let (step, bytes) = session.withLock { $0.read(upTo: count) }
            switch step {
            case .done: return bytes
            case .failed(let reason): throw CryptoError.failed(doing: "TLS read", reason: reason)
            case .wantsInput:
                let input = try await outer.read(upTo: 16_384)
                // A cut without close_notify is told as an end: HTTP knows its own lengths.
                if input.isEmpty { return [] }
                session.withLock { $0.put(input) }
            }
        }
    }

    func write(_ bytes: [UInt8]) async throws {
        guard !bytes.isEmpty else { return }
        let (step, output) = session.withLock { ($0.write(bytes), $0.takeOutput()) }
        if !output.isEmpty { try await outer.write(output) }
        if case .failed(let reason) = step {
            throw CryptoError.failed(doing: "TLS write", reason: reason)
        }
    }

    func close() {
        let farewell = session.withLock { session in
            session.sayGoodbye()
            return session.takeOutput()
        }
        // Closing does not wait: the farewell goes out if the socket takes it at once.
        if let socket = outer as? SocketStream, !farewell.isEmpty {
            _ = try? send(socket.raw, farewell, from: 0)
        }
        outer.close()
    }
}

/// One TLS connection between two memory buffers; used under a lock.
@safe
private struct TLSSession: ~Copyable {
    enum Step {
        case done
        case wantsInput
        case failed(String)
    }

    private let connection: OpaquePointer
    // Owned by the connection.
    private let input: OpaquePointer
    private let output: OpaquePointer

    init?(_ context: OpaquePointer) {
        guard let connection = unsafe SSL_new(context) else { return nil }
        guard let input = unsafe BIO_new(BIO_s_mem()), let output = unsafe BIO_new(BIO_s_mem())
        else {
            unsafe SSL_free(connection)
            return nil
        }
        unsafe SSL_set_bio(connection, input, output)
        unsafe SSL_set_accept_state(connection)
        unsafe self.connection = connection
        unsafe self.input = input
        unsafe self.output = output
    }

    deinit {
        unsafe SSL_free(connection)
    }

    func shakeHands() -> Step {
        ERR_clear_error()
        return step(unsafe SSL_do_handshake(connection))
    }

    func read(upTo count: Int) -> (Step, [UInt8]) {
        ERR_clear_error()
        var bytes = [UInt8](repeating: 0, count: max(count, 1))
        let result = unsafe SSL_read(connection, &bytes, Int32(clamping: bytes.count))
        if result > 0 { return (.done, Array(bytes.prefix(Int(result)))) }
        let hasEnded = unsafe SSL_get_error(connection, result) == SSL_ERROR_ZERO_RETURN
        return (hasEnded ? .done : step(result), [])
    }

    /// A memory buffer takes everything, so a write is whole or has failed.
    func write(_ bytes: [UInt8]) -> Step {
        ERR_clear_error()
        let result = unsafe SSL_write(connection, bytes, Int32(bytes.count))
        return result == Int32(bytes.count) ? .done : .failed(drainedReasons())
    }

    func put(_ bytes: [UInt8]) {
        _ = unsafe BIO_write(input, bytes, Int32(bytes.count))
    }

    func takeOutput() -> [UInt8] {
        let size = unsafe BIO_ctrl_pending(output)
        guard size > 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: size)
        let count = unsafe BIO_read(output, &bytes, Int32(size))
        return Array(bytes.prefix(Int(max(count, 0))))
    }

    func sayGoodbye() {
        _ = unsafe SSL_shutdown(connection)
        ERR_clear_error()
    }

    private func step(_ result: Int32) -> Step {
        if result == 1 { return .done }
        switch unsafe SSL_get_error(connection, result) {
        case SSL_ERROR_WANT_READ: return .wantsInput
        case SSL_ERROR_ZERO_RETURN: return .failed("the client closed the connection")
        default: return .failed(drainedReasons())
        }
    }
}
