// swift-tools-version: 6.2
import PackageDescription

// What --version says was built; packaging/build.sh sets it.
let commit = Context.environment["WIF_COMMIT"]

// The rooms and who may use whom. A room is a module only if it takes a power away from the
// others; Tests/RoomTests holds the sources to the imports listed here.
let package = Package(
    name: "wif-agent",
    products: [
        .executable(name: "wif-agent", targets: ["wif-agent"]),
        .executable(name: "wif-exchange", targets: ["wif-exchange"]),
        .executable(name: "wif-emulator", targets: ["wif-emulator"]),
    ],
    targets: [
        .systemLibrary(
            name: "CLibcurl",
            pkgConfig: "libcurl",
            providers: [.apt(["libcurl4-openssl-dev"])]
        ),
        .systemLibrary(
            name: "COpenSSL",
            pkgConfig: "openssl",
            providers: [.apt(["libssl-dev"])]
        ),
        .target(name: "CLinux", cSettings: commit.map { [.define("WIF_COMMIT", to: $0)] }),

        .target(name: "Kernel", dependencies: ["CLinux"]),
        .target(name: "Text", dependencies: ["Kernel"]),
        .target(name: "Federation", dependencies: ["Text", "Kernel"]),
        .target(name: "RegularExpressions", dependencies: ["Text"]),
        .target(
            name: "Policy",
            dependencies: ["RegularExpressions", "Federation", "Text", "Kernel"]
        ),
        .target(name: "HTTP", dependencies: ["CLibcurl", "Text", "Kernel"]),
        .target(name: "Crypto", dependencies: ["COpenSSL", "Text", "Kernel"]),
        .target(name: "AWSSignature", dependencies: ["Crypto", "Text", "Kernel"]),
        .target(name: "Serving", dependencies: ["Text", "Kernel"]),
        .target(
            name: "TokenSources",
            dependencies: ["AWSSignature", "Federation", "HTTP", "Crypto", "Text", "Kernel"]
        ),
        .target(
            name: "Exchanges",
            dependencies: ["Federation", "HTTP", "Crypto", "Text", "Kernel"]
        ),
        .target(
            name: "Diagnosis",
            dependencies: [
                "TokenSources", "Exchanges", "HTTP", "Crypto", "Policy", "Federation", "Text",
                "Kernel",
            ]
        ),
        .target(
            name: "Worker",
            dependencies: [
                "Diagnosis", "TokenSources", "Exchanges", "HTTP", "Crypto", "Federation", "Text",
                "Kernel",
            ]
        ),
        .target(name: "Outputs", dependencies: ["Federation", "Text", "Kernel"]),
        .target(
            name: "Agent",
            dependencies: ["Outputs", "Serving", "Federation", "Text", "Kernel"]
        ),

        .executableTarget(
            name: "wif-agent",
            dependencies: ["Agent", "Outputs", "Policy", "Federation", "Text", "Kernel"]
        ),
        .executableTarget(
            name: "wif-exchange",
            dependencies: ["Worker", "HTTP", "Federation", "Text", "Kernel"]
        ),
        .executableTarget(
            name: "wif-emulator",
            dependencies: [
                "AWSSignature", "Serving", "Crypto", "Policy", "Federation", "Text", "Kernel",
            ]
        ),

        .target(name: "TestSupport", dependencies: ["Text", "Kernel"], path: "Tests/TestSupport"),
        .testTarget(name: "KernelTests", dependencies: ["Text", "Kernel", "TestSupport"]),
        .testTarget(
            name: "OutputsTests",
            dependencies: ["Outputs", "Federation", "Text", "Kernel", "TestSupport"]
        ),
        .testTarget(
            name: "EmulatorTests",
            dependencies: [
                "wif-emulator", "AWSSignature", "Serving", "Crypto", "Federation", "Text", "Kernel",
            ]
        ),
        .testTarget(
            name: "CommandTests",
            dependencies: [
                "wif-agent", "Agent", "Outputs", "Federation", "Text", "Kernel",
            ]
        ),
        .testTarget(name: "RoomTests"),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "Worker", "wif-emulator", "Federation", "Text", "Kernel", "TestSupport",
            ],
            // The Python suites stand beside it.
            path: "Tests/EndToEndTests/Swift"
        ),
        .testTarget(
            name: "PolicyTests",
            dependencies: ["Policy", "RegularExpressions", "Federation", "Text", "Kernel"],
            exclude: ["Comparison"]
        ),
        .testTarget(
            name: "FederationTests",
            dependencies: ["Federation", "Text", "Kernel", "TestSupport"]
        ),
        .testTarget(
            name: "ServingTests",
            dependencies: ["Serving", "Text", "Kernel", "TestSupport"]
        ),
        .target(
            name: "NetworkTestSupport",
            dependencies: ["HTTP", "Text", "Kernel"],
            path: "Tests/NetworkTestSupport"
        ),
        .testTarget(
            name: "TokenSourcesTests",
            dependencies: [
                "TokenSources", "Crypto", "Federation", "HTTP", "Text", "Kernel", "TestSupport",
                "NetworkTestSupport",
            ]
        ),
        .testTarget(
            name: "ExchangesTests",
            dependencies: [
                "Worker", "Diagnosis", "Exchanges", "TokenSources", "Crypto", "Federation", "HTTP",
                "Text", "Kernel", "TestSupport", "NetworkTestSupport",
            ]
        ),
        .testTarget(
            name: "CryptoTests",
            dependencies: ["Crypto", "Federation", "Text", "Kernel", "TestSupport"]
        ),
        .testTarget(
            name: "AWSSignatureTests",
            dependencies: [
                "AWSSignature", "Crypto", "Federation", "Text", "Kernel", "TestSupport",
            ]
        ),
        .testTarget(
            name: "AgentTests",
            dependencies: ["Agent", "Outputs", "Federation", "Text", "Kernel", "TestSupport"]
        ),
        .target(
            name: "Simulation",
            dependencies: ["Agent", "Outputs", "Federation", "Text", "Kernel", "TestSupport"],
            path: "Tests/Simulation/World"
        ),
        .executableTarget(
            name: "wif-simulation",
            dependencies: ["Simulation", "Text", "Kernel"],
            path: "Tests/Simulation/Program"
        ),
        .testTarget(
            name: "SimulationTests",
            dependencies: ["Simulation"],
            path: "Tests/Simulation/Tests"
        ),
        .testTarget(
            name: "HTTPTests",
            dependencies: ["HTTP", "Crypto", "Text", "Kernel", "TestSupport"]
        ),
    ]
)

