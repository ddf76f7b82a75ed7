// swift-tools-version: 6.2
// nodeguard: see docs/architecture.md for the map of the modules.
import PackageDescription

/// One set of rules for every target of ours: Swift 6, strict memory safety, no warning survives.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "nodeguard",
    products: [
        .executable(name: "nodeguard", targets: ["nodeguard"]),
        .executable(name: "nodeguard-engine", targets: ["nodeguard-engine"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    ],
    targets: [
        // C libraries of the system, each with a header as thin as can be.
        .systemLibrary(name: "CClamAV", pkgConfig: "libclamav", providers: [.apt(["libclamav-dev"])]),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CSELinux", pkgConfig: "libselinux", providers: [.apt(["libselinux1-dev"])]),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
        .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CNetlink"),

        // What every module may use.
        .target(name: "LinuxSystem", dependencies: ["CLinux", system], swiftSettings: strict),
        .target(name: "SQLite", dependencies: ["CSQLite", "LinuxSystem", system], swiftSettings: strict),
        .target(name: "ContentHash", dependencies: ["CCrypto"], swiftSettings: strict),
        .target(name: "Config", dependencies: ["CYAML", "LinuxSystem", system], swiftSettings: strict),
        .target(name: "Varlink", dependencies: ["LinuxSystem", system], swiftSettings: strict),
        .target(name: "Journal", dependencies: ["CSystemd", "LinuxSystem", system], swiftSettings: strict),

        .target(
            name: "Sandbox", dependencies: ["CLinux", "CSeccomp", "LinuxSystem", system], swiftSettings: strict),

        // The two streams.
        .target(name: "EngineProtocol", dependencies: ["LinuxSystem", system], swiftSettings: strict),
        .target(
            name: "Scanner",
            dependencies: ["CLinux", "ContentHash", "EngineProtocol", "Journal", "LinuxSystem", system],
            swiftSettings: strict),
        .target(
            name: "Policy", dependencies: ["CNetlink", "CSELinux", "Journal", "LinuxSystem", system],
            swiftSettings: strict),
        .target(
            name: "Agent",
            dependencies: [
                "Config", "EngineProtocol", "Scanner", "Policy", "Journal", "LinuxSystem", "SQLite", "Sandbox",
                "Varlink",
                system,
            ], swiftSettings: strict),

        // The two executables. Only the engine is linked with libclamav.
        .executableTarget(
            name: "nodeguard",
            dependencies: ["Agent", "Config", "Scanner", "Policy", "Journal", "LinuxSystem", arguments, system],
            swiftSettings: strict),
        .target(
            name: "Engine",
            dependencies: ["CClamAV", "CLinux", "EngineProtocol", "LinuxSystem", "Sandbox", system],
            swiftSettings: strict),
        .executableTarget(name: "nodeguard-engine", dependencies: ["Engine"], swiftSettings: strict),

        // Tests. TestSupport starts real programs and makes real trees; it is never shipped.
        .systemLibrary(name: "CTestSupport", path: "Tests/CTestSupport"),
        .target(
            name: "TestSupport", dependencies: ["CTestSupport", "LinuxSystem", system], path: "Tests/TestSupport",
            swiftSettings: strict),
        .testTarget(
            name: "LinuxSystemTests", dependencies: ["LinuxSystem", "TestSupport", system], swiftSettings: strict),
        .testTarget(
            name: "SQLiteTests", dependencies: ["LinuxSystem", "SQLite", "TestSupport", system], swiftSettings: strict),
        .testTarget(name: "ConfigTests", dependencies: ["Config", "TestSupport", system], swiftSettings: strict),
        .testTarget(
            name: "JournalTests", dependencies: ["Journal", "LinuxSystem", "TestSupport", "journal-probe", system],
            swiftSettings: strict),
        .executableTarget(
            name: "journal-probe", dependencies: ["Journal", system], path: "Tests/JournalProbe", swiftSettings: strict),
        .testTarget(
            name: "VarlinkTests",
            dependencies: ["LinuxSystem", "TestSupport", "Varlink", "varlink-probe", system], swiftSettings: strict),
        .executableTarget(
            name: "varlink-probe", dependencies: ["LinuxSystem", "Varlink", system], path: "Tests/VarlinkProbe",
            swiftSettings: strict),
        .executableTarget(
            name: "quarantine-probe", dependencies: ["Journal", "LinuxSystem", "Scanner", system],
            path: "Tests/QuarantineProbe", swiftSettings: strict),
        .testTarget(
            name: "EngineProtocolTests", dependencies: ["EngineProtocol", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "ScannerTests",
            dependencies: [
                "ContentHash", "EngineProtocol", "Journal", "LinuxSystem", "Scanner", "TestSupport", "nodeguard",
                "nodeguard-engine", "quarantine-probe", system,
            ], swiftSettings: strict),
        .executableTarget(
            name: "gate-benchmark",
            dependencies: ["CTestSupport", "Journal", "LinuxSystem", "Policy", "TestSupport", "gate-holder", system],
            path: "Benchmarks/Gate", swiftSettings: strict),
        .executableTarget(
            name: "gate-holder", dependencies: ["Policy", "Journal", "LinuxSystem", system], path: "Tests/GateHolder",
            swiftSettings: strict),
        .testTarget(
            name: "PolicyTests",
            dependencies: ["Policy", "Journal", "LinuxSystem", "TestSupport", "gate-holder", system],
            swiftSettings: strict),
        .testTarget(
            name: "ProfileTests",
            dependencies: [
                "Agent", "Config", "Journal", "LinuxSystem", "Scanner", "TestSupport", "nodeguard", "nodeguard-engine",
                system,
            ], swiftSettings: strict),
        .testTarget(
            name: "HostTests",
            dependencies: [
                "Agent", "Config", "Journal", "LinuxSystem", "Policy", "TestSupport", "nodeguard", "nodeguard-engine",
                system,
            ], swiftSettings: strict),
        .testTarget(
            name: "EngineTests",
            dependencies: [
                "EngineProtocol", "Journal", "Scanner", "TestSupport", "faulty-engine", "nodeguard", "nodeguard-engine",
                "session-probe", system,
            ], swiftSettings: strict),
        .executableTarget(
            name: "faulty-engine",
            dependencies: ["CLinux", "CTestSupport", "Engine", "EngineProtocol", "LinuxSystem", system],
            path: "Tests/FaultyEngine", swiftSettings: strict),
        .executableTarget(
            name: "session-probe", dependencies: ["Journal", "LinuxSystem", "Scanner", system],
            path: "Tests/SessionProbe", swiftSettings: strict),
        .testTarget(
            name: "AgentTests",
            dependencies: ["Agent", "Config", "Journal", "LinuxSystem", "Policy", "TestSupport", "Varlink", system],
            swiftSettings: strict),
        .testTarget(
            name: "CommandTests", dependencies: ["TestSupport", "nodeguard", "nodeguard-engine", system],
            swiftSettings: strict),
    ]
)
