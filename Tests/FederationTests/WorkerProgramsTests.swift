import Testing

@testable import Federation

struct `Where the worker is looked for` {
    private static let standard = "/usr/libexec/wif-agent/wif-exchange"

    @Test(
        arguments: [
            (nil, []), ("", []), ("relative", []),
            ("/usr/bin", ["/usr/bin/wif-exchange"]),
            ("/", ["/wif-exchange", "/libexec/wif-agent/wif-exchange"]),
            (
                "/opt/wif-agent/usr/bin",
                [
                    "/opt/wif-agent/usr/bin/wif-exchange",
                    "/opt/wif-agent/usr/libexec/wif-agent/wif-exchange",
                ]
            ),
            ("/usr/libexec/wif-agent", ["/usr/libexec/libexec/wif-agent/wif-exchange"]),
        ] as [(String?, [String])]
    )
    func `beside the program, beside its folder, in the standard place`(
        folder: String?,
        before: [String]
    ) {
        #expect(workerPrograms(besides: folder) == before + [Self.standard])
    }
}
