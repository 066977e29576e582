package import Kernel
import Text

extension Account {
    /// Every error that can be told of a file at once: after each the file is read once more with a value
    /// in that place which is right. Empty for a file without one.
    package static func errors(
        in document: Secret,
        path: String,
        environment: [String: String] = [:]
    ) -> [AccountError] {
        var errors: [AccountError] = []
        var document = document
        var mended: Set<String> = []
        while errors.count < errorLimit {
            do throws(AccountError) {
                _ = try Account(parsing: document, path: path, environment: environment)
                return errors
            } catch {
                guard let key = error.key, mended.insert(key).inserted,
                    errors.isEmpty || !error.isOfAbsentKey || mended.isDisjoint(with: deciding)
                else { return errors.isEmpty ? [error] : errors }
                errors.append(error)
                // Of another service, or in a file of another kind, other keys are required.
                guard key != "service", key != "private_key",
                    let next = Self.mended(document, key)
                else { return errors }
                document = next
            }
        }
        return errors
    }

    private static let errorLimit = 8

    /// The keys by which a file is taken for one of another service.
    private static let deciding: Set<String> = ["service", "clientId", "tokenUrl", "roleArn"]

    private static func mended(_ document: Secret, _ key: String) -> Secret? {
        do throws(JSONError) {
            var members = try JSON(parsing: document.bytes).object ?? [:]
            for name in members.keys where KeyedValues.camelCase(name) == key {
                members[name] = nil
            }
            members[key] = KeyGuess.valid[key]
            return Secret(JSON.object(members).serialized())
        } catch {
            return nil
        }
    }
}
