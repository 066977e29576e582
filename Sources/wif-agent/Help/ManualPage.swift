import Federation
import Kernel
import Text

/// A manual page as `wif-agent help` shows it: a text that is installed beside the program, for machines
/// without man(1).
struct ManualPage: Sendable {
    /// What `help` calls it.
    let topic: String
    /// What man(1) calls it.
    let name: String
    let section: Int
    let summary: String

    /// All pages, in the order in which help lists them.
    static let all = [
        ManualPage("manual", "wif-agent", 1, "every command, with its options and exit codes"),
        ManualPage("account-file", "wif-agent.json", 5, "every key of an account file"),
        ManualPage("ci", "wif-agent-ci", 7, "credentials for jobs of CI systems"),
        ManualPage("cloud", "wif-agent-cloud", 7, "what to set up at a cloud and at the service"),
        ManualPage("emulator", "wif-emulator", 1, "trying units and pipelines without a cloud"),
        ManualPage("install", "wif-agent-install", 7, "how releases are checked and installed"),
        ManualPage("kubernetes", "wif-agent-kubernetes", 7, "credentials for pods"),
        ManualPage("security", "wif-agent-security", 7, "what an attacker can do, and cannot"),
        ManualPage("systemd", "wif-agent-systemd", 7, "credentials for the units of a machine"),
        ManualPage(
            "troubleshooting",
            "wif-agent-troubleshooting",
            7,
            "what each error means and what to do"
        ),
        ManualPage("worker", "wif-exchange", 8, "the program that speaks to the network"),
    ]

    private init(_ topic: String, _ name: String, _ section: Int, _ summary: String) {
        self.topic = topic
        self.name = name
        self.section = section
        self.summary = summary
    }

    /// The page of a topic; also by the page's name, with or without its section.
    static func named(_ word: String) -> ManualPage? {
        all.first { page in
            [
                page.topic, page.name, "\(page.name).\(page.section)",
                "\(page.name)(\(page.section))",
            ]
            .contains(word)
        }
    }

    /// Where its text may be: in `share` beside the folder of the running program, as in an archive unpacked
    /// anywhere, else in the standard place.
    private var candidates: [String] {
        let file = "share/wif-agent/help/\(name).\(section)"
        let standard = "/usr/\(file)"
        do throws(Errno) {
            let folder = splitPath(try realPath("/proc/self/exe")).directory
            return ["\(splitPath(folder).directory)/\(file)", standard]
        } catch {
            return [standard]
        }
    }

    /// The path of its text.
    /// - Throws: ``CommandFailure`` with exit code 66 where it is not installed.
    func path() throws -> String {
        if let path = candidates.first(where: isRegularFile(at:)) { return path }
        throw CommandFailure(
            Failure(
                .misconfigured,
                at: .account,
                "the text of \(name)(\(section)) is not at \(candidates.joined(separator: ", nor at "))",
                hint: "a release has it there; man \(section) \(name) shows the same page"
            ),
            exitCode: 66
        )
    }
}
