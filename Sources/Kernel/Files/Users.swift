import Glibc

/// The user's number, for a name in the user database or digits; `nil` if there is none.
/// `getpwnam_r(3)`
package func userID(of nameOrNumber: String) -> UInt32? {
    if let number = plainNumber(nameOrNumber) { return number }
    return unsafe lookUp(passwd(), { unsafe getpwnam_r(nameOrNumber, $0, $1, $2, $3) }) {
        unsafe $0.pw_uid
    }
}

/// The group's number, for a name in the group database or digits; `nil` if there is none.
/// `getgrnam_r(3)`
package func groupID(of nameOrNumber: String) -> UInt32? {
    if let number = plainNumber(nameOrNumber) { return number }
    return unsafe lookUp(group(), { unsafe getgrnam_r(nameOrNumber, $0, $1, $2, $3) }) {
        unsafe $0.gr_gid
    }
}

/// A user for messages: `alice (1000)`, or the number alone where it has no name. `getpwuid_r(3)`
package func userDescription(_ id: UInt32) -> String {
    nameAndGroup(of: id).map { "\($0.name) (\(id))" } ?? String(id)
}

/// A user's name, or the number where it has none.
package func userName(_ id: UInt32) -> String { nameAndGroup(of: id)?.name ?? String(id) }

/// A user's name and primary group; `nil` for an id that has none. `getpwuid_r(3)`
func nameAndGroup(of id: UInt32) -> (name: String, group: UInt32)? {
    unsafe lookUp(passwd(), { unsafe getpwuid_r(id, $0, $1, $2, $3) }) {
        unsafe (String(cString: $0.pw_name), $0.pw_gid)
    }
}

/// A group for messages: `adm (4)`, or the number alone where it has no name. `getgrgid_r(3)`
package func groupDescription(_ id: UInt32) -> String {
    let name = unsafe lookUp(group(), { unsafe getgrgid_r(id, $0, $1, $2, $3) }) {
        unsafe String(cString: $0.gr_name)
    }
    return name.map { "\($0) (\(id))" } ?? String(id)
}

/// The id under which this process acts. `geteuid(2)`
package func effectiveUserID() -> UInt32 { geteuid() }

/// Digits as an id; -1 is what `chown(2)` takes for "unchanged", so it is none.
private func plainNumber(_ text: String) -> UInt32? {
    guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }),
        let number = UInt32(text), number != .max
    else { return nil }
    return number
}

/// What is wanted of a record of the user or group database; `nil` where there is none. Its texts lie in a
/// buffer, which grows while the call says `ERANGE`.
@unsafe private func lookUp<Record, Value>(
    _ empty: Record,
    _ call: (
        UnsafeMutablePointer<Record>, UnsafeMutablePointer<CChar>, Int,
        UnsafeMutablePointer<UnsafeMutablePointer<Record>?>
    ) -> Int32,
    _ value: (Record) -> Value
) -> Value? {
    var record = empty
    var found: UnsafeMutablePointer<Record>?
    var size = 1024
    while size <= 1 << 20 {
        var result: Int32 = EINVAL
        let wanted: Value? = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: size) {
            guard let base = $0.baseAddress else { return nil }
            result = unsafe call(&record, base, size, &found)
            return unsafe result == 0 && found != nil ? value(record) : nil
        }
        if result == 0 { return wanted }
        if result != ERANGE && result != EINTR { return nil }
        if result == ERANGE { size *= 4 }
    }
    return nil
}
