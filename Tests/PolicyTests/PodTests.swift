import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@testable import Policy

/// A node's root folder with a container runtime's folders in it, as containerd leaves them.
final class RuntimeFolders: Sendable {
    let folder: TemporaryFolder
    var host: FilePath { folder.path }
    private static let tasks = "run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io"

    init() throws {
        folder = try TemporaryFolder()
        try folder.write("\(Self.tasks)/.keep", "")
    }

    /// A sandbox whose process is `pid`; nil: it has none yet.
    func add(
        _ id: String, namespace: String = "eth", name: String, process pid: Int32?, isHostNetwork: Bool = false,
        type: String = "sandbox", group: String? = nil
    ) throws {
        let network = isHostNetwork ? "" : #",{"type":"network","path":"/var/run/netns/cni-1"}"#
        try folder.write(
            "\(Self.tasks)/\(id)/config.json",
            """
            {"ociVersion":"1.0.2-dev","process":{"user":{"uid":65535,"gid":65535},"args":["/pause"],"cwd":"/"},"annotations":{\
            "io.kubernetes.cri.container-type":"\(type)","io.kubernetes.cri.sandbox-id":"\(id)",\
            "io.kubernetes.cri.sandbox-name":"\(name)","io.kubernetes.cri.sandbox-namespace":"\(namespace)"},\
            "linux":{"namespaces":[{"type":"pid"},{"type":"ipc"},{"type":"mount"}\(network)]}}
            """)
        guard let pid else { return }
        try folder.write("proc/\(pid)/cgroup", "0::/../cri-containerd-\(group ?? id).scope\n")
        _ = try runProgram(["ln", "-sfn", "/proc/\(pid)/net", host.appending("proc/\(pid)/net").string])
        try folder.write("\(Self.tasks)/\(id)/init.pid", "\(pid)")
    }

    func remove(_ id: String) throws {
        _ = try runProgram(["rm", "-r", host.pushing(FilePath("\(Self.tasks)/\(id)")).string])
    }
}

/// A process that only holds a network namespace, as a pod's sandbox does.
func holder(of namespace: NetworkNamespace) throws -> RunningProgram {
    try RunningProgram(["ip", "netns", "exec", namespace.name, "sh", "-c", "echo ready; exec sleep 100000"])
}

@Suite("Where the validators' pods are (needs root)")
struct PodTests {
    private let runtime: RuntimeFolders
    private let pod: NetworkNamespace
    private let process: RunningProgram
    private let lighthouse = PodSelector(namespace: "eth", name: "lighthouse-*")

    init() throws {
        runtime = try RuntimeFolders()
        pod = try NetworkNamespace()
        try pod.shell(
            """
            ip link add eth0 type veth peer name far0; ip link set eth0 up; ip link set far0 up
            ip address add 10.42.0.5/24 dev eth0; ip address add 10.42.1.7/32 dev eth0
            ip address add fd42::5/64 dev eth0 nodad
            """)
        process = try holder(of: pod)
        try process.waitForOutput("ready")
    }

    private func place(_ selector: PodSelector? = nil, in known: ContainerRuntime? = nil) -> PodPlace {
        let selector = selector ?? lighthouse
        return (known ?? ContainerRuntime(host: runtime.host)).places(of: [selector])[selector] ?? PodPlace()
    }

    @Test func `a pod's addresses are those of its sandbox's network`() throws {
        try runtime.add("aa11", name: "lighthouse-0", process: process.pid)
        try runtime.add("bb22", name: "lighthouse-0", process: getpid(), type: "container")
        let found = place()
        #expect(found.isKnown)
        #expect(found.addresses == Set(["10.42.0.5", "10.42.1.7", "fd42::5"].map { IPAddress($0)! }))
        #expect(!found.usesNodeNetwork)
        #expect(!place(PodSelector(namespace: "other", name: "lighthouse-*")).isKnown)
        #expect(!place(PodSelector(namespace: "eth", name: "geth-*")).isKnown)
    }

    @Test func `a pod on the node's network has no addresses of its own, and is known`() throws {
        try runtime.add("aa11", name: "lighthouse-0", process: process.pid, isHostNetwork: true)
        let found = place()
        #expect(found.isKnown)
        #expect(found.usesNodeNetwork)
        #expect(found.addresses.isEmpty)
        let policy = PosturePolicy(workloads: [Workload(name: "x", pod: lighthouse, isUnresolved: true)])
        #expect(policy.placing([lighthouse: found]).workloads == [Workload(name: "x", pod: lighthouse)])
    }

    @Test func `what is not there, not begun, dead or another's process is unknown`() throws {
        #expect(!place().isKnown)
        try runtime.add("aa11", name: "lighthouse-0", process: nil)
        #expect(!place().isKnown)
        // The number belongs to another process by now.
        try runtime.add("aa11", name: "lighthouse-0", process: process.pid, group: "cc33")
        #expect(!place().isKnown)
        try runtime.add("aa11", name: "lighthouse-0", process: 99_999_999)
        _ = try runProgram(["rm", "-r", runtime.host.appending("proc/99999999").string])
        #expect(!place().isKnown)
        let policy = PosturePolicy(workloads: [Workload(name: "x", pod: lighthouse)])
        #expect(policy.placing([lighthouse: place()]).workloads.map(\.isUnresolved) == [true])
    }

