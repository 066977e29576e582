import Federation
package import Kernel
package import Text

/// What a service will make of a token with all that it trusts: a token passes where one trust takes it.
package struct Judgement: Sendable {
    /// What the request will say of Bright's project.
    package enum Target: Equatable, Sendable {
        /// The request is not known.
        case unknown
        /// It has no `resource`.
        case none
        /// Its `resource` is that project's.
        case project(String)

        /// - Parameter resources: those of the request to Bright.
        package init(resources: [String]) {
            let mark = "/api/v1/projects/"
            guard let range = resources.first?.firstRange(of: mark), let first = resources.first
            else {
                self = .none
                return
            }
            self = .project(String(first[range.upperBound...]))
        }
    }

    /// The trust that fits best.
    package let trust: Trust
    /// Of that trust; the last says where the token fits several projects of Bright.
    package let clauses: [Clause]

    /// On the whole.
    package var verdict: Verdict { .whole(clauses.map(\.verdict)) }

    /// `nil` where there are no trusts.
    package init?(of trusts: [Trust], claims: JSON, now: WallTime, target: Target) {
        let judged = trusts.map { (trust: $0, clauses: $0.judge(claims: claims, now: now)) }
        let aimed = judged.filter { $0.trust.isAim(of: target) }
        let candidates = aimed.isEmpty ? judged : aimed
        guard let best = candidates.min(by: { Self.rank($0.clauses) < Self.rank($1.clauses) })
        else { return nil }
        let fitting = candidates.filter { Verdict.whole($0.clauses.map(\.verdict)) != .refused }
        trust = best.trust
        clauses =
            best.clauses
            + (aimed.isEmpty
                ? [Self.noTrust(in: target)]
                : Self.projectClauses(fitting.map(\.trust), best.trust, target))
    }

    private static func noTrust(in target: Target) -> Clause {
        var name = ""
        if case .project(let project) = target { name = project }
        return Clause(
            "resource",
            .refused,
            "no trust is in the project \(name.rendered), which the request names",
            hint:
                "write the project's id in Bright as projectId, the last part of the project's address there"
        )
    }

    private static func rank(_ clauses: [Clause]) -> (Int, Int) {
        (
            clauses.count { $0.verdict == .refused }, clauses.count { $0.verdict.reason != nil }
        )
    }

    /// Nothing where the token fits one project at most.
    private static func projectClauses(
        _ fitting: [Trust],
        _ best: Trust,
        _ target: Target
    ) -> [Clause] {
        let projects = fitting.compactMap(\.brightProject)
        let names = Set(projects).sorted().map(\.printable)
        let unnamed = fitting.count { $0.service == .bright } - projects.count
        guard best.service == .bright, names.count + min(unnamed, 1) > 1 else { return [] }
        let which =
            names.joined(separator: " and ") + (unnamed > 0 ? " and one without projectId" : "")
        let hint =
            "set projectId, so that the request names the project as its resource; and narrow"
            + " the credentials in Bright so that one alone fits"
        switch target {
        case .project(let name): return [Clause("resource", .accepted, name.rendered)]
        case .none where unnamed == 0:
            let detail =
                "projects \(which) both accept the token, and without resource Bright rejects"
                + " an exchange that is ambiguous"
            return [Clause("resource", .refused, detail, hint: hint)]
        case .none, .unknown:
            return [
                Clause(
                    "resource",
                    .cannotBeTold(
                        why:
                            "with resource Bright takes the token, without it rejects it as ambiguous"
                    ),
                    "projects \(which) both accept the token",
                    hint: hint
                )
            ]
        }
    }
}

extension Trust {
    /// Whether an exchange with that resource looks at the trust; one without projectId may be anywhere.
    fileprivate func isAim(of target: Judgement.Target) -> Bool {
        guard case .project(let name) = target, let brightProject else { return true }
        return brightProject == name
    }

    /// The project of a Bright trust that names it.
    fileprivate var brightProject: String? {
        if case .bright(let terms) = terms { terms.projectID } else { nil }
    }
}
