import ArgumentParser
import Config

/// A duration on the command line, spelled as in the configuration: `500ms 15s 10m 24h 30d`.
@Sendable func parseDuration(_ text: String) throws -> TimeSpan {
    do throws(InvalidValue) {
        return try TimeSpan(parsing: text)
    } catch {
        throw ValidationError("\(error)")
    }
}