    @Test func `a damaged specification is no pod, and harms no other`() throws {
        try runtime.add("aa11", name: "lighthouse-0", process: process.pid)
        for (number, text) in ["", "{", "\"sandbox\"", "{\"annotations\":[\"sandbox\"]}", "\u{0}"].enumerated() {
            try runtime.folder.write(
                "run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/x\(number)/config.json", text)
        }
        #expect(place().isKnown)
    }

    @Test func `coming and going is noticed, and a dead sandbox's addresses are kept until its folder is gone`() throws
    {
        let known = ContainerRuntime(host: runtime.host)
        #expect(!place(in: known).isKnown)
        try runtime.add("aa11", name: "lighthouse-0", process: process.pid)
        #expect(known.drain())
        #expect(place(in: known).isKnown)
        _ = known.drain()
        process.signal(SIGKILL)
        _ = try process.finish()
        _ = try runProgram(["rm", "-r", runtime.host.appending("proc/\(process.pid)").string])
        let dead = place(in: known)
        #expect(!dead.isKnown)
        #expect(dead.addresses.contains(IPAddress("10.42.0.5")!))
        try runtime.remove("aa11")
        #expect(known.drain())
        #expect(place(in: known).addresses.isEmpty)
    }
}

@Suite(
    "A real containerd's pods (needs root, containerd and runc)", .serialized, .enabled(if: RealContainerd.isInstalled))
struct RealContainerdTests {
    @Test func `pods with a network of their own and on the node's are found`() throws {
        let containerd = try RealContainerd()
        let pod = try NetworkNamespace()
        try pod.shell("ip link add v0 type veth peer name v1; ip link set v0 up; ip address add 10.42.9.9/24 dev v0")
        let own = PodSelector(namespace: "eth", name: "own-?")
        let host = PodSelector(namespace: "eth", name: "host-?")
        let known = ContainerRuntime(host: containerd.host)
        #expect(known.places(of: [own, host]).values.allSatisfy { !$0.isKnown })
        try containerd.run("sandbox1", pod: "own-0", ["--with-ns", "network:/run/netns/\(pod.name)"])
        try containerd.run("sandbox2", pod: "host-0", ["--net-host"])
        let found = known.places(of: [own, host])
        #expect(found[own]?.isKnown == true)
        #expect(found[own]?.addresses == [IPAddress("10.42.9.9")!])
        #expect(found[host]?.isKnown == true)
        #expect(found[host]?.usesNodeNetwork == true)
        _ = known.drain()
        try containerd.end("sandbox1")
        #expect(known.drain())
        #expect(known.places(of: [own])[own] == PodPlace())
    }
}

/// A containerd of the test's own, with nothing from any registry: its containers run the machine's `sleep`.
private final class RealContainerd {
    static let isInstalled =
        ((try? runProgram(["sh", "-c", "command -v containerd && command -v runc && command -v ctr"]))?.status ?? 1)
        == 0
    private let folder: TemporaryFolder
    private let program: RunningProgram
    var host: FilePath { folder.path }

    init() throws {
        folder = try TemporaryFolder()
        let state = folder.path.appending("run/containerd")
        let settings = try folder.write(
            "config.toml",
            """
            version = 2
            root = "\(folder.path)/lib"
            state = "\(state)"
            disabled_plugins = ["io.containerd.grpc.v1.cri"]
            [grpc]
              address = "\(folder.path)/c.sock"
            """)
        try folder.write(
            "make",
            """
            mkdir -p rootfs/bin rootfs/proc rootfs/dev rootfs/sys; cp /bin/sleep rootfs/bin; ln -s /proc proc
            for library in $(ldd /bin/sleep | grep -o '/[^ ]*'); do cp --parents -L "$library" rootfs; done
            """)
        let made = try runProgram(["sh", "-e", folder.path.appending("make").string], in: folder.path)
        guard made.status == 0 else { throw GuardFailure(description: made.errors) }
        program = try RunningProgram(["containerd", "-c", settings.string])
        try program.waitForErrors("containerd successfully booted")
    }

    private func ctr(_ arguments: [String]) throws {
        let result = try runProgram(["ctr", "-a", "\(folder.path)/c.sock", "-n", "k8s.io"] + arguments)
        guard result.status == 0 else { throw GuardFailure(description: "ctr \(arguments): \(result.errors)") }
    }

    func run(_ id: String, pod: String, _ network: [String]) throws {
        let notes = ["container-type=sandbox", "sandbox-namespace=eth", "sandbox-name=\(pod)"]
        try ctr(
            ["run", "-d", "--rootfs"] + network + notes.flatMap { ["--annotation", "io.kubernetes.cri.\($0)"] }
                + ["\(folder.path)/rootfs", id, "/bin/sleep", "100000"])
    }

    func end(_ id: String) throws {
        try ctr(["task", "rm", "-f", id])
        try ctr(["container", "rm", id])
    }

    deinit {
        for id in ["sandbox1", "sandbox2"] { try? end(id) }
        program.signal(SIGTERM)
        _ = try? program.finish()
    }
}
