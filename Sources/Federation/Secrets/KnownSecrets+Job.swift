package import Kernel
import Text

extension KnownSecrets {
    /// Adds what a job brings along: the credential to revoke, whose call it is, the account file's
    /// secrets, and those of the variables, the proxies' passwords among them.
    package func addInputs(of job: Job) {
        switch job.kind {
        case .revoke(let credential): add(credential)
        case .graphQL(let call):
            switch call.caller {
            case .token(let token): add(token)
            case .serviceAccount(let file): add(file)
            }
        case .secret(let change):
            if case .write(let content) = change.action { addAll(of: content) }
        case .exchange, .subjectToken, .claims, .probe: break
        }
        for token in job.handedOver.values { add(token) }
        addAccount(job.document)
        for (name, value) in job.environment {
            if name.lowercased().hasSuffix("proxy") {
                addProxy(value)
            } else if name.hasSuffix("_RELATIVE_URI") {
                // ECS tells containers apart by the path alone: who has it, has the key.
                value.split(separator: "/").last.map { add(String($0)) }
            } else {
                add(value, named: name)
            }
        }
    }

    /// Adds the account file's literal token and the headers of its token source, whatever their names.
    private func addAccount(_ document: Secret) {
        let json: JSON
        do throws(JSONError) {
            json = try JSON(parsing: document.bytes)
        } catch {
            return
        }
        var members = json.object ?? [:]
        // Names of members, whatever they are called.
        members["response"] = nil
        addMembers(of: .object(members))
        for source in ["credentialSource", "credential_source", "actorToken", "actor_token"] {
            for (name, value) in json[source]?["headers"]?.object ?? [:]
            where !Self.publicHeaders.contains(name.lowercased()) {
                value.string.map(add)
            }
        }
    }

    private static let publicHeaders: Set = [
        "accept", "content-type", "metadata", "metadata-flavor", "user-agent",
    ]

    /// Adds what a program printed: a bare token, or a document's secrets.
    package func addOutput(_ output: Secret) {
        let text = output.text.trimmed
        if text.hasPrefix("{") || !text.contains(where: \.isWhitespace) { add(Secret(text)) }
    }

    /// The result without a secret in any of its texts. Its credential or token is what was asked for.
    package func cleaned(_ result: JobResult) -> JobResult {
        var texts = ResultTexts()
        texts.visit(result)
        texts.replaceAll(with: cleaned(texts.list))
        return texts.visit(result)
    }

    /// The report without a secret in any of its texts.
    package func cleaned(_ step: StepReport) -> StepReport {
        var texts = ResultTexts()
        texts.visit(step)
        texts.replaceAll(with: cleaned(texts.list))
        return texts.visit(step)
    }
}

/// The texts of a result, in one order: on the first visit they are listed, on the second replaced.
private struct ResultTexts {
    private(set) var list: [String] = []
    private var replacements: [String] = []

    mutating func replaceAll(with texts: [String]) {
        replacements = texts.reversed()
    }

    @discardableResult
    mutating func visit(_ result: JobResult) -> JobResult {
        var proof = result.proof
        if let found = proof {
            proof?.source = take(found.source)
            proof?.issuer = found.issuer.map { take($0) }
            proof?.subject = found.subject.map { take($0) }
        }
        return JobResult(
            id: result.id,
            outcome: visit(result.outcome),
            proof: proof,
            warnings: result.warnings.map { take($0) },
            clockSkew: result.clockSkew
        )
    }

    private mutating func visit(_ outcome: JobResult.Outcome) -> JobResult.Outcome {
        switch outcome {
        case .failure(var failure):
            failure.message = take(failure.message)
            failure.hint = failure.hint.map { take($0) }
            return .failure(failure)
        case .steps(let steps): return .steps(steps.map { visit($0) })
        case .data(let data): return .data(visit(data))
        case .credential, .subjectToken, .revoked: return outcome
        }
    }

    @discardableResult
    mutating func visit(_ step: StepReport) -> StepReport {
        var step = step
        step.text = take(step.text)
        step.hint = step.hint.map { take($0) }
        step.about = step.about.map { take($0) }
        return step
    }

    private mutating func visit(_ data: JSON) -> JSON {
        switch data {
        case .string(let text): return .string(take(text))
        case .array(let elements): return .array(elements.map { visit($0) })
        case .object(let members):
            var result: [String: JSON] = [:]
            for (name, value) in members.sorted(by: { $0.key < $1.key }) {
                result[name] = visit(value)
            }
            return .object(result)
        case .null, .bool, .integer, .number: return data
        }
    }

    private mutating func take(_ text: String) -> String {
        guard let replacement = replacements.popLast() else {
            list.append(text)
            return text
        }
        return replacement
    }
}
