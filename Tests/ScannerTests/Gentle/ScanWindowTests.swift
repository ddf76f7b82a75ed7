import Journal
import Testing

@testable import Scanner

@Suite struct ScanWindowTests {
    @Test(
        "a minute is inside from the first to the one before the last, over midnight too",
        arguments: [
            (60, 420, 60, true), (60, 420, 419, true), (60, 420, 420, false), (60, 420, 59, false),
            (1320, 360, 1320, true), (1320, 360, 0, true), (1320, 360, 359, true), (1320, 360, 360, false),
            (1320, 360, 720, false),
        ])
    func minutes(start: Int, end: Int, minute: Int, inside: Bool) {
        #expect(ScanWindow(start: start, end: end).contains(minuteOfDay: minute) == inside)
    }

    @Test("every moment is inside of a window or of its complement, never of both")
    func complement() {
        let window = ScanWindow(start: 60, end: 420)
        let rest = ScanWindow(start: 420, end: 60)
        for hour in 0..<48 {
            let moment = UnixTime(seconds: 1_790_000_000 + Int64(hour) * 1800)
            #expect(window.contains(moment) != rest.contains(moment))
        }
    }
}
