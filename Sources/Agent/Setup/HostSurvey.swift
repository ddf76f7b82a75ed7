public import Config
public import Policy

/// Everything that a proposal is made of: what was seen of a host, at one time.
public struct HostSurvey: Sendable {
    /// Its files.
    public var files: HostFiles
    /// Its processes.
    public var processes: HostProcesses
    /// Its users.
    public var users: HostUsers
    /// Its interfaces and routes; nil where the kernel was not asked or did not answer.
    public var network: HostNetwork?
    /// Why ``network`` is not known.
    public var networkProblem: String?
    /// The profiles that clients are known by.
    public var profiles: Profiles
    /// The validator clients that run.
    public var clients: [FoundClient]
    /// The answers of the posture checks about a policy.
    public var posture: @Sendable (PosturePolicy) -> Posture

    /// A host made up of files, with a network to match.
    public init(
        _ files: HostFiles, profiles: Profiles, network: HostNetwork?, networkProblem: String? = nil,
        posture: @escaping @Sendable (PosturePolicy) -> Posture
    ) {
        self.files = files
        processes = HostProcesses(files)
        users = HostUsers(files)
        self.network = network
        self.networkProblem = networkProblem
        self.profiles = profiles
        self.posture = posture
        clients = ClientSearch.clients(files, processes, profiles)
    }

    /// This machine, and the network namespace of the calling thread.
    public static func thisMachine(_ profiles: Profiles) -> HostSurvey {
        let network: HostNetwork?
        let problem: String?
        do throws(HostNetworkError) {
            network = try .current()
            problem = nil
        } catch {
            network = nil
            problem = error.description
        }
        return HostSurvey(HostFiles(), profiles: profiles, network: network, networkProblem: problem) {
            Posture.evaluate($0)
        }
    }
}

/// The interfaces of a host that are a VPN's, or look like one's.
public struct VPNInterfaces: Equatable, Sendable {
    /// Tunnels that carry the way to the internet, by the kernel's decision.
    public var carrying: [HostNetwork.Interface] = []
    /// Other tunnels that are up.
    public var idle: [HostNetwork.Interface] = []
    /// Interfaces with a VPN's name that are no tunnel of the kernel's, or down.
    public var doubtful: [HostNetwork.Interface] = []
    /// The interfaces that carry the way to the internet and are no tunnel.
    public var home: [HostNetwork.Interface] = []

    /// Names that VPN programs give: wg-quick, NordVPN, Mullvad, Proton, Tailscale, NetBird, OpenVPN.
    static func isVPNName(_ name: String) -> Bool {
        ["nordlynx", "nordtun", "qtun", "tailscale0", "wt0"].contains(name)
            || ["wg", "mullvad", "proton", "tun", "ovpn"].contains { name.hasPrefix($0) }
    }

    /// Looks through the interfaces.
    public init(_ network: HostNetwork) {
        var ways: Set<String> = []
        for family in AddressFamily.allCases {
            for case .leaves(let names) in network.internet(family) { ways.formUnion(names) }
        }
        for interface in network.interfaces where !interface.isLoopback {
            if interface.isTunnel && interface.isUp {
                if ways.contains(interface.name) { carrying.append(interface) } else { idle.append(interface) }
            } else if interface.isTunnel || Self.isVPNName(interface.name) {
                doubtful.append(interface)
            } else if ways.contains(interface.name) {
                home.append(interface)
            }
        }
    }
}
