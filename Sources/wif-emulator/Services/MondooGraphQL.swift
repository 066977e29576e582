import Federation
import FoundationEssentials
import Policy
import Serving
import Text

/// Mondoo's GraphQL API, as far as it manages identity providers.
struct MondooGraphQL {
    static let path = "/query"

    let bindings: MondooBindings
    let accounts: MondooAccounts
    let world: World

    /// What is told as `errors`.
    private struct Fault: Error {
        let message: String

        init(_ message: String) { self.message = message }
    }

    func answer(_ request: HTTPServerRequest) throws(MondooError) -> HTTPServerResponse {
        try authenticate(request)
        let body: JSON
        do throws(JSONError) {
            body = try JSON(parsing: request.body)
        } catch {
            return reply(nil, ["the body is not JSON: \(error.reason)"], status: 400)
        }
        guard let document = body["query"]?.string.flatMap(GraphQLDocument.init) else {
            return reply(nil, ["the document cannot be parsed"], status: 422)
        }
        do throws(Fault) {
            let value = try value(of: document.field, body["variables"] ?? .object([:]))
            let selected = try select(document.selection, of: value, document.field)
            return reply(.object([document.field: selected]), [], status: 200)
        } catch {
            return reply(.null, [error.message], status: 200)
        }
    }

    private func authenticate(_ request: HTTPServerRequest) throws(MondooError) {
        if request.authorization("bearer") == world.mondooToken { return }
        try accounts.authenticate(request)
    }

    private func reply(
        _ data: JSON?,
        _ errors: [String],
        status: Int
    ) -> HTTPServerResponse {
        var members: [String: JSON] = [:]
        members["data"] = data
        if !errors.isEmpty {
            members["errors"] = .array(errors.map { .object(["message": .string($0)]) })
        }
        return .json(.object(members), status: status)
    }

    private func select(
        _ selection: GraphQLDocument.Selection,
        of value: JSON,
        _ name: String
    ) throws(Fault) -> JSON {
        switch (selection, value) {
        case (_, .null): return .null
        case (_, .array(let elements)):
            var selected: [JSON] = []
            for element in elements { selected.append(try select(selection, of: element, name)) }
            return .array(selected)
        case (.leaf, .object):
            throw Fault("field \"\(name)\" must have a selection of subfields")
        case (.fields, let value) where value.object == nil:
            throw Fault("field \"\(name)\" must not have a selection")
        case (.leaf, let value): return value
        case (.fields(let fields), let value):
            var selected: [String: JSON] = [:]
            for (field, inner) in fields {
                guard let member = value[field] else {
                    throw Fault("cannot query field \"\(field)\" on \"\(name)\"")
                }
                selected[field] = try select(inner, of: member, field)
            }
            return .object(selected)
        }
    }

    private func value(of field: String, _ variables: JSON) throws(Fault) -> JSON {
        switch field {
        case "createWIFAuthBinding": return try create(variables["input"])
        case "listWIFAuthBindings":
            let scope = try text("scopeMrn", in: variables)
            let found = bindings.all.filter { $0.scope == scope }
            return .object(["bindings": .array(try ordered(found.map(json), variables["orderBy"]))])
        case "getWIFAuthBinding":
            let mrn = try text("mrn", in: variables)
            guard let binding = bindings.all.first(where: { $0.mrn == mrn }) else {
                throw Fault("no identity provider \(mrn.printable)")
            }
            return payload(binding)
        case "removeWIFAuthBinding":
            let mrn = try text("mrn", in: variables)
            guard bindings.remove(mrn) else {
                throw Fault("no identity provider \(mrn.printable)")
            }
            accounts.remove(madeBy: mrn)
            return .object(["mrn": .string(mrn)])
        default: throw Fault("cannot query field \"\(field.printable)\"")
        }
    }

