import Kernel

/// This project's version, for `--version` and for peers that are told. It stands here alone: packages,
/// archives and releases take it from the programs.
package let programVersion = "0.1.0"

/// What `--version` prints of a program: its version, and which build of it this is.
package func versionLine(of program: String) -> String {
    "\(program) \(programVersion) (\(buildDescription))"
}
