/// A large value that does not change, behind a reference: what holds it is small and cheap to copy.
package struct Boxed<Value: Sendable>: Sendable {
    private final class Storage: Sendable {
        let value: Value

        init(_ value: Value) {
            self.value = value
        }
    }

    private let storage: Storage

    package init(_ value: Value) {
        storage = Storage(value)
    }

    /// What it holds.
    package var value: Value { storage.value }
}
