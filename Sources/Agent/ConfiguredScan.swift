public import Config
public import Scanner

extension Throttle {
    /// The throttle of a configuration.
    public init(_ settings: Configuration.Throttle) {
        self.init(
            bytesPerSecond: settings.bytesPerSecond?.bytes, ioPressure: settings.ioPressure?.percent,
            cpuPressure: settings.cpuPressure?.percent)
    }
}

extension ScanWindow {
    /// The window of a configuration.
    public init(_ window: TimeWindow) {
        self.init(start: window.start, end: window.end)
    }
}
