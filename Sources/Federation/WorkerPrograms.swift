/// Where the worker's program may be, in the order in which it is looked for: beside the running program;
/// in `libexec/wif-agent` beside that one's folder, as in an archive unpacked anywhere; and in the
/// standard place.
/// - Parameter folder: the running program's, absolute and without links; `nil` where it is not to be had.
package func workerPrograms(besides folder: String?) -> [String] {
    let name = "wif-exchange"
    let standard = "/usr/libexec/wif-agent/\(name)"
    guard let folder, folder.hasPrefix("/") else { return [standard] }
    let names = folder.split(separator: "/")
    let parent = names.dropLast().map { "/" + $0 }.joined()
    let places = [
        names.map { "/" + $0 }.joined() + "/" + name, "\(parent)/libexec/wif-agent/\(name)",
    ]
    return places.filter { $0 != standard } + [standard]
}
