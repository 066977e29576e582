import Federation
import FoundationEssentials
import Glibc
import Kernel
import TestSupport
import Testing

@testable import Outputs

/// What keeps an output from its readers.
@Suite struct ReaderExaminationTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var format = "raw"
        /// Further members of the output.
        let more: String
        /// Of the directory that it is in, and its group.
        var mode: mode_t = 0o755
        var group: gid_t = 0
        /// Without the path of that directory before it.
        var says: String?
    }

    private static let closedTo = " is closed to "

    static let rows = [
        Row(testDescription: "the agent's own", more: "", mode: 0o700),
        Row(
            testDescription: "a group without rights",
            more: #", "group": "4242", "mode": "0600""#,
            says: "its group is 4242, which the mode 0600 gives no access"
        ),
        Row(testDescription: "a group with its right", more: #", "group": "4242", "mode": "0640""#),
        Row(
            testDescription: "a group that may read a socket",
            format: "socket",
            more: #", "group": "4242", "mode": "0640""#,
            says: "its group is 4242, which the mode 0640 gives no access"
        ),
        Row(
            testDescription: "a group that may write to one",
            format: "socket",
            more: #", "group": "4242", "mode": "0660""#
        ),
        Row(
            testDescription: "a socket with a list of its readers",
            format: "socket",
            more: #", "group": "4242", "mode": "0600", "allowUsers": ["4242"]"#,
            says: "its mode 0600 lets only its owner connect, whomever allowUsers allows"
        ),
        Row(
            testDescription: "a socket for the group that its list names",
            format: "socket",
            more: #", "group": "4242", "mode": "0660", "allowGroups": ["4242"]"#
        ),
        Row(
            testDescription: "a socket that is closed to the group that its list names",
            format: "socket",
            more: #", "group": "4242", "mode": "0600", "allowGroups": ["4242"]"#,
            says: "its mode 0600 lets only its owner connect, whomever allowGroups allows"
        ),
        Row(
            testDescription: "a socket for another group than its list names",
            format: "socket",
            more: #", "group": "4242", "mode": "0660", "allowGroups": ["4243"]"#,
            says: "its mode 0660 lets only its owner and group connect, whomever allowGroups allows"
        ),
        Row(
            testDescription: "a socket for a group, and a list of users",
            format: "socket",
            more: #", "group": "4242", "mode": "0660", "allowUsers": ["4243"]"#,
            says: "its mode 0660 lets only its owner and group connect, whomever allowUsers allows"
        ),
        Row(
            testDescription: "a directory closed to the group",
            more: #", "group": "4242", "mode": "0640""#,
            mode: 0o710,
            says: "\(closedTo)the group 4242: the file cannot be reached there"
        ),
        Row(
            testDescription: "the group's directory",
            more: #", "group": "4242", "mode": "0640""#,
            mode: 0o710,
            group: 4242
        ),
        Row(
            testDescription: "the group's directory, closed to it",
            more: #", "group": "4242", "mode": "0640""#,
            mode: 0o701,
            group: 4242,
            says: "\(closedTo)the group 4242: the file cannot be reached there"
        ),
        Row(
            testDescription: "a directory open to all but its group",
            more: #", "group": "4242", "mode": "0640""#,
            mode: 0o701
        ),
        Row(
            testDescription: "a directory closed to the owner",
            more: #", "owner": "4242""#,
            mode: 0o700,
            says: "\(closedTo)the owner 4242: the file cannot be reached there"
        ),
        Row(
            testDescription: "one that the owner may enter",
            more: #", "owner": "4242""#,
            mode: 0o711
        ),
        Row(
            testDescription: "a socket's list in a closed directory",
            format: "socket",
            more: #", "allowUsers": ["4242"]"#,
            mode: 0o700,
            says:
                "\(closedTo)the user 4242, whom allowUsers lets in: the socket cannot be reached there"
        ),
        Row(
            testDescription: "a socket's list of groups in a closed directory",
            format: "socket",
            more: #", "allowGroups": ["4242"]"#,
            mode: 0o710,
            says:
                "\(closedTo)the group 4242, which allowGroups lets in: the socket cannot be reached there"
        ),
        Row(
            testDescription: "a socket's list that may enter",
            format: "socket",
            more: #", "allowUsers": ["4242"]"#,
            mode: 0o711
        ),
        Row(testDescription: "root as the owner", more: #", "owner": "0""#, mode: 0o700),
        Row(
            testDescription: "a file for all in a closed directory",
            more: #", "mode": "0644""#,
            mode: 0o700,
            says:
                "\(closedTo)other users, who may read the output: the file cannot be reached there"
        ),
        Row(testDescription: "one for the group alone", more: #", "mode": "0640""#, mode: 0o700),
        Row(testDescription: "a file for all", more: #", "mode": "0644""#, mode: 0o711),
        Row(
            testDescription: "a file for all that has an owner",
            more: #", "mode": "0644", "owner": "0""#,
            mode: 0o700
        ),
    ]

    @Test(.enabled(if: geteuid() == 0, "giving directories away takes root"), arguments: rows)
    func `is told by modes, owners and groups`(row: Row) throws {
        let scratch = ScratchDirectory()
        unsafe chmod(scratch.path, 0o755)
        let place = scratch("place")
        unsafe mkdir(place, 0o700)
        unsafe chown(place, 0, row.group)
        unsafe chmod(place, row.mode)
        // A directory that is yet to be made keeps nobody out.
        for path in ["\(place)/x", "\(place)/new/x"] {
            let text = #"[{"format": "\#(row.format)", "path": "\#(path)"\#(row.more)}]"#
            let output = try account(outputs: text).configuredOutputs[0]
            let expected = row.says.map { $0.hasPrefix(Self.closedTo) ? place + $0 : $0 }
            #expect(output.readerObjection?.text == expected)
        }
    }
}

@Suite struct UnitFileTests {
    @Test(arguments: [
        ("a.service", nil, ""), ("b@x.service", nil, ""), ("x.mount", nil, ""),
        (
            "aa.service", "there is no unit aa.service in systemd's folders",
            "did you mean a.service? "
        ),
        (
            "b@x.timer", "there is no unit b@x.timer in systemd's folders",
            "did you mean b@y.timer? "
        ),
        ("quite-another.socket", "there is no unit quite-another.socket in systemd's folders", ""),
    ])
    func `a unit is told by its file, or its template's`(
        unit: String,
        text: String?,
        hint: String
    ) throws {
        let place = ScratchDirectory()
        let without = UnitFiles.objection(to: unit, below: place.path)
        #expect(without?.text == "systemd does not run here, and \(unit) is a unit of its")
        for path in ["run/systemd/system", "etc/systemd/system", "usr/lib/systemd/system"] {
            try FileManager.default.createDirectory(
                atPath: place(path),
                withIntermediateDirectories: true
            )
        }
        close(unsafe creat(place("etc/systemd/system/a.service"), 0o600))
        close(unsafe creat(place("usr/lib/systemd/system/b@.service"), 0o600))
        close(unsafe creat(place("usr/lib/systemd/system/b@y.timer"), 0o600))
        let objection = UnitFiles.objection(to: unit, below: place.path)
        #expect(objection?.text == text)
        let common =
            "systemctl list-unit-files lists the units; correct the name, or install the unit"
        #expect(objection?.hint == text.map { _ in hint + common })
    }
}
