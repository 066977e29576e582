/// Who may do what with a file or directory.
package struct FileRights: Sendable {
    let mode: UInt32
    /// The process's own where `nil`.
    let owner: UInt32?
    /// The file system's choice where `nil`; of a file that is there, any.
    let group: UInt32?

    package init(mode: UInt32, owner: UInt32? = nil, group: UInt32? = nil) {
        (self.mode, self.owner, self.group) = (mode, owner, group)
    }
}
