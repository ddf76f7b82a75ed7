import Agent
import Config
import Glibc
import Policy
import SystemPackage
import TestSupport

/// The profiles in config/profiles, as they are shipped.
let packaged = readProfiles(in: [
    FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
        .appending("config/profiles")
])

/// A host made of files in a temporary folder. It has processes, sockets and folders, and a network that the test decides.
final class MadeUpHost {
    let folder: TemporaryFolder
    var files: HostFiles { HostFiles(root: folder.path) }
    private var sockets: [String: [String: [String]]] = [:]
    private var processes: [(id: Int32, namespace: String)] = []
    private var nextInode: UInt64 = 1000
    static let network = "net:[4026531840]"

    init() throws {
        folder = try TemporaryFolder()
        try folder.write("etc/hostname", "validator-1\n")
        try folder.write("etc/passwd", "root:x:0:0::/root:/bin/bash\ngeth:x:1001:1001::/:/usr/sbin/nologin\n")
        try folder.write("proc/self/mountinfo", "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n")
        try link("proc/self/ns/net", Self.network)
    }

    func link(_ name: String, _ target: String) throws {
        let path = folder.path.pushing(FilePath(name))
        // Makes the folders on the way.
        try folder.write(name + ".way", "")
        guard unsafe path.withPlatformString({ unsafe symlink(target, $0) }) == 0 else {
            throw Errno(rawValue: errno)
        }
    }

    /// A process, with the sockets it has: lines as `tcp/10.8.0.2:30303` (listening) or `tcp/10.8.0.2:30303 77.1.2.3:4000`.
    func process(
        _ id: Int32, _ executable: String, _ arguments: [String] = [], uid: UInt32 = 1001, parent: Int32 = 1,
        network: String = MadeUpHost.network, group: String = "/system.slice/x.service", sockets: [String] = []
    ) throws {
        try folder.write(
            "proc/\(id)/cmdline", ([executable] + arguments).map { $0 + "\0" }.joined())
        try folder.write(
            "proc/\(id)/status", "Name:\tx\nPPid:\t\(parent)\nUid:\t\(uid)\t\(uid)\t\(uid)\t\(uid)\n")
        try folder.write("proc/\(id)/cgroup", "0::\(group)\n")
        try folder.write("proc/\(id)/mountinfo", "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n")
        try link("proc/\(id)/exe", executable)
        try link("proc/\(id)/ns/net", network)
        processes.append((id, network))
        for (number, socket) in sockets.enumerated() {
            nextInode += 1
            try link("proc/\(id)/fd/\(number)", "socket:[\(nextInode)]")
            let name = socket.hasPrefix("udp") ? "udp" : "tcp"
            let ends = socket.dropFirst(4).split(separator: " ")
            let state = ends.count == 2 ? "01" : name == "tcp" ? "0A" : "07"
            let line =
                "   0: \(Self.hex(ends[0])) \(ends.count == 2 ? Self.hex(ends[1]) : "00000000:0000") \(state) "
                + "00000000:00000000 00:00000000 00000000 \(uid) 0 \(nextInode) 1"
            self.sockets[network, default: [:]][name, default: []].append(line)
        }
        // Every process of a network namespace sees all of its sockets.
        for process in processes {
            for name in ["tcp", "udp"] {
                let lines = self.sockets[process.namespace]?[name] ?? []
                try folder.write(
                    "proc/\(process.id)/net/\(name)", "  sl  local_address\n" + lines.map { $0 + "\n" }.joined())
            }
        }
    }

    /// `10.8.0.2:30303` as /proc/net/tcp has it on a little-endian machine.
    private static func hex(_ end: Substring) -> String {
        func two(_ number: Int) -> String { (number < 16 ? "0" : "") + String(number, radix: 16, uppercase: true) }
        let parts = end.split(separator: ":")
        let address = parts[0].split(separator: ".").reversed().map { two(Int($0)!) }.joined()
        let port = Int(parts[1])!
        return "\(address):\(two(port >> 8))\(two(port & 255))"
    }

    /// The host as setup sees it.
    func survey(
        _ network: HostNetwork? = .withVPN, posture: @escaping @Sendable (PosturePolicy) -> Posture = { _ in .good }
    ) -> HostSurvey {
        HostSurvey(files, profiles: packaged, network: network, posture: posture)
    }

    /// What setup proposes over an empty main file, or the one given.
    func proposal(
        _ network: HostNetwork? = .withVPN, main: String = "",
        posture: @escaping @Sendable (PosturePolicy) -> Posture = { _ in .good }
    ) throws -> Proposal {
        let file = try folder.write("etc/nodeguard/nodeguard.yaml", main)
        return Proposal(survey(network, posture: posture), main: file)
    }
}

extension Posture {
    /// Everything proven.
    static let good = Posture(
        [CheckName.selinuxEnforcing, .vpnInterface, .vpnRouteIPv4, .vpnRouteIPv6].map {
            CheckResult($0, .pass, evidence: "as it should be")
        })

    /// The same, but for one check.
    static func bad(_ check: CheckName, _ verdict: Verdict, _ evidence: String) -> Posture {
        Posture(good.results.filter { $0.check != check } + [CheckResult(check, verdict, evidence: evidence)])
    }
}

extension HostNetwork {
    static let home = Interface(
        name: "eth0", index: 2, addresses: [IPAddress("192.168.1.10")!], ranges: [IPPrefix("192.168.1.0/24")!])
    static let vpn = Interface(
        name: "nordlynx", index: 3, kind: "wireguard", isTunnel: true, addresses: [IPAddress("10.5.0.2")!])
    static let bridge = Interface(
        name: "cni0", index: 4, kind: "bridge", addresses: [IPAddress("10.42.0.1")!],
        ranges: [IPPrefix("10.42.0.0/24")!])

    /// A home network and a VPN that carries everything else; no IPv6.
    static let withVPN = network([home, vpn, bridge], internet: "nordlynx")
    /// The VPN is not connected.
    static let withoutVPN = network([home], internet: "eth0")

    static func network(_ interfaces: [Interface], internet: String) -> HostNetwork {
        HostNetwork(interfaces: interfaces) { packet in
            if packet.destination.family == .ipv6 { return .unreachable }
            let near = interfaces.first { $0.ranges.contains { $0.contains(packet.destination) } }
            return .leaves([near?.name ?? internet])
        }
    }
}
