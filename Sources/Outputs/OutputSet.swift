package import Federation
package import Kernel
import Synchronization
import Text

/// What became of one output at a delivery.
package struct OutputReport: Sendable {
    package let output: Output
    /// The file or socket as it is now; `nil` if it failed, and for sockets that were handed over.
    package let facts: FileFacts?
    /// `nil` where the output holds what it should.
    package let failure: Failure?
    package let warnings: [String]

    package init(output: Output, facts: FileFacts?, failure: Failure?, warnings: [String]) {
        self.output = output
        self.facts = facts
        self.failure = failure
        self.warnings = warnings
    }
}

/// All the outputs of one account.
package final class OutputSet: Sendable {
    enum Place: Sendable {
        case file(FileOutput, FileOptions.Expiry)
        case directory(DirectoryOutput, FileOptions.Expiry)
        case socket(CredentialSocket)
        case secret(SecretOutput, FileOptions.Expiry)
    }

    let account: Account
    let places: [(output: Output, place: Place)]
    let timekeeper: any Timekeeper
    /// Held while outputs are written to or looked at.
    let lock = AsyncLock()
    /// What was delivered last, and is not taken back.
    let credential = Mutex<Credential?>(nil)
    /// Of each of ``places``.
    let holdings: Mutex<[Holding]>
    let touches: Touches
    let changes: PathWatch
    let isClosed = Mutex(false)

    /// Opens the account's outputs: directories are made and checked, sockets are served until ``close(removing:)``.
    ///
    /// - Parameters:
    ///   - account: whose outputs.
    ///   - runtimeDirectory: where the default output stands.
    ///   - protected: what no output may take the place of, beside what the account itself names.
    ///   - handedOver: listening sockets from systemd, served in place of opened ones, in order;
    ///     those left over are served like the last, or in `raw`. Owned from here on.
    ///   - patience: how long sockets put up with peers.
    ///   - timekeeper: the clock that credentials expire by.
    ///   - applySecret: has a cluster's Secret changed.
    ///   - report: told of what happens at a socket, by its path; must not block.
    /// - Throws: ``OutputError`` of the first output that cannot be opened; none stays open then.
    package init(
        account: Account,
        runtimeDirectory: String,
        protected: ProtectedPlaces? = nil,
        handedOver: [Int32] = [],
        patience: CredentialSocket.Patience = .init(),
        timekeeper: any Timekeeper = SystemTimekeeper(),
        applySecret: @escaping SecretOutput.Apply = { _, _ in .failure(.noCluster) },
        report: @escaping @Sendable (String, SocketEvent) -> Void = { _, _ in }
    ) throws(OutputError) {
        self.account = account
        self.timekeeper = timekeeper
        let own = ProtectedPlaces(of: account)
        let protected = protected.map(own.adding) ?? own
        var handedOver = handedOver
        var places: [(output: Output, place: Place)] = []
        do throws(OutputError) {
            let outputs = account.outputs(in: runtimeDirectory)
            for output in outputs + extra(outputs, for: handedOver.count) {
                try Self.checkRoom(for: output)
                try output.check(against: protected)
                if case .kubernetesSecret(_, let secret) = output.kind {
                    let place = SecretOutput(secret, of: account, apply: applySecret)
                    places.append((output, .secret(place, secret.onExpiry)))
                    continue
                }
                let place = try Self.open(output, &handedOver, patience, timekeeper) { event in
                    report(output.path, event)
                }
                if let place { places.append((output, place)) }
            }
        } catch {
            for case (_, .socket(let socket)) in places { socket.close() }
            for descriptor in handedOver { _ = FileDescriptor(owning: descriptor) }
            throw error
        }
        self.places = places
        holdings = Mutex(places.map { _ in .nothing })
        let touches = Touches()
        self.touches = touches
        changes = PathWatch { touches.tell() }
    }

    /// Delivers a credential to every output; one that fails does not stop the others. Sockets come
    /// first, for files wait for the disk, and Secrets last, for they wait for the network. An output that holds this very credential already, as it was
    /// delivered, is left alone.
    package func deliver(_ credential: Credential) async -> [OutputReport] {
        await lock.withLock {
            let held = self.credential.withLock { held in
                defer { held = credential }
                return held
            }
            let isNew = held.map { !$0.isSame(as: credential) } ?? true
            var reports: [OutputReport?] = places.map { serve(credential, $0.output, $0.place) }
            for index in places.indices
            where reports[index] == nil && !places[index].output.isRemote {
                reports[index] = await write(credential, index, isNew: isNew)
            }
            await withTaskGroup(of: (Int, OutputReport?).self) { group in
                for index in places.indices where places[index].output.isRemote {
                    group.addTask { (index, await self.write(credential, index, isNew: isNew)) }
                }
                for await (index, report) in group { reports[index] = report }
            }
            let all = reports.compactMap { $0 }
            holdings.withLock { $0 = all.map { $0.failure == nil ? .credential($0) : .lost } }
            touches.tell()
            return all
        }
    }

    private func write(
        _ credential: Credential,
        _ index: Int,
        isNew: Bool
    ) async -> OutputReport? {
        let (output, place) = places[index]
        if !isNew, case .credential(let report) = holdings.withLock({ $0[index] }),
            await holds(credential, output, place)
        {
            return report
        }
        do throws(OutputError) {
            return try await written(credential, output, place)
        } catch {
            return OutputReport(output, failure: error.failure)
        }
    }

    /// Withdraws an expired credential: from sockets always, from files as their `onExpiry` says.
    /// Only what was removed, or could not be, is reported.
    package func expire() async -> [OutputReport] {
        await withdraw { _, expiry in expiry == .remove }
    }

    /// Withdraws a credential that is to be revoked: from sockets and files alike; reports as
    /// ``expire()`` does.
    package func withdraw() async -> [OutputReport] {
        await withdraw { _, _ in true }
    }

    private func withdraw(
        _ isWanted: @Sendable (Output, FileOptions.Expiry) -> Bool
    ) async -> [OutputReport] {
        await lock.withLock {
            forget()
            for case (_, .socket(let socket)) in places { socket.set(nil) }
            return await remove(where: isWanted)
        }
    }

    /// Removes the files that the account does not have among its outputs; reports as ``expire()`` does.
    package func remove(besides account: Account) async -> [OutputReport] {
        let kept = Set(account.configuredOutputs.map(\.path))
        return await remove { output, _ in !kept.contains(output.path) }
    }

    private func forget() {
        credential.withLock { $0 = nil }
        holdings.withLock { $0 = places.map { _ in .nothing } }
    }

    /// Closes the sockets and, with `removing`, removes the files; reports as ``expire()`` does.
    @discardableResult
    package func close(removing: Bool) async -> [OutputReport] {
        await lock.withLock {
            forget()
            for case (_, .socket(let socket)) in places { socket.close() }
            isClosed.withLock { $0 = true }
            touches.end()
            return removing ? await remove { _, _ in true } : []
        }
    }

    /// What the sockets have done so far, by path.
    package var socketCounts: [String: SocketCounts] {
        var counts: [String: SocketCounts] = [:]
        for case (let output, .socket(let socket)) in places { counts[output.path] = socket.counts }
        return counts
    }

    /// An output holds descriptors for as long as its account is served; the reserve is not for them.
    private static func checkRoom(for output: Output) throws(OutputError) {
        do throws(Errno) {
            try DescriptorReserve.outputs.check()
        } catch {
            let problem = "cannot be opened: \(error)"
            throw OutputError(output.path, problem, reason: error, hint: error.descriptorHint)
        }
    }

    private static func open(
        _ output: Output,
        _ handedOver: inout [Int32],
        _ patience: CredentialSocket.Patience,
        _ timekeeper: any Timekeeper,
        report: @escaping @Sendable (SocketEvent) -> Void
    ) throws(OutputError) -> Place? {
        switch output.kind {
        case .file(_, let options):
            return .file(try FileOutput(path: output.path, options: options), options.onExpiry)
        case .directory(let options):
            let directory = try DirectoryOutput(path: output.path, options: options)
            return .directory(directory, options.onExpiry)
        case .socket(_, let access):
            let socket = try CredentialSocket(
                path: output.path,
                access: access,
                adopting: handedOver.isEmpty ? nil : handedOver.removeFirst(),
                patience: patience,
                timekeeper: timekeeper,
                report: report
            )
            return .socket(socket)
        case .kubernetesSecret: return nil
        }
    }

    private func serve(
        _ credential: Credential,
        _ output: Output,
        _ place: Place
    ) -> OutputReport? {
        guard case .socket(let socket) = place else { return nil }
        do throws(OutputError) {
            let rendered = try rendered(credential, output)
            socket.set(rendered.bytes, expiry: credential.expiry)
            try socket.restore()
            return OutputReport(output, facts: socket.facts, warnings: rendered.warnings)
        } catch {
            return OutputReport(output, failure: error.failure)
        }
    }

    /// `nil` of a socket, which is served elsewhere.
    private func written(
        _ credential: Credential,
        _ output: Output,
        _ place: Place
    ) async throws(OutputError) -> OutputReport? {
        switch place {
        case .file(let file, _):
            let rendered = try rendered(credential, output)
            let facts = try await offPool { () throws(OutputError) in
                try file.write(rendered.bytes)
            }
            return OutputReport(output, facts: facts, warnings: rendered.warnings)
        case .directory(let directory, _):
            let account = account
            let rendered = try await offPool { () throws(OutputError) in
                try directory.write(credential, for: account)
            }
            return OutputReport(output, warnings: rendered.warnings)
        case .secret(let secret, _):
            let rendered = try rendered(credential, output)
            switch await secret.write(rendered.bytes, of: credential) {
            case .success(let notes):
                return OutputReport(output, warnings: rendered.warnings + notes)
            case .failure(let failure): return OutputReport(output, failure: failure)
            }
        case .socket: return nil
        }
    }

    func rendered(
        _ credential: Credential,
        _ output: Output
    ) throws(OutputError) -> Rendered {
        try output.format.rendered(credential, for: account, template: output.template)
    }

    private func remove(
        where isWanted: (Output, FileOptions.Expiry) -> Bool
    ) async -> [OutputReport] {
        var reports: [OutputReport] = []
        for (output, place) in places {
            let removal: @Sendable () throws(OutputError) -> Void
            switch place {
            case .secret(let secret, let expiry) where isWanted(output, expiry):
                reports.append(OutputReport(output, failure: await secret.remove()))
                continue
            case .file(let file, let expiry) where isWanted(output, expiry):
                removal = { () throws(OutputError) in try file.remove() }
            case .directory(let directory, let expiry) where isWanted(output, expiry):
                removal = { () throws(OutputError) in try directory.remove() }
            case .file, .directory, .socket, .secret: continue
            }
            do throws(OutputError) {
                try await offPool(removal)
                reports.append(OutputReport(output))
            } catch {
                reports.append(OutputReport(output, failure: error.failure))
            }
        }
        return reports
    }
}

