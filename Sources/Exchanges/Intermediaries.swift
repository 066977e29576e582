import Federation
import HTTP
import Kernel
import Text

extension Reply {
    /// What to do about an answer that is not the service's own but that of a proxy, firewall or server on the
    /// way, by the words of its page or by its status; `nil` for any other.
    ///
    /// - Parameter key: of the account file, which has the service's address.
    func intermediaryHint(_ key: String) -> String? {
        let body = response.body.bytes.prefix(8192)
        let page = String(decoding: body, as: UTF8.self).lowercased()
        let marks =
            response.status < 400
            ? [] : response.status < 500 ? Self.marks + Self.outages : Self.outages
        let mark = marks.first { $0.words.contains(where: page.contains) }
        if let mark { return mark.advice.replacing("KEY", with: key) }
        return Self.advice(on: response.status, self)?.replacing("KEY", with: key)
    }

    private struct Mark: Sendable {
        let words: [String]
        let advice: String

        init(_ words: String..., advice: String) {
            (self.words, self.advice) = (words, advice)
        }
    }

    /// What the pages of well-known servers, proxies and firewalls say, in lower case.
    private static let marks = [
        Mark(
            "request header or cookie too large",
            "request header fields too large",
            "header field too long",
            advice: tooLong
        ),
        Mark(
            "no required ssl certificate",
            "ssl certificate error",
            "client certificate required",
            "certificate is required",
            "requires a client certificate",
            advice:
                "the address wants a certificate of the client (mutual TLS), which is not supported here: have whoever runs"
                + " it switch that off for the token endpoint (nginx: ssl_verify_client), or write an address without it in"
                + " KEY"
        ),
        Mark(
            "plain http request was sent to https port",
            "http request to an https server",
            advice: "the address speaks TLS: write https:// in KEY"
        ),
        Mark(
            "zscaler",
            "forcepoint",
            "netskope",
            "fortiguard",
            "fortigate",
            "mcafee web gateway",
            "blue coat",
            "bluecoat",
            "cisco umbrella",
            "sophos",
            "palo alto networks",
            "url filtering",
            "blocked by your",
            "web filter",
            advice:
                "a web filter of this network answers in the service's place and blocks it: have whoever runs the filter"
                + " exempt the host in KEY for this machine"
        ),
        Mark(
            "squid",
            "err_access_denied",
            advice:
                "the proxy on the way refuses the request: have the host in KEY allowed in its rules (acl), or set"
                + " NO_PROXY for it where it can be reached without"
        ),
        Mark(
            "cloudflare",
            "ray id",
            "attention required",
            "the request could not be satisfied",
            "request blocked",
            "akamai",
            "reference&#32;&#35;",
            "incapsula",
            "aws waf",
            "mod_security",
            "sucuri",
            "you don't have permission to access",
            advice:
                "the protection in front of the service (a web application firewall or CDN) blocks this machine: give the id"
                + " on its page and this machine's address to whoever runs the service, who must let it through; and try"
                + " from another address or without a proxy"
        ),
    ]

    private static let outages = [
        Mark(
            "default backend - 404",
            "no healthy upstream",
            "upstream connect error",
            "503 service temporarily unavailable",
            "no server is available to handle",
            "backend fetch failed",
            advice:
                "the balancer in front of the service answers and has no service behind that address: either it is being"
                + " restarted (the agent tries again by itself), or host or path in KEY are not the service's: correct KEY"
        )
    ]

    private static let tooLong =
        "the token is longer than the server takes in a header: have the issuer put fewer claims (groups, roles) into it, or"
        + " whoever runs the service raise the limit (nginx: large_client_header_buffers); with the grant bearer the token"
        + " is sent in a header"

    private static func advice(on status: Int, _ reply: Reply) -> String? {
        switch status {
        case 401 where reply.error == nil:
            reply.response.header("www-authenticate").map { challenge in
                let scheme = challenge.prefix { $0 != " " }
                return
                    "the address asks for a login of its own (\(String(scheme).printable)), which no token exchange has: it is"
                    + " not the token endpoint, or a gateway before it wants one: correct KEY, or have the path exempted"
                    + " there"
            }
        case 407:
            "the proxy wants a login: write it into HTTPS_PROXY or proxy, http://USER:PASSWORD@HOST:PORT, or have this machine"
                + " exempted there"
        case 410: "the endpoint is gone for good: correct KEY to the service's present one"
        case 411, 426, 428, 505:
            "a server on the way wants another kind of request than the service does: KEY is not the service's own address, or"
                + " a proxy changes the request: correct KEY, or have the host exempted at the proxy"
        case 413:
            "the request is larger than the server takes, as by a token with many claims: have the issuer put fewer claims"
                + " (groups, roles) into it, or whoever runs the service raise the limit (nginx: client_max_body_size)"
        case 414, 431: tooLong
        case 421:
            "the server that answers is not one of the host in KEY: a proxy or hosts file leads to another; see what the name"
                + " resolves to (getent hosts HOST)"
        case 451:
            "the service is not given to this place for legal reasons (status 451): run the account from a network that it is"
                + " given to, or ask the service's support; trust and account file are not the cause"
        case 495, 496:
            "the server wants a certificate of the client (mutual TLS), which is not supported here: have the path exempted"
                + " there"
        default: nil
        }
    }

    /// What the body says of an error.
    private var error: OAuthError? { OAuthError(parsing: response.body, isRefusal: true) }

    /// What to do where a redirect leads to another address of the service's own: the endpoint has moved, or
    /// is written otherwise. `nil` for one to a page to log in, and for any other reply.
    ///
    /// - Parameter key: of the account file, which has the service's address.
    func movedHint(from endpoint: Endpoint, _ key: String) -> String? {
        guard (300..<400).contains(response.status), let target = response.redirectTarget else {
            return nil
        }
        let path = target.lowercased()
        let pages = ["login", "signin", "sign-in", "authorize", "/sso", "error", "maintenance"]
        guard key == "tokenUrl", path.hasPrefix("https://"), target != endpoint.url,
            !pages.contains(where: path.contains)
        else { return nil }
        return
            "the endpoint is at another address now: write \"tokenUrl\": \"\(target.printable)\" in the account file, in place"
            + " of \(endpoint.description.printable); redirects are not followed, for they could carry the token off"
    }
}
