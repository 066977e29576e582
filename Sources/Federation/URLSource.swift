package import Kernel
import Text

/// A token that a plain GET answers with, as Google's `external_account` files describe it.
package struct URLSource: Sendable {
    /// https, or plain http to this machine or a metadata address.
    package let url: String
    package let headers: [(name: String, value: Secret)]
    package let format: TokenFormat
}

extension URLSource {
    /// Google's `url` with its `headers` and `format`.
    init(_ text: String, _ source: inout KeyedValues) throws(AccountError) {
        _ = try source.endpoint("url", text, .metadata)
        var headers: [(name: String, value: Secret)] = []
        switch source.take("headers") {
        case nil: break
        case .object(let members)?:
            for (name, value) in members.sorted(by: { $0.key < $1.key }) {
                guard let value = value.string else {
                    throw source.error(
                        "headers.\(name.printable)",
                        "a string is expected, found \(value.kind)"
                    )
                }
                headers.append((name, Secret(value)))
            }
        case let other?:
            throw source.error(
                "headers",
                "an object is expected, found \(other.kind)",
                hint: "write an object: {\"NAME\": \"VALUE\"}"
            )
        }
        self.init(
            url: text.contains("://") ? text : "https://" + text,
            headers: headers,
            format: try TokenFormat(&source)
        )
    }
}
