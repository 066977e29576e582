import Federation
import Kernel
import Testing
import Text

@Suite struct XMLElementTests {
    private static func parse(_ text: String) throws(XMLError) -> XMLElement {
        try XMLElement(parsing: Array(text.utf8))
    }

    @Test func `a reply is read by names`() throws {
        let reply = try Self.parse(
            """
            <?xml version="1.0" encoding="UTF-8"?>
            <s:AssumeRoleResponse xmlns:s="https://sts.amazonaws.com/doc/2011-06-15/">
              <AssumeRoleResult>
                <Credentials>
                  <AccessKeyId>ASIA</AccessKeyId>
                  <SessionToken>a+/b==&amp;&lt;&#65;&#x42;&quot;</SessionToken >
                  <Empty/>
                  <None></None>
                </Credentials>
              </AssumeRoleResult>
            </s:AssumeRoleResponse>

            """
        )
        #expect(reply.name == "AssumeRoleResponse")
        let credentials = try #require(reply["AssumeRoleResult", "Credentials"])
        #expect(credentials["AccessKeyId"]?.text == "ASIA")
        #expect(credentials["SessionToken"]?.text == "a+/b==&<AB\"")
        #expect(credentials["Empty"]?.text == "")
        #expect(credentials["None"]?.text == "")
        #expect(credentials["Other"] == nil)
        #expect(credentials.text == "")
    }

    static let bad = [
        "", "x", "<a>", "<a></b>", "<a>&b;</a>", "<a>&amp</a>", "<a>&#0;</a>", "<a>&#xD800;</a>",
        "<a>&#;</a>", "<a>&#+1;</a>", "<a></a>x", "<a></a><b></b>", "< a></a>", "<1></1>",
        "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "<a><!-- c --></a>", "<a><![CDATA[x]]></a>",
        "<a><?php ?></a>", "<a", "<a>x", "<a><b></a></b>", "</a>", "<?xml", "<a></a",
        String(repeating: "<a>", count: 100) + String(repeating: "</a>", count: 100),
    ]

    @Test(arguments: bad)
    func `anything else is refused`(text: String) {
        #expect(throws: XMLError.self) { try Self.parse(text) }
    }

    @Test func `bytes that are no UTF-8 are refused`() {
        #expect(throws: XMLError(reason: "it is not UTF-8")) {
            try XMLElement(parsing: [0x3C, 0xFF, 0x3E])
        }
    }
}
