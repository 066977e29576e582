package import Federation
import Kernel
import Text

/// A token in a file that something else keeps fresh.
struct TokenFile: TokenFetcher {
    private static let limit = 1 << 20

    /// Behind a socket this is another user than the agent's.
    private static func accessHint(_ path: String) -> String {
        let who = userDescription(effectiveUserID())
        if let advice = volumeAdvice(path) { return advice }
        let end =
            "wif-exchange --files reads it, as \(who); for its unit there is SupplementaryGroups="
        if let cause = pathAdvice(path, .noAccess) { return "\(cause.printable); \(end)" }
        return "chgrp GROUP \(path.printable) and chmod 0640, with \(who) in that group; \(end)"
    }

    /// For a file of a pod's volume, whose mode nobody in the pod can change; `nil` for any other.
    private static func volumeAdvice(_ path: String) -> String? {
        var isProjected = ["/var/run/secrets/", "/run/secrets/"].contains { path.hasPrefix($0) }
        do throws(Errno) {
            // The kubelet swaps a folder behind this link.
            let target = try linkTarget(of: path)
            isProjected = isProjected || target.hasPrefix("..data/")
        } catch {
            // It is no link.
        }
        guard isProjected, let facts = FileFacts(ifAt: path) else { return nil }
        let user = FileUser.current()
        let group = user.groups.filter { $0 != 0 }.min() ?? user.id
        return
            "\(userDescription(user.id)) may not read it (mode \(facts.modeText), owner \(userDescription(facts.owner))), and"
            + " the volume is read-only in the pod: write securityContext: {fsGroup: \(group)} in the pod's spec, whereupon"
            + " the kubelet makes the token readable for that group; or run the container as the token's owner"
            + " (runAsUser). Then make the pod anew"
    }

    let path: String
    let format: TokenFormat
    /// Reads after a path that is not there: who writes the file.
    var writer = "start the program that writes it, or name the file that it writes"

    /// Where the path leads, where it is a link.
    private var target: String? {
        do throws(Errno) { return try linkTarget(of: path) } catch { return nil }
    }

    private var linkNote: String { target.map { "; it is a link to \($0.printable)" } ?? "" }

    private var linkHint: String? {
        target.map {
            "the link is there and \($0.printable) is not: mount the volume that holds it, or correct the link"
        }
    }

    func subjectToken(_ context: SourceContext) throws(SourceError) -> SubjectToken {
        SubjectToken(try token(), source: context.source)
    }

    /// What the file holds now.
    func token() throws(SourceError) -> Secret {
        let bytes: [UInt8]
        do throws(ReadFileError) {
            bytes = try readFile(path, limit: Self.limit).bytes
        } catch {
            let isMissing = error == .system(.notFound)
            throw SourceError(
                isMissing ? .noSource : .misconfigured,
                "\(path.printable) \(error)\(isMissing ? linkNote : "")",
                hint: isMissing ? missingHint : hint(for: error)
            )
        }
        let token = try format.token(in: bytes, at: path.printable).trimmed
        guard !token.isEmpty else {
            throw SourceError(
                .noSource,
                "\(path.printable) is empty",
                hint:
                    "the program that writes it has failed, or writes it in place: see its log, and have it write the token"
                    + " again and rename it into place when it is whole"
            )
        }
        return Secret(token)
    }

    /// The first file of a folder that stands at the path.
    private var fileInside: String? {
        do throws(Errno) {
            let names = try listDirectory(path).filter { !$0.hasPrefix(".") }
            return "\(path)/\(names.first ?? "token")"
        } catch {
            return nil
        }
    }

    private var missingHint: String? {
        if let linkHint { return linkHint }
        let isMount = ["/var/run/secrets/", "/run/secrets/"].contains { path.hasPrefix($0) }
        if isMount,
            let missing = parentDirectories(of: path).first(where: { FileFacts(ifAt: $0) == nil })
        {
            return
                "\(missing) is not there, so that no volume with the token is mounted in this container: \(writer)"
        }
        let advice = pathAdvice(path, .notFound).map { "; \($0.printable)" } ?? ""
        return writer + advice
    }

