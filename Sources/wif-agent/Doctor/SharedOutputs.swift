import Federation
import Text

/// Which accounts deliver where, to find two that write the same file.
struct SharedOutputs {
    private var owners: [String: String] = [:]

    /// What is wrong with an output that an account before has, too.
    struct Shared {
        let path: String
        let text: String
        let hint: String
    }

    /// Takes an account's outputs; answers those that another account has already.
    mutating func add(_ account: Account) -> [Shared] {
        var shared: [Shared] = []
        for output in account.configuredOutputs where output.secret == nil {
            guard let other = owners.updateValue(account.path, forKey: output.path),
                other != account.path
            else { continue }
            shared.append(
                Shared(
                    path: output.path,
                    text: "\(account.path.printable): output \(output.path.printable) is one of"
                        + " \(other.printable), too: each would replace the other's credential",
                    hint: "give the output of one of the two accounts another path"
                )
            )
        }
        return shared
    }
}
