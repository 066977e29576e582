import CLinux
import Glibc

/// Whether whoever has connected to a Unix socket descends from this process: a child, or what a child
/// started. In doubt it does, if its user is this process's own.
///
/// Whom init or another reaper has adopted descends from here no more. Costs a look at each ancestor, and
/// nothing while this process has no children. `SO_PEERPIDFD`, `PIDFD_GET_INFO`, `proc_pid_stat(5)`
package func peerDescendsFromHere(_ socket: Int32) -> Bool {
    // The first process of a container is the parent of orphans, whoever started them.
    guard !ChildRegistry.isEmpty || getpid() == 1 else { return false }
    var (pid, uid, gid): (Int32, UInt32, UInt32) = (0, 0, 0)
    guard unsafe wif_peer_credentials(socket, &pid, &uid, &gid) == 0 else { return true }
    return switch wif_peer_descent(socket, pid) {
    case WIF_DESCENT_OWN: true
    case WIF_DESCENT_NONE: false
    default: uid == geteuid()
    }
}

/// Kills every process that descends from this one, where it is the one that orphans fall to; without effect
/// in any other. `PR_GET_CHILD_SUBREAPER`, `prctl(2)`
package func endAdoptedProcesses() {
    guard wif_is_child_subreaper() else { return }
    // A look at /proc may miss one that has just been adopted; the kernel knows whether there are children.
    for _ in 0..<1000 where ChildRegistry.reapAll() {
        killDescendants(of: getpid())
        sched_yield()
    }
}

/// Kills every process that descends from that one, also those that have left their process groups and
/// sessions; as far as a look at /proc, again until there are none, finds them.
func killDescendants(of root: Int32) {
    for _ in 0..<16 {
        let found = livingDescendants(of: root)
        if found.isEmpty { return }
        for pid in found { _ = kill(pid, SIGKILL) }
    }
}

private func livingDescendants(of root: Int32) -> Set<Int32> {
    let names: [String]
    do throws(Errno) { names = try listDirectory("/proc") } catch { return [] }
    var children: [Int32: [Int32]] = [:]
    for pid in names.compactMap({ Int32($0) }) {
        var isZombie = false
        let parent = unsafe wif_parent(pid, &isZombie)
        if parent > 0, !isZombie { children[parent, default: []].append(pid) }
    }
    var found: Set<Int32> = []
    var open = [root]
    while let next = open.popLast() {
        for child in children[next] ?? [] where found.insert(child).inserted { open.append(child) }
    }
    return found
}
