import CLibcurl
import Kernel
import Synchronization

/// The thread that all transfers run on. Jobs and cancellations reach it through a lock and
/// `curl_multi_wakeup`, the one call that libcurl allows from elsewhere.
@safe
final class TransferEngine: Sendable {
    private struct Submission {
        let id: UInt64
        let job: TransferJob
        let continuation: CheckedContinuation<TransferOutcome, Never>
    }

    private struct State {
        var nextID: UInt64 = 1
        var submissions: [Submission] = []
        var cancelled: Set<UInt64> = []
        var isStopping = false
    }

    private struct Transfer {
        let handle: EasyHandle
        let submission: Submission
    }

    private nonisolated(unsafe) let multi: UnsafeMutableRawPointer
    private nonisolated(unsafe) let share: UnsafeMutableRawPointer?
    private let state = Mutex(State())

    /// - Throws: ``HTTPError`` of kind ``HTTPError/Kind/setup``
    init() throws(HTTPError) {
        guard isStarted, let multi = unsafe curl_multi_init() else {
            throw HTTPError(.setup, url: "libcurl", detail: "not started")
        }
        // Without it a transfer that is handed over would wait for ever.
        guard unsafe curl_multi_wakeup(multi) == CURLM_OK else {
            unsafe curl_multi_cleanup(multi)
            throw HTTPError(.setup, url: "libcurl", detail: "it cannot be woken up")
        }
        unsafe self.multi = multi
        unsafe share = wif_share_tls_sessions()
        do throws(Errno) {
            try startThread(named: "http") { self.loop() }
        } catch {
            throw HTTPError(.setup, url: "libcurl", detail: "no thread: \(error)")
        }
    }

    deinit {
        unsafe curl_multi_cleanup(multi)
        unsafe curl_share_cleanup(share)
    }

    /// Runs one transfer to its end; at once where the task is cancelled.
    func run(_ job: TransferJob) async -> TransferOutcome {
        let id = state.withLock { state in
            defer { state.nextID += 1 }
            return state.nextID
        }
        defer { state.withLock { _ = $0.cancelled.remove(id) } }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let submission = Submission(id: id, job: job, continuation: continuation)
                state.withLock { $0.submissions.append(submission) }
                wakeUp()
            }
        } onCancel: {
            state.withLock { _ = $0.cancelled.insert(id) }
            wakeUp()
        }
    }

    /// Ends the thread. No transfer may be running.
    func stop() {
        state.withLock { $0.isStopping = true }
        wakeUp()
    }

    private func wakeUp() {
        _ = unsafe curl_multi_wakeup(multi)
    }

    private func loop() {
        var transfers: [UInt: Transfer] = [:]
        while true {
            let (submissions, cancelled, isStopping) = state.withLock { state in
                defer { state.submissions = [] }
                return (state.submissions, state.cancelled, state.isStopping)
            }
            if isStopping { return }
            for submission in submissions {
                start(submission, &transfers)
            }
            end(cancelled, &transfers)
            var running: Int32 = 0
            _ = unsafe curl_multi_perform(multi, &running)
            collect(&transfers)
            // libcurl shortens the hour to its own next deadline.
            _ = unsafe curl_multi_poll(
                multi,
                nil,
                0,
                3_600_000,
                nil
            )
        }
    }

    private func start(
        _ submission: Submission,
        _ transfers: inout [UInt: Transfer]
    ) {
        let url = submission.job.url.shown
        guard submission.job.deadline > .now else {
            let error = HTTPError(.timedOut(.connect), url: url, detail: "no time was left")
            return finish(submission, .failure(error))
        }
        do throws(HTTPError) {
            let handle = try unsafe EasyHandle(submission.job, share: share)
            transfers[handle.id] = Transfer(handle: handle, submission: submission)
            _ = unsafe curl_multi_add_handle(multi, handle.raw)
        } catch {
            finish(submission, .failure(error))
        }
    }

    private func end(
        _ cancelled: Set<UInt64>,
        _ transfers: inout [UInt: Transfer]
    ) {
        guard !cancelled.isEmpty else { return }
        for (id, transfer) in transfers
        where cancelled.contains(transfer.submission.id) {
            _ = unsafe curl_multi_remove_handle(multi, transfer.handle.raw)
            transfers[id] = nil
            let url = transfer.submission.job.url.shown
            finish(transfer.submission, .failure(HTTPError(.cancelled, url: url, detail: "")))
        }
    }

    private func collect(_ transfers: inout [UInt: Transfer]) {
        var rest: Int32 = 0
        while let message = unsafe curl_multi_info_read(multi, &rest) {
            guard unsafe message.pointee.msg == CURLMSG_DONE,
                let raw = unsafe message.pointee.easy_handle
            else { continue }
            // The message is gone with the handle.
            let result = unsafe message.pointee.data.result
            _ = unsafe curl_multi_remove_handle(multi, raw)
            guard let transfer = transfers.removeValue(forKey: UInt(bitPattern: raw)) else {
                continue
            }
            let handle = transfer.handle
            finish(
                transfer.submission,
                handle.outcome(result),
                isIssuerMissing: handle.isIssuerMissing(result)
            )
        }
    }

    private func finish(
        _ submission: Submission,
        _ result: Result<HTTPResponse, HTTPError>,
        isIssuerMissing: Bool = false
    ) {
        submission.continuation.resume(
            returning: TransferOutcome(result: result, isIssuerMissing: isIssuerMissing)
        )
    }
}

/// Once for the process; libcurl must not be started twice at a time.
private let isStarted = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
