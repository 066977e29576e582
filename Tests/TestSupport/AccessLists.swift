import Glibc

/// Gives a file an access list that lets one user and one group more do what the bits say (6: read and
/// write); a directory's default list with `isDefault`. `acl(5)`
/// - Returns: 0, or -1 where the file system keeps none.
@discardableResult
package func setAccessList(
    _ path: String,
    user: UInt32? = nil,
    group: UInt32? = nil,
    bits: UInt16,
    isDefault: Bool = false
) -> Int32 {
    func little<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        unsafe withUnsafeBytes(of: value.littleEndian) { unsafe Array($0) }
    }
    func entry(_ tag: UInt16, _ bits: UInt16, _ id: UInt32 = .max) -> [UInt8] {
        little(tag) + little(bits) + little(id)
    }
    var list = little(UInt32(2)) + entry(0x01, 7)
    if let user { list += entry(0x02, bits, user) }
    list += entry(0x04, 0)
    if let group { list += entry(0x08, bits, group) }
    list += entry(0x10, 7) + entry(0x20, 0)
    typealias Call =
        @convention(c) (
            UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafeRawPointer, Int, Int32
        ) -> Int32
    guard let call = unsafe dlsym(nil, "setxattr") else { return -1 }
    let set = unsafe unsafeBitCast(call, to: Call.self)
    return unsafe set(path, attributes[isDefault ? 1 : 0], list, list.count, 0)
}

/// Whether a file or directory has an access list, or a default one.
package func hasAccessLists(_ path: String) -> Bool {
    typealias Call =
        @convention(c) (
            UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafeMutableRawPointer?, Int
        ) -> Int
    guard let call = unsafe dlsym(nil, "getxattr") else { return false }
    let get = unsafe unsafeBitCast(call, to: Call.self)
    return attributes.contains { unsafe get(path, $0, nil, 0) >= 0 }
}

private let attributes = ["system.posix_acl_access", "system.posix_acl_default"]
