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
    ])
    func `what a script uses and is not given`(text: String, names: [String]) {
        #expect(ScriptVariables(in: text).missing == names)
    }
}
