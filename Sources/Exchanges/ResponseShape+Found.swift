import Federation
import HTTP
import Kernel
import Text

extension ResponseShape {
    /// Members in which services give credentials and their lifetimes, the most telling first.
    private static let credentials = [
        "access_token", "client_token", "accessToken", "token", "id_token", "idToken", "jwt",
        "api_key", "apiKey", "session_token", "value",
    ]
    private static let lifetimes = [
        "expires_in", "lease_duration", "expiresIn", "expires_at", "expiresAt", "expiration",
        "expireTime", "ttl", "validity",
    ]

    /// What to write in the account file for a reply whose credential stands elsewhere than it says, by the
    /// names of the reply's members alone; `nil` where nothing in it is like one.
    static func hint(in reply: Reply, for service: TokenExchangeService) -> String? {
        let json: JSON
        do throws(JSONError) {
            json = try JSON(parsing: reply.response.body.bytes)
        } catch {
            return nil
        }
        guard
            let credential = path(
                to: credentials,
                in: json,
                where: { value in
                    value.string.map { $0.utf8.count >= 8 && $0.utf8.isVisibleASCII } ?? false
                }
            ), credential != service.response.credential
        else { return json["auth"]?["mfa_requirement"]?.object == nil ? nil : Self.factorHint }
        let name = credential.joined(separator: ".")
        let isLifetime = { (value: JSON) in
            value.lenientNumber.map { $0 > 0 } ?? (value.string.flatMap(date(rfc3339:)) != nil)
        }
        let parent = credential.dropLast()
        let beside = parent.reduce(json as JSON?) { $0?[$1] }
            .flatMap { path(to: lifetimes, in: $0, depth: 0, where: isLifetime) }
        let lifetime =
            beside.map { parent + $0 } ?? path(to: lifetimes, in: json, where: isLifetime)
        let rest = lifetime.map { ", \"lifetime\": \"\($0.joined(separator: "."))\"" } ?? ""
        return
            "the reply has its token in \(name): write \"response\": {\"credential\": \"\(name)\"\(rest)} in the account file"
    }

    private static let factorHint =
        "the login asks for a second factor (mfa_requirement), which no workload has: have its operators except this role from"
        + " the login MFA enforcement"

    /// At the top or up to two levels below.
    private static func path(
        to names: [String],
        in json: JSON,
        depth: Int = 2,
        where isFitting: (JSON) -> Bool
    ) -> [String]? {
        if let name = names.first(where: { json[$0].map(isFitting) ?? false }) { return [name] }
        guard depth > 0 else { return nil }
        for (name, value) in (json.object ?? [:]).sorted(by: { $0.key < $1.key })
        where value.object != nil && name.isAlphanumeric(or: "_-") && name.utf8.count <= 40 {
            if let rest = path(to: names, in: value, depth: depth - 1, where: isFitting) {
                return [name] + rest
            }
        }
        return nil
    }
}
