import Glibc
import Policy
import SystemPackage
import TestSupport

/// What it costs to find the validators' pods among those of a full node: the first time, and at each look after it.
func measurePods() throws {
    let folder = try TemporaryFolder()
    let tasks = "run/containerd/io.containerd.runtime.v2.task/k8s.io"
    let padding = String(repeating: "x", count: 8000)
    for pod in 0..<110 {
        for (kind, size) in [("sandbox", 0), ("container", 1), ("container", 2)] {
            let id = "\(pod)-\(size)"
            try folder.write(
                "\(tasks)/\(id)/config.json",
                """
                {"process":{"env":["A=\(padding)"]},"annotations":{"io.kubernetes.cri.container-type":"\(kind)",\
                "io.kubernetes.cri.sandbox-name":"pod-\(pod)","io.kubernetes.cri.sandbox-namespace":"eth"},\
                "linux":{"namespaces":[{"type":"network","path":"/n"}]}}
                """)
            try folder.write("\(tasks)/\(id)/init.pid", "\(getpid())")
        }
    }
    try folder.write("proc/\(getpid())/cgroup", "0::/7-0\n")
    _ = try runProgram(["ln", "-s", "/proc/\(getpid())/net", "\(folder.path)/proc/\(getpid())/net"])
    let wanted: Set = [PodSelector(namespace: "eth", name: "pod-7")]
    let runtime = ContainerRuntime(host: folder.path)
    func milliseconds() -> Double {
        let began = packetClock()
        _ = runtime.places(of: wanted)
        return Double(packetClock() - began) / 1e6
    }
    let first = milliseconds()
    let later = quantile((0..<100).map { _ in milliseconds() }.sorted(), 0.5)
    print("\nThe pods of a node with 110 of them, 330 containers\n")
    print("| first look ms | each look after ms | of the first |")
    print("|---|---|---|")
    print("| \(shown(first)) | \(shown(later)) | \(shown(later / first)) |")
}