    /// In the order of one field, ascending unless told otherwise. The type's fields are not documented.
    private func ordered(_ bindings: [JSON], _ order: JSON?) throws(Fault) -> [JSON] {
        guard let order, order != .null else { return bindings }
        let known = ["mrn", "name", "issuerUri", "subject", "expiration", "createdAt", "lastUsed"]
        guard let field = order["field"]?.string, known.contains(field) else {
            throw Fault("variable \"$orderBy\" got invalid value; field is one of \(known)")
        }
        let direction = order["direction"]?.string ?? "ASC"
        guard ["ASC", "DESC"].contains(direction) else {
            throw Fault("variable \"$orderBy\" got invalid value; direction is ASC or DESC")
        }
        func key(_ binding: JSON) -> (Double, String) {
            (binding[field]?.lenientNumber ?? 0, binding[field]?.string ?? "")
        }
        let sorted = bindings.enumerated().sorted { first, second in
            let (left, right) = (key(first.element), key(second.element))
            return left == right ? first.offset < second.offset : left < right
        }.map(\.element)
        return direction == "ASC" ? sorted : sorted.reversed()
    }

    private func text(_ name: String, in variables: JSON) throws(Fault) -> String {
        guard let text = variables[name]?.string, !text.isEmpty else {
            throw Fault("variable \"$\(name)\" of type \"String!\" was not provided")
        }
        return text
    }

    private func create(_ input: JSON?) throws(Fault) -> JSON {
        guard var members = input?.object else {
            throw Fault(
                "variable \"$input\" of type \"CreateWIFAuthBindingInput\" was not provided"
            )
        }
        for key in ["scopeMrn", "name", "issuerUri", "subject"] {
            guard members[key]?.string?.isEmpty == false else {
                throw Fault("field \"\(key)\" of required type \"String!\" was not provided")
            }
        }
        // GraphQL's names for what a trust file says.
        members["service"] = "mondoo"
        members["issuer"] = members.removeValue(forKey: "issuerUri")
        members["audience"] = members.removeValue(forKey: "scopeMrn")
        let description = members["description"]?.string
        let trust: Trust
        do throws(PolicyError) {
            try MondooProvider.check(input ?? .null)
            trust = try Trust(.object(members))
        } catch {
            throw Fault("invalid input: \(error.problem)")
        }
        guard let binding = bindings.make(trust, description) else { throw Fault("no trust") }
        return payload(binding)
    }

    private func payload(_ binding: MondooBindings.Binding) -> JSON {
        let isAWS = binding.trust.isCallerIdentity
        let config: JSON = [
            "universeDomain": .string(world.url(of: .mondoo)), "type": "external_account",
            "audience": .string(binding.scope),
            "subjectTokenType": .string(
                isAWS
                    ? "urn:ietf:params:aws:token-type:aws4_request"
                    : "urn:ietf:params:oauth:token-type:jwt"
            ),
            "scopes": .array(roles(of: binding)), "issuerUri": .string(binding.trust.issuer),
        ]
        return .object(["binding": json(binding), "config": config])
    }

    private func roles(of binding: MondooBindings.Binding) -> [JSON] {
        let roles = binding.terms.roles
        return (roles.isEmpty ? ["//iam.api.mondoo.app/roles/agent"] : roles).map(JSON.string)
    }

    private func json(_ binding: MondooBindings.Binding) -> JSON {
        let terms = binding.terms
        let mappings = terms.mappings.map { mapping -> JSON in
            ["key": .string(mapping.key), "value": .string(mapping.value)]
        }
        return [
            "mrn": .string(binding.mrn), "name": .string(binding.trust.name ?? "unnamed"),
            "description": .string(binding.description ?? ""), "scope": .string(binding.scope),
            "roles": .array(roles(of: binding)),
            "expiration": .integer(Int64(terms.expiration ?? 3600)),
            "issuerUri": .string(binding.trust.issuer), "subject": .string(terms.subject),
            "mappings": .array(mappings),
            "allowedAudiences": .array(terms.allowedAudiences.map(JSON.string)),
            "createdAt": .string(rfc3339(binding.createdAt)),
            "createdBy": "//captain.api.mondoo.app/users/emulator",
            "lastUsed": binding.lastUsed.map { .string(rfc3339($0)) } ?? .null,
        ]
    }
}
