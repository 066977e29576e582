import Glibc

/// Which part of a path keeps this process from what stands there, and the command that changes it; `nil`
/// where the path does not tell. The names in it are not yet fit to print.
///
/// - Parameter error: with which the path could not be opened.
package func pathAdvice(_ path: String, _ error: Errno) -> String? {
    if error == .notFound { return missingAdvice(path) }
    if error == .noAccess || error == .notPermitted { return accessAdvice(path) }
    if error == .notDirectory {
        return fileOnPath(path).map { "\($0) is no directory: correct the path" }
    }
    guard error == Errno(ELOOP) else { return nil }
    return "its links lead in a circle: ls -l \(path) shows where to; write the file itself"
}

/// The directories above a path, the outermost first.
package func parentDirectories(of path: String) -> [String] {
    var place = splitPath(path).directory
    var places: [String] = []
    while !place.isEmpty {
        places.append(place)
        if place == "/" { break }
        place = splitPath(place).directory
    }
    return places.reversed()
}

private func fileOnPath(_ path: String) -> String? {
    parentDirectories(of: path).first { FileFacts(ifAt: $0).map { $0.kind != .directory } ?? false }
}

private func missingAdvice(_ path: String) -> String? {
    do throws(Errno) {
        let target = try linkTarget(of: path)
        return "\(path) is a link to \(target), and nothing is there: make it, or correct the link"
    } catch {
        // It is no link.
    }
    if let missing = parentDirectories(of: path).first(where: { FileFacts(ifAt: $0) == nil }) {
        let above = splitPath(missing).directory
        return "there is no \(missing)\(others(in: above, like: missing)): correct the path"
    }
    let folder = splitPath(path).directory
    return
        "there is no \(splitPath(path).name) in \(folder)\(others(in: folder, like: path)): correct the"
        + " path, or make the file"
}

/// The names in a directory of the same kind.
private func others(in folder: String, like path: String) -> String {
    let suffix = suffix(of: splitPath(path).name)
    let names: [String]
    do throws(Errno) {
        names = try listDirectory(folder).filter { $0.hasSuffix(suffix) }
    } catch {
        return ""
    }
    guard !names.isEmpty, names.count < 9 else { return "" }
    return ", which holds \(names.joined(separator: ", "))"
}

private func suffix(of name: String) -> String {
    guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return "" }
    return String(name[dot...])
}

private func accessAdvice(_ path: String) -> String? {
    let user = FileUser.current()
    let who = userDescription(user.id)
    if let (place, facts) = user.closedDirectory(above: path) {
        if let advice = loginAdvice(user, 1, facts) { return advice }
        return "\(who) may not enter \(place) (mode \(facts.modeText), owner"
            + " \(userDescription(facts.owner)), group \(groupDescription(facts.group))): chmod o+x"
            + " \(place), or make \(who) a member of that group with chmod g+x"
    }
    guard let facts = FileFacts(ifAt: path), !user.may(4, facts) else { return nil }
    if let advice = loginAdvice(user, 4, facts) { return advice }
    return
        "\(who) may not read it (mode \(facts.modeText), owner \(userDescription(facts.owner)), group"
        + " \(groupDescription(facts.group))): chgrp to a group of \(who) and chmod g+r \(path)"
}

/// For a user who was made a member of the group after this process's login; `nil` for any other.
private func loginAdvice(_ user: FileUser, _ right: UInt32, _ facts: FileFacts) -> String? {
    guard FileUser.listed(user.id).may(right, facts) else { return nil }
    let group = groupDescription(facts.group)
    return
        "\(userDescription(user.id)) is a member of the group \(group) that may, and this process is not: its"
        + " login or service began before. Log in again (or newgrp), or restart the service"
}
