/// Which of the node's interfaces are the configured VPN, found by name once and meant by index from then on.
struct TunnelSelection: Equatable, Sendable {
    /// Tunnels that are up: what traffic may leave by.
    var usable: [Link] = []
    /// Named by the configuration, and not usable, with the reason.
    var unusable: [(link: Link, reason: String)] = []
    /// Tunnels of a kind that may or may not encrypt.
    var doubtful: [Link] = []

    init(_ patterns: [InterfacePattern], among links: [Link]) {
        for link in links where patterns.contains(where: { $0.matches(link.name) }) {
            switch link.tunnel {
            case .none:
                unusable.append((link, "is no tunnel (\(link.kind.isEmpty ? "a network card" : link.kind))"))
            case .plain:
                doubtful.append(link)
            case .encrypting where !link.isUp:
                unusable.append((link, "is down"))
            case .encrypting where !link.hasCarrier:
                unusable.append((link, "has no carrier: no VPN program holds its other end"))
            case .encrypting:
                usable.append(link)
            }
        }
    }

    var indexes: Set<UInt32> { Set(usable.map(\.index)) }

    static func == (one: Self, other: Self) -> Bool {
        one.usable == other.usable && one.doubtful == other.doubtful
            && one.unusable.elementsEqual(other.unusable) { $0 == $1 }
    }
}

/// A list for a sentence, not longer than a person wants to read.
func listed(_ items: [String], limit: Int = 4) -> String {
    let shown = items.prefix(limit).joined(separator: ", ")
    return items.count > limit ? "\(shown) and \(items.count - limit) more" : shown
}

/// The indexes of the configured tunnels that are up in the calling thread's network namespace; empty where that
/// cannot be told.
public func tunnelsUp(_ posture: PosturePolicy) -> Set<UInt32> {
    let links = (try? KernelRouting().links(deadline: .now.advanced(by: Posture.checkTime))) ?? []
    return TunnelSelection(posture.vpnInterfaces, among: links).indexes
}
