import Testing

@Suite struct `Code mask` {
    static let rows: [(text: String, masked: String)] = [
        ("let a = 1 // try!", "let a = 1        "),
        ("/* a /* b */ c */ d", "                  d"),
        (#"f("try! \(g("x")) y") z"#, #"f("                ") z"#),
        (##"f(#"a"b\#(c)"#) d"##, ##"f(#"        "#) d"##),
        (#"f("\\") g("")"#, #"f("  ") g("")"#),
        ("func `no try!`() {", "func `       `() {"),
        ("\"\"\"\n  \"a\" print(\n\"\"\" b", "\"\"\"\n            \n\"\"\" b"),
    ]

    @Test(arguments: rows)
    func `only code is left, in its place`(text: String, masked: String) {
        #expect(CodeMask.applied(to: text) == masked)
    }

    @Test func `functions are measured from their first line to the closing brace`() {
        let text = """
            protocol P {
                func a(_ f: () -> Void)
                func b()
            }
            func c(
                _ f: () -> Void = { }
            ) {
                g { h() }
            }
            init() {}
            let x = self.init(f: { })
            """
        let found = SourceFile(path: "x", text: text).functions
        #expect(found.map(\.line) == [4, 9])
        #expect(found.map(\.length) == [5, 1])
    }
}
