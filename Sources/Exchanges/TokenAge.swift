import Federation
import Kernel
import Text

/// Why an account's token is too old, by where it is from, and what to do about it.
struct TokenAge {
    let account: Account
    let claims: TokenClaims

    /// What to do, and whether this machine's clock may be at fault in its stead.
    var advice: (text: String, mayBeClock: Bool) {
        if case .literal = account.tokenSource {
            return (
                "the token that stands in the account file as jwtToken is old: remove jwtToken, and name a source"
                    + " that gives a new token each time, \"credentialSource\": {\"provider\": ...}",
                false
            )
        }
        if case .environment(let name) = account.tokenSource {
            return (
                "the variable \(name.printable) holds an old token, and no other comes of it: have it set anew"
                    + " before each start, or name a source that gives a new token each time",
                true
            )
        }
        if let advice = platform?.facts.jobTokenAdvice { return (advice, false) }
        guard let file = account.tokenSource.rotatingFile?.path else {
            if lifetime > 7200, let advice = TokenFacts.of(claims.all).keptAdvice {
                return (advice, false)
            }
            return ("use a source that gives a new token each time", true)
        }
        if let hint = shortHint(file) ?? longHint(file) { return (hint, false) }
        if isMountPoint(Self.resolved(file)) {
            return (
                "\(file.printable) is a mount of that one file (subPath in a pod, -v FILE:FILE in docker), which keeps the"
                    + " file of the start and never gets a renewed token: mount the whole volume or folder without"
                    + " subPath, and name the token's file in it",
                false
            )
        }
        let pod =
            claims.clusterNamespace == nil && platform == nil
            ? ""
            : "; in a pod, mount the volume whole and not by subPath, and set expirationSeconds of its"
                + " serviceAccountToken"
        return (
            "\(file.printable) holds an old token: see that the program that writes it runs and puts a new token"
                + " there\(pod)",
            true
        )
    }

    /// The path without links on the way.
    private static func resolved(_ path: String) -> String {
        do throws(PathError) { return try resolvedPath(path) } catch { return path }
    }

    /// Whose the source is, where it is a platform's and no plain file.
    private var platform: TokenPlatform? { TokenPlatform(rawValue: account.tokenSource.name) }
    private var facts: ServiceFacts { account.service.kind.facts }
    private var lifetime: Double { (claims.expiresAt ?? 0) - (claims.issuedAt ?? 0) }
    private var isAlive: Bool { (claims.expiresAt ?? 0) > WallTime.now.secondsSinceEpoch }

    /// Of a file whose token is made for too short a time: it is renewed, and too late for the service.
    private func shortHint(_ file: String) -> String? {
        let least = facts.minimumLeft
        guard least > 0, claims.issuedAt != nil, claims.expiresAt != nil, lifetime < 1200, isAlive
        else { return nil }
        let how =
            claims.clusterNamespace != nil
            ? "set expirationSeconds of the volume's serviceAccountToken to 3600 (1200 at least)"
            : "have the program that writes the file ask for tokens of 1200 s or more, or write a new one sooner"
        return
            "the token in \(file.printable) is made for \(seconds(lifetime)) alone, so that in the end of each it has"
            + " less left than the \(seconds(least)) that \(facts.title) wants: \(how)"
    }

    /// Of a file whose token lives longer than the service takes it: it is renewed too seldom.
    private func longHint(_ file: String) -> String? {
        guard let limit = facts.maximumAge, claims.issuedAt != nil, lifetime > limit, isAlive else {
            return nil
        }
        let start =
            "the token in \(file.printable) is made for \(seconds(lifetime)), and \(facts.title) takes it for the first"
            + " \(seconds(limit)) alone"
        guard claims.clusterNamespace != nil else {
            return
                "\(start): have the program that writes the file write a new token there at least every"
                + " \(seconds(limit)), or name a source that gives a new token each time"
        }
        let other =
            platform != nil
            ? "; or leave path out of credentialSource, so that the cluster's API is asked for a new token each time"
                + " (the service account must be allowed to create serviceaccounts/token)" : ""
        return
            "\(start): set expirationSeconds: \(Int(limit)) in the volume's serviceAccountToken, so that the kubelet"
            + " renews it in time, and start the pod anew\(other)"
    }
}
