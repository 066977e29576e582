import Glibc

/// The user's number, for a name in the user database or digits; `nil` if there is none.
/// `getpwnam_r(3)`
package func userID(of nameOrNumber: String) -> UInt32? {
    if let number = plainNumber(nameOrNumber) { return number }
    var record = unsafe passwd()
    var found: UnsafeMutablePointer<passwd>?
    return unsafe withLookupBuffer { buffer, size in
        unsafe getpwnam_r(nameOrNumber, &record, buffer, size, &found)
    } && found != nil ? record.pw_uid : nil
}

/// The group's number, for a name in the group database or digits; `nil` if there is none.
/// `getgrnam_r(3)`
package func groupID(of nameOrNumber: String) -> UInt32? {
    if let number = plainNumber(nameOrNumber) { return number }
    var record = unsafe group()
    var found: UnsafeMutablePointer<group>?
    return unsafe withLookupBuffer { buffer, size in
        unsafe getgrnam_r(nameOrNumber, &record, buffer, size, &found)
    } && found != nil ? record.gr_gid : nil
}

/// A user for messages: `alice (1000)`, or the number alone where it has no name. `getpwuid_r(3)`
package func userDescription(_ id: UInt32) -> String {
    guard let (name, _) = nameAndGroup(of: id) else { return String(id) }
    return "\(name) (\(id))"
}

/// A user's name and primary group; `nil` for an id that has none. `getpwuid_r(3)`
func nameAndGroup(of id: UInt32) -> (name: String, group: UInt32)? {
    var record = unsafe passwd()
    var found: UnsafeMutablePointer<passwd>?
    var name: String?
    let isDone = unsafe withLookupBuffer { buffer, size in
        let result = unsafe getpwuid_r(id, &record, buffer, size, &found)
        if result == 0, unsafe found != nil { name = unsafe String(cString: record.pw_name) }
        return result
    }
    guard isDone, let name else { return nil }
    return (name, unsafe record.pw_gid)
}

/// A group for messages: `adm (4)`, or the number alone where it has no name. `getgrgid_r(3)`
package func groupDescription(_ id: UInt32) -> String {
    var record = unsafe group()
    var found: UnsafeMutablePointer<group>?
    var name: String?
    let isDone = unsafe withLookupBuffer { buffer, size in
        let result = unsafe getgrgid_r(id, &record, buffer, size, &found)
        if result == 0, unsafe found != nil { name = unsafe String(cString: record.gr_name) }
        return result
    }
    guard isDone, let name else { return String(id) }
    return "\(name) (\(id))"
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

/// Runs a lookup with a buffer that grows while the call says `ERANGE`; whether it succeeded.
@unsafe private func withLookupBuffer(
    _ call: (UnsafeMutablePointer<CChar>, Int) -> Int32
) -> Bool {
    var size = 1024
    while size <= 1 << 20 {
        let result = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: size) {
            guard let base = $0.baseAddress else { return EINVAL }
            return unsafe call(base, size)
        }
        if result == 0 { return true }
        if result != ERANGE && result != EINTR { return false }
        if result == ERANGE { size *= 4 }
    }
    return false
}
