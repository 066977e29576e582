import Text

/// What is wrong with a text that is to be the ARN of a role, and what was most likely meant.
struct RoleName {
    let problem: String
    let hint: String

    private static let form = "arn:aws:iam::ACCOUNT:role/NAME"

    /// - Parameter arn: what is none.
    init(objectionTo arn: String) {
        let shown = "\"\(arn.printable)\""
        if let meant = Self.meant(by: arn) {
            problem = "\(shown) is not the ARN of a role"
            hint = "write \"roleArn\": \"\(meant.printable)\""
            return
        }
        guard let (account, parts) = Self.account(of: arn) else {
            problem = "\(shown) is not the ARN of a role"
            hint = Self.hint(for: arn)
            return
        }
        let digits = account.filter(\.isNumber)
        let padded = String(repeating: "0", count: max(0, 12 - digits.count)) + digits
        let whole = Self.joined(parts, account: padded)
        guard account != digits else {
            let count = "\(digits.count) digits, and AWS's accounts have 12"
            problem =
                "\(shown) is not the ARN of a role: the account \(account.printable) has \(count)"
            hint =
                digits.count < 12 && !digits.isEmpty
                ? "write \"roleArn\": \"\(whole.printable)\": a spreadsheet or a number in YAML drops zeros at the front"
                : "write the account's 12 digits (aws sts get-caller-identity --query Account): \(Self.form)"
            return
        }
        problem =
            "\(shown) is not the ARN of a role: the account \(account.printable) has other characters than digits"
        hint =
            digits.count == 12
            ? "write \"roleArn\": \"\(whole.printable)\""
            : "write the account's 12 digits alone: \(Self.form)"
    }

    private static func hint(for arn: String) -> String {
        let parts = arn.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        guard parts.count == 6, parts[2] == "iam", !parts[5].hasPrefix("role/") else {
            return "write \(form), with 12 digits for ACCOUNT"
        }
        let kind = String(parts[5].prefix { $0 != "/" })
        return
            "write the ARN of a role, \(joined(parts, account: String(parts[4]), name: "role/NAME").printable): this one is"
            + " of something else (\(kind.printable))"
    }

    /// The account of what is a role's ARN otherwise, where that is not twelve digits.
    private static func account(of arn: String) -> (account: String, parts: [Substring])? {
        let parts = arn.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0] == "arn", parts[2] == "iam", parts[5].hasPrefix("role/"),
            !parts[4].isEmpty, parts[4].count != 12 || !parts[4].utf8.isNumber
        else { return nil }
        return (String(parts[4]), parts)
    }

    private static func joined(
        _ parts: [Substring],
        account: String,
        name: String? = nil
    ) -> String {
        "arn:\(parts[1]):iam::\(account):\(name ?? String(parts[5]))"
    }

    /// The role that the ARN of its session, or of the instance profile of the same name, leads to; `nil`
    /// where none is known.
    private static func meant(by arn: String) -> String? {
        let parts = arn.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0] == "arn" else { return nil }
        let names = parts[5].split(separator: "/", omittingEmptySubsequences: false)
        guard names.count > 1, ["assumed-role", "instance-profile"].contains(names[0]) else {
            return nil
        }
        let path = names[0] == "assumed-role" ? names[1] : names.last ?? ""
        let role = joined(parts, account: String(parts[4]), name: "role/\(path)")
        return AWSRole.partition(ofRole: role) == nil ? nil : role
    }
}