extension OutputReport {
    fileprivate init(
        _ output: Output,
        facts: FileFacts? = nil,
        failure: Failure? = nil,
        warnings: [String] = []
    ) {
        self.init(output: output, facts: facts, failure: failure, warnings: warnings)
    }
}

/// Outputs for sockets that were handed over beyond those configured: like the last of these.
private func extra(_ outputs: [Output], for count: Int) -> [Output] {
    let sockets = outputs.filter(\.isSocket)
    guard count > sockets.count else { return [] }
    return (sockets.count..<count).map { index in
        let path = "/run/systemd/handed-over-\(index + 1)"
        return Output(
            kind: sockets.last?.kind ?? .socket(.raw, SocketAccess()),
            path: path,
            template: sockets.last?.template
        )
    }
}

extension Output {
    /// Whether a delivery waits for the network.
    fileprivate var isRemote: Bool { secret != nil }
}

extension Failure {
    /// For whoever has no worker.
    fileprivate static var noCluster: Failure {
        Failure(.misconfigured, at: .output, "a cluster's Secret cannot be written from here")
    }
}

extension Credential {
    /// Whether it is the same one, not only an equal value.
    fileprivate func isSame(as other: Credential) -> Bool {
        kind == other.kind && issuedAt == other.issuedAt && lifetime == other.lifetime
            && receivedAt == other.receivedAt && value.isEqual(to: other.value)
    }
}
