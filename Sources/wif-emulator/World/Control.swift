import Crypto
import Federation
import FoundationEssentials
import Serving
import Text

/// The emulator's own endpoints, below `/_emulator/` on every listener.
struct Control: Sendable {
    static let prefix = "/_emulator/"

    let world: World
    let environment: String

    func answer(_ request: HTTPServerRequest) -> HTTPServerResponse {
        do {
            return try answer(
                request.method,
                String(request.path.dropFirst(Control.prefix.count)),
                request
            )
        } catch {
            return .json(["error": .string("\(error)")], status: 400)
        }
    }

    private func answer(
        _ method: String,
        _ path: String,
        _ request: HTTPServerRequest
    ) throws -> HTTPServerResponse {
        switch (method, path) {
        case ("POST", "faults"):
            let faults = try Fault.list(try JSON(parsing: request.body))
            let numbers = faults.map { JSON.integer(Int64(world.faults.add($0))) }
            return .json(["ids": .array(numbers)], status: 201)
        case ("GET", "faults"): return .json(world.faults.json)
        case ("DELETE", "faults"):
            world.faults.remove(request.query["id"].flatMap { Int($0) })
            return HTTPServerResponse(status: 204)
        case ("GET", "requests"):
            return .json(
                world.journal.requests(
                    path: request.query["path"] ?? "",
                    withSecrets: request.query["secrets"] == "1"
                )
            )
        case ("DELETE", "requests"):
            world.journal.clear()
            return HTTPServerResponse(status: 204)
        case ("GET", "issued"): return .json(world.journal.secrets())
        case ("GET", "environment"): return HTTPServerResponse(status: 200, text: environment)
        case ("POST", "token"): return try token(try JSON(parsing: request.body))
        case ("GET", "token"):
            var members: [String: JSON] = [:]
            members["issuer"] = request.query["issuer"].map(JSON.string)
            members["claims"] = request.query["audience"].map { ["aud": .string($0)] }
            return try token(.object(members))
        case ("POST", "rotate"): return try rotate(try JSON(parsing: request.body))
        default: return .json(["error": "the emulator has no such endpoint"], status: 404)
        }
    }

    /// A token of any issuer with any claims, for files and programs that hand tokens out.
    private func token(_ json: JSON) throws -> HTTPServerResponse {
        let issuer = try issuer(json["issuer"]?.string ?? "custom")
        let now = world.clock.seconds
        let lifetime = Int64(json["lifetime"]?.lenientNumber ?? 3600)
        let standard: [String: JSON] = [
            "sub": "workload", "aud": .string(world.options.scope), "iat": .integer(now),
            "exp": .integer(now + lifetime),
        ]
        let claims = standard.merging(json["claims"]?.object ?? [:]) { _, new in new }
            .filter { $0.value != .null }
        let token = try issuer.token(claims: claims)
        world.note("subject-token", from: issuer.name, token)
        return HTTPServerResponse(status: 200, text: token)
    }

    private func rotate(_ json: JSON) throws -> HTTPServerResponse {
        try issuer(json["issuer"]?.string ?? "custom").rotate()
        return HTTPServerResponse(status: 204)
    }

    private func issuer(_ name: String) throws(UsageError) -> Issuer {
        guard let issuer = world.issuer(named: name) else {
            throw UsageError("there is no issuer '\(name)'")
        }
        return issuer
    }
}
