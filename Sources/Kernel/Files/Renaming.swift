import Glibc

/// Gives a file or link the other name, whose old bearer is gone at the same moment. `rename(2)`
package func rename(_ path: String, to newPath: String) throws(Errno) {
    try systemCall { unsafe Glibc.rename(path, newPath) }
}
