import Federation
import Kernel
import Testing
import Text

@testable import Agent

@Suite struct `The status of an agent` {
    /// As `/status` gives it, with every member that there is.
    static let document = #"""
        {"version": "1.2", "pid": 42, "ready": false, "revision": 7,
         "rejected": [{"file": "/a/b.json", "error": "bad", "hint": null}],
         "accounts": [{
            "account": "mondoo", "file": "/a/mondoo.json", "service": "mondoo", "source": "gcp",
            "issuer": "https://i", "subject": "s", "renewable": false, "state": "valid",
            "ready": true, "refreshes": 3, "hook_runs": 2, "hook_failures": 1,
            "failures_in_a_row": 1, "next_action": "first exchange", "next_reason": "r",
            "next_at": "2026-01-02T03:04:05Z", "next_in": 60, "clock_skew": -1.5,
            "issued_at": "2026-01-02T03:00:00Z", "expires_at": "2026-01-02T04:00:00Z",
            "expires_in": -5, "lifetime": 3600, "warnings": ["w"],
            "outputs": [
                {"path": "/o", "format": "file", "content": "raw", "ok": true, "mode": "0600",
                 "owner": "root", "group": "root"},
                {"path": "/p", "format": "file", "content": "env", "ok": false, "error": "full",
                 "found": "no such file"}
            ],
            "revocations": {"revoked": 1, "failures": 2, "pending": 3, "error": "e"},
            "last_failure": {"class": "refused", "step": "exchange", "message": "no", "hint": "h",
                             "retryAfter": 2.5, "at": "2026-01-02T03:04:00Z", "seconds_ago": 5},
            "last_hook_failure": {"class": "transient", "step": "output", "message": "hook"},
            "pending_change": {"service": "oauth", "next_at": "2026-01-02T03:04:06Z",
                               "next_in": 1, "attempting": true,
                               "last_failure": {"class": "throttled", "step": "reply",
                                                "message": "slowly"}}
         }]}
        """#

    private func status(_ text: String) throws -> AgentStatus? {
        AgentStatus(json: try JSON(parsing: Array(text.utf8)))
    }

    @Test func `is written as it was read`() throws {
        let status = try #require(try status(Self.document))
        let account = try #require(status.accounts.first)
        #expect(status.processID == 42)
        #expect(account.phase == .valid)
        #expect(account.nextAction == .firstExchange)
        #expect(account.expiresIn == -5)
        #expect(account.outputs.map(\.path) == ["/o", "/p"])
        #expect(account.lastFailure?.failure?.retryAfter == 2.5)
        #expect(account.pendingChange?.lastFailure?.class == .throttled)
        #expect(status.json == (try JSON(parsing: Array(Self.document.utf8))))
    }

    @Test func `of another version is understood as far as it goes`() throws {
        let text = #"""
            {"new": 1, "pid": "42", "revision": 1e300, "accounts": [
                7, {"state": "asleep", "next_at": "soon", "expires_in": 1e300, "account": 5}
            ]}
            """#
        let status = try #require(try status(text))
        #expect(status.processID == 42)
        #expect(status.revision == 1_000_000_000_000_000)
        #expect(status.accounts.count == 1)
        let account = try #require(status.accounts.first)
        #expect(account.name == "")
        #expect(account.phase == nil)
        #expect(account.nextDate == nil)
        #expect(account.expiresIn == 1e300)
        #expect(try self.status("[]") == nil)
    }

    @Test func `can be that of one account alone`() throws {
        let status = try #require(try status(Self.document))
        let narrowed = try #require(status.narrowed(to: "mondoo"))
        #expect(narrowed.isReady)
        #expect(narrowed.rejected.isEmpty)
        #expect(status.narrowed(to: "other") == nil)
    }
}
