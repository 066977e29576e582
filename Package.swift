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

        .target(name: "Platform", dependencies: ["CLinux"]),
        .target(name: "Federation", dependencies: ["Platform"]),
        .target(name: "Policy", dependencies: ["Federation"]),
        .target(name: "HTTP", dependencies: ["CLibcurl", "Platform"]),
        .target(name: "Crypto", dependencies: ["COpenSSL", "Platform"]),
        .target(name: "Serving", dependencies: ["Platform"]),
        .target(name: "TokenSources", dependencies: ["Federation", "HTTP", "Crypto", "Platform"]),
        .target(name: "Exchanges", dependencies: ["Federation", "HTTP", "Crypto", "Platform"]),
        .target(name: "Outputs", dependencies: ["Federation", "Platform"]),
        .target(name: "Agent", dependencies: ["Outputs", "Serving", "Federation", "Platform"]),

        .executableTarget(
            name: "wif-agent",
            dependencies: ["Agent", "Outputs", "Policy", "Federation", "Platform"]
        ),
        .executableTarget(
            name: "wif-exchange",
            dependencies: [
                "TokenSources", "Exchanges", "HTTP", "Policy", "Federation", "Platform",
            ]
        ),
        .executableTarget(
            name: "wif-emulator",
            dependencies: ["Serving", "Crypto", "Policy", "Federation", "Platform"]
        ),

        .target(name: "TestSupport", dependencies: ["Platform"], path: "Tests/TestSupport"),
        .testTarget(name: "PlatformTests", dependencies: ["Platform", "TestSupport"]),
        .testTarget(
            name: "OutputsTests",
            dependencies: ["Outputs", "Federation", "Platform", "TestSupport"]
        ),
        .testTarget(
            name: "EmulatorTests",
            dependencies: ["wif-emulator", "Serving", "Crypto", "Federation", "Platform"]
        ),
        .testTarget(name: "RoomTests"),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "wif-exchange", "wif-emulator", "Federation", "Platform", "TestSupport",
            ],
            // The Python suites stand beside it.
            path: "Tests/EndToEndTests/Swift"
        ),
        .testTarget(
            name: "PolicyTests",
            dependencies: ["Policy", "Federation", "Platform"],
            exclude: ["Comparison"]
        ),
        .testTarget(
            name: "FederationTests",
            dependencies: ["Federation", "Platform", "TestSupport"]
        ),
        .testTarget(name: "ServingTests", dependencies: ["Serving", "Platform", "TestSupport"]),
        .target(
            name: "NetworkTestSupport",
            dependencies: ["HTTP", "Platform"],
            path: "Tests/NetworkTestSupport"
        ),
        .testTarget(
            name: "TokenSourcesTests",
            dependencies: [
                "TokenSources", "Crypto", "Federation", "HTTP", "Platform", "TestSupport",
                "NetworkTestSupport",
            ]
        ),
        .testTarget(
            name: "ExchangesTests",
            dependencies: [
                "wif-exchange", "Exchanges", "TokenSources", "Crypto", "Federation", "HTTP",
                "Platform", "TestSupport", "NetworkTestSupport",
            ]
        ),
        .testTarget(
            name: "CryptoTests",
            dependencies: ["Crypto", "Federation", "Platform", "TestSupport"]
        ),
        .testTarget(
            name: "AgentTests",
            dependencies: ["Agent", "Outputs", "Federation", "Platform", "TestSupport"]
        ),
        .target(
            name: "Simulation",
            dependencies: ["Agent", "Outputs", "Federation", "Platform", "TestSupport"],
            path: "Tests/Simulation/World"
        ),
        .executableTarget(
            name: "wif-simulation",
            dependencies: ["Simulation", "Platform"],
            path: "Tests/Simulation/Program"
        ),
        .testTarget(
            name: "SimulationTests",
            dependencies: ["Simulation"],
            path: "Tests/Simulation/Tests"
        ),
        .testTarget(
            name: "HTTPTests",
            dependencies: ["HTTP", "Crypto", "Platform", "TestSupport"]
        ),
    ]
)

// Tests/Fuzz are tests that replay what libFuzzer found, and with WIF_FUZZ libFuzzer's program instead, which
// links with it alone: Tests/Fuzz/run.sh builds it. Tests/Fuzz/Worker are links to sources of wif-exchange:
// a program cannot import another that has a main of its own.
let parsers: [Target.Dependency] = [
    "TokenSources", "Exchanges", "Outputs", "Policy", "Serving", "HTTP", "Crypto", "Federation",
    "Platform", "TestSupport", "NetworkTestSupport",
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
