import Kernel
import Text

/// The files of systemd's units on this machine. `systemd.unit(5)`
enum UnitFiles {
    private static let directories = [
        "/etc/systemd/system", "/run/systemd/system", "/run/systemd/generator",
        "/run/systemd/generator.late", "/run/systemd/transient", "/usr/local/lib/systemd/system",
        "/usr/lib/systemd/system", "/lib/systemd/system", "/etc/systemd/user",
        "/usr/lib/systemd/user", "/run/systemd/user",
    ]

    /// Why nothing would come of a unit's name, and what to do; `nil` where its file is there, and where that
    /// cannot be told.
    ///
    /// - Parameter root: of the file system that is looked at, without its `/`.
    static func objection(
        to unit: String,
        below root: String = ""
    ) -> (text: String, hint: String)? {
        guard isThere("\(root)/run/systemd/system") else {
            return (
                "systemd does not run here, and \(unit.printable) is a unit of its",
                "on a machine without systemd, or in a container, use a command or a signal"
            )
        }
        guard ["service", "socket", "target", "timer", "path"].contains(ending(of: unit)) else {
            return nil
        }
        let names = [unit, template(of: unit)].compactMap(\.self)
        let isFound = directories.contains { directory in
            names.contains { isThere("\(root)\(directory)/\($0)") }
        }
        guard !isFound else { return nil }
        let guess =
            nearest(to: unit, among: all(below: root)).map { "did you mean \($0.printable)? " }
            ?? ""
        return (
            "there is no unit \(unit.printable) in systemd's folders",
            "\(guess)systemctl list-unit-files lists the units; correct the name, or install the unit"
        )
    }

    private static func all(below root: String) -> [String] {
        directories.flatMap { (directory) -> [String] in
            do throws(Errno) { return try listDirectory(root + directory) } catch { return [] }
        }
    }

    private static func ending(of unit: String) -> String {
        String(unit.split(separator: ".").last ?? "")
    }

    /// `name@.service` for `name@instance.service`.
    private static func template(of unit: String) -> String? {
        guard let at = unit.firstIndex(of: "@"), let dot = unit.lastIndex(of: "."), at < dot else {
            return nil
        }
        return "\(unit[...at])\(unit[dot...])"
    }

    /// A link that leads nowhere counts: a masked unit is one.
    private static func isThere(_ path: String) -> Bool {
        FileFacts(ifAt: path) != nil
    }
}