// Tests/Fuzz are tests that replay what libFuzzer found, and with WIF_FUZZ libFuzzer's program instead, which
// links with it alone: Tests/Fuzz/run.sh builds it.
let parsers: [Target.Dependency] = [
    "Worker", "Diagnosis", "TokenSources", "Exchanges", "Outputs", "Policy", "RegularExpressions",
    "Serving", "HTTP", "AWSSignature", "Crypto", "Federation", "Text", "Kernel", "TestSupport",
    "NetworkTestSupport",
]
let noSources = ["CFuzzer", "Files", "Seeds", "Regressions", "run.sh", "words.dict"]
if Context.environment["WIF_FUZZ"] != nil {
    package.targets += [
        .systemLibrary(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"),
        .executableTarget(
            name: "wif-fuzz",
            dependencies: parsers + ["CFuzzer"],
            path: "Tests/Fuzz",
            exclude: noSources + ["ReplayTests.swift"]
        ),
    ]
} else {
    package.targets += [
        .testTarget(
            name: "FuzzTests",
            dependencies: parsers,
            path: "Tests/Fuzz",
            exclude: noSources + ["Program.swift"]
        )
    ]
}

for target in package.targets where target.type != .system && target.name != "CLinux" {
    target.swiftSettings = [
        .swiftLanguageMode(.v6),
        .treatAllWarnings(as: .error),
        .strictMemorySafety(),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    ]
}

// Regular expressions of the toolchain, with their Unicode names, would be 1.5 MB of a program that uses none.
let sources =
    "Kernel Text Federation RegularExpressions Policy HTTP Crypto AWSSignature Serving TokenSources"
    + " Exchanges Diagnosis Worker Outputs Agent wif-agent wif-exchange"
for target in package.targets where sources.split(separator: " ").contains(Substring(target.name)) {
    target.swiftSettings?.append(
        .unsafeFlags(["-Xfrontend", "-disable-implicit-string-processing-module-import"])
    )
}
