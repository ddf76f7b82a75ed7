/// How a session makes room for the machine's real work: `scan.throttle` of the configuration.
public struct Throttle: Codable, Equatable, Sendable {
    /// The most bytes that are handed to the engine in a second; nil: no bound.
    public var bytesPerSecond: UInt64?
    /// Back off from the disk while others wait for it for more than this percentage of the time; nil: never.
    public var ioPressure: Double?
    /// Back off while others wait for a processor for more than this percentage of the time; nil: never.
    public var cpuPressure: Double?

    /// A throttle; without anything given it holds nothing back.
    public init(bytesPerSecond: UInt64? = nil, ioPressure: Double? = nil, cpuPressure: Double? = nil) {
        self.bytesPerSecond = bytesPerSecond
        self.ioPressure = ioPressure
        self.cpuPressure = cpuPressure
    }

    /// Nothing is held back.
    public static let none = Throttle()
}