    private func hint(for error: ReadFileError) -> String? {
        switch error {
        case .system(.noAccess): Self.accessHint(path)
        case .system(let reason): pathAdvice(path, reason)?.printable
        case .notRegular, .notPrivate:
            fileInside.map { "it is a folder: name the token's file in it, \($0.printable)" }
                ?? "name a regular file in credentialSource.file, one that holds the token and is replaced"
                + " when it changes; for a variable there is credentialSource.environment"
        case .tooLarge:
            "it is not a token's file, for a token has a few thousand bytes: name the one that holds the token"
        }
    }
}

extension TokenFormat {
    /// The token's text in a file or reply.
    func token(in bytes: [UInt8], at place: String) throws(SourceError) -> String {
        guard case .json(let field) = self else { return String(decoding: bytes, as: UTF8.self) }
        let json = try JSON(
            bytes,
            of: place,
            hint: bytes.starts(with: "eyJ".utf8)
                ? "it is the token itself: leave credentialSource.format out"
                : "credentialSource.format says json: leave it out if the token stands there alone"
        )
        guard let token = json[field]?.string else {
            throw SourceError(
                .misconfigured,
                "\(place) has no string \"\(field.printable)\"",
                hint: Self.memberHint(json, field, place)
            )
        }
        return token
    }

    /// The member that was meant, by what the others hold; names alone are shown.
    private static func memberHint(_ json: JSON, _ field: String, _ place: String) -> String {
        let key = "credentialSource.format.subjectTokenFieldName"
        let members = (json.object ?? [:]).sorted { $0.key < $1.key }
        if let token = members.first(where: { isToken($0.value) && isPlain($0.key) }) {
            return
                "set \(key) to \(token.key.printable), the member that holds a token there"
        }
        for (name, value) in members {
            guard let inner = value.object?.sorted(by: { $0.key < $1.key }),
                isPlain(name),
                let token = inner.first(where: { isToken($0.value) && isPlain($0.key) })
            else { continue }
            let member = "\(name.printable).\(token.key.printable)"
            let how =
                place.hasPrefix("GET ")
                ? "name a program that prints it, {\"executable\": {\"command\": \"/usr/local/bin/print-token\"}}, such as a"
                    + " script with curl -sf \(place.dropFirst(4).description.printable) | jq -r .\(member)"
                : "have the program write that member alone, as jq -r '.\(member)' does"
            return
                "the token is one level deeper, in \(member), and only members at the top are read: \(how)"
        }
        // Names are a part of what was received, and are not shown where they are not what was meant.
        return
            "set \(key) to the member that holds the token, such as access_token, id_token or value"
    }

    private static func isPlain(_ name: String) -> Bool {
        name.utf8.count <= 40 && name.isAlphanumeric(or: "_-")
    }

    private static func isToken(_ value: JSON) -> Bool {
        guard let text = value.string else { return false }
        return text.hasPrefix("eyJ") && text.count(where: { $0 == "." }) == 2
    }
}

extension SourceContext {
    /// Seconds for which a file is watched, and between two looks at it.
    private static let rotationLimit = 30.0
    private static let lookInterval = 1.0

    /// A second chance for a token that came too old: another one from a source that can mint, the
    /// rotated one where a file holds it. `nil` where there is none, or none that is acceptable.
    package func replacement(
        for token: SubjectToken,
        from source: TokenSource,
        isAcceptable: @Sendable (SubjectToken) -> Bool
    ) async -> SubjectToken? {
        guard token.isRenewable else { return nil }
        guard let place = source.rotatingFile else {
            return await other(from: source, isAcceptable)
        }
        let file = TokenFile(path: place.path, format: place.format)
        var context = self
        context.source = source.name
        let end = min(timekeeper.now.advanced(bySeconds: Self.rotationLimit), deadline)
        while true {
            let next = timekeeper.now.advanced(bySeconds: Self.lookInterval)
            guard next <= end else { return nil }
            do {
                try await timekeeper.sleep(until: next)
                let present = try file.subjectToken(context)
                if isAcceptable(present) { return present }
            } catch is SourceError {
                continue  // In the middle of its rotation.
            } catch {
                return nil
            }
        }
    }

    private func other(
        from source: TokenSource,
        _ isAcceptable: @Sendable (SubjectToken) -> Bool
    ) async -> SubjectToken? {
        do throws(Failure) {
            let token = try await subjectToken(from: source).token
            return isAcceptable(token) ? token : nil
        } catch {
            return nil  // The token at hand is sent instead, and the service judges.
        }
    }
}
