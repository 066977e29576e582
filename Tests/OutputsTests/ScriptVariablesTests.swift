import FoundationEssentials
import TestSupport
import Testing

@testable import Outputs

@Suite struct ScriptVariablesTests {
    @Test(arguments: [
        ("#!/bin/sh\ncurl \"$APP_ADMIN_URL\"\n", ["APP_ADMIN_URL"]),
        ("#!/bin/bash\nset -u\nURL=http://x\ncurl $URL ${TOKEN_FILE}\n", ["TOKEN_FILE"]),
        ("#!/bin/sh\ncurl ${URL:-http://x} $HOME $WIF_AGENT_ACCOUNT $1 $?\n", []),
        ("#!/bin/sh\n# $URL\nfor NAME in a b; do echo $NAME; done\n", []),
        ("#!/bin/sh\n. /etc/app.env\ncurl $APP_ADMIN_URL\n", []),
        ("#!/usr/bin/python3\nprint('$URL')\n", []),
        ("curl $URL\n", []),
        ("#!/bin/sh\necho $_APP_URL $10\n", ["_APP_URL"]), ("#!/bin/sh\necho $A $AB\n", ["AB"]),
    ])
    func `what a script uses and is not given`(text: String, names: [String]) {
        #expect(ScriptVariables(in: text).missing == names)
    }

    @Test(arguments: [(262_144, ["APP_URL"]), (262_145, [])])
    func `a script is read up to 256 KiB`(size: Int, names: [String]) throws {
        let place = ScratchDirectory()
        var text = "#!/bin/sh\ncurl $APP_URL\n"
        text += String(repeating: "#", count: size - text.utf8.count)
        try Data(text.utf8).write(to: URL(filePath: place("script")))
        #expect(ScriptVariables(ofScript: place("script")).missing == names)
    }
}
