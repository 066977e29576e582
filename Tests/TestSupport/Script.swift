import FoundationEssentials

/// A shell script that its owner alone may change and run; answers its path.
package func script(_ text: String, _ path: String) throws -> String {
    try Data("#!/bin/sh\n\(text)\n".utf8).write(to: URL(filePath: path))
    try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
    return path
}
