import Config
import Testing

/// The small values, each by itself.
@Suite struct ValueTests {
    @Test(arguments: [
        ("500ms", 500), ("15s", 15_000), ("10m", 600_000), ("24h", 86_400_000), ("30d", 2_592_000_000), ("0s", 0),
    ])
    func aDurationHasItsLength(_ text: String, _ milliseconds: Int64) throws {
        let span = try TimeSpan(parsing: text)
        #expect(span.milliseconds == milliseconds)
        #expect(span.duration == .milliseconds(milliseconds))
        #expect(span.text == text)
    }

    @Test(arguments: [
        "", "s", "15", "-5s", "+5s", "1.5h", "1h30m", "5 s", "05s", "15S", "1w", "99999999999999999999s", "36601d",
        "１s",
    ])
    func anImpossibleDurationIsRefused(_ text: String) {
        #expect(throws: InvalidValue.self) { try TimeSpan(parsing: text) }
    }

    @Test func durationsAndSizesAreComparedByWhatTheyMean() {
        #expect(TimeSpan("60s") == "1m" && TimeSpan("59s") < "1m")
        #expect(Set<TimeSpan>(["60s", "1m"]).count == 1)
        #expect(ByteSize("1024KiB") == "1MiB" && ByteSize("1B") < "1KiB")
        #expect(ByteSize("2TiB").bytes == 2 << 40)
    }

    @Test(arguments: ["", "64", "64MB", "64M", "64mib", "1.5GiB", "-1B", "99999999TiB", " 1B"])
    func anImpossibleSizeIsRefused(_ text: String) {
        #expect(throws: InvalidValue.self) { try ByteSize(parsing: text) }
    }

    @Test(arguments: [
        "tcp/0", "tcp/65536", "TCP/1", "sctp/1", "tcp/", "/1", "tcp", "tcp/1/2", "tcp/01", "tcp/+1", "9000",
    ])
    func anImpossiblePortIsRefused(_ text: String) {
        #expect(throws: InvalidValue.self) { try Port(parsing: text) }
    }

    @Test func portsHaveTheirProtocolAndNumber() throws {
        #expect(try Port(parsing: "udp/65535").number == 65535)
        #expect(try Port(parsing: "udp/65535").transport == .udp)
        #expect(Port(.tcp, 9000) == "tcp/9000")
        #expect(Port(.tcp, 0) == nil)
    }

    @Test func rangesOfAddressesKnowTheirBits() throws {
        let range = try IPPrefix(parsing: "10.42.128.0/17")
        #expect(range.address.bytes == [10, 42, 128, 0])
        #expect(range.length == 17)
        #expect(range.contains("10.42.128.0/24") && !range.contains("10.42.0.0/16") && !range.contains("::/128"))
        #expect(try IPPrefix(parsing: "FD00:0:0::/8").text == "fd00::/8")
        #expect(IPPrefix("192.168.1.0/24").isNeverPublic && !IPPrefix("8.0.0.0/7").isNeverPublic)
        #expect(!IPPrefix("172.0.0.0/8").isNeverPublic && IPPrefix("fe80::/64").isNeverPublic)
    }

    @Test(arguments: [
        "10.0.0.0", "10.0.0.0/", "10.0.0/8", "10.0.0.0/08", "::1/64", "fe80::1%eth0/128", "1.2.3.4/33", "::/129", "",
    ])
    func anImpossibleRangeIsRefused(_ text: String) {
        #expect(throws: InvalidValue.self) { try IPPrefix(parsing: text) }
    }

    @Test(arguments: ["127.0.0.1:9477", "[::1]:1", "0.0.0.0:65535"])
    func listeningAddressesAreRead(_ text: String) throws {
        #expect(try ListenAddress(parsing: text).text == text)
    }

    @Test(arguments: [
        "9477", ":9477", "::1:9477", "[127.0.0.1]:1", "127.0.0.1:0", "127.0.0.1:65536", "localhost:1", "[::1]",
    ])
    func anImpossibleListeningAddressIsRefused(_ text: String) {
        #expect(throws: InvalidValue.self) { try ListenAddress(parsing: text) }
    }

    @Test func aWindowMayCrossMidnight() throws {
        let day = try TimeWindow(parsing: "01:00-07:00")
        #expect(!day.crossesMidnight)
        #expect([59, 60, 419, 420].map { day.contains(minuteOfDay: $0) } == [false, true, true, false])
        let night = try TimeWindow(parsing: "22:00-06:00")
        #expect(night.crossesMidnight)
        #expect(
            [1319, 1320, 1439, 0, 359, 360].map { night.contains(minuteOfDay: $0) } == [
                false, true, true, true, true, false,
            ])
    }

    @Test(arguments: [
        "", "01:00", "1:00-07:00", "01:00-24:00", "01:60-02:00", "01:00-01:00", "+1:00-02:00", "01:00 - 02:00",
    ])
    func anImpossibleWindowIsRefused(_ text: String) {
        #expect(throws: InvalidValue.self) { try TimeWindow(parsing: text) }
    }

    @Test func interfacesAreMatchedByPattern() throws {
        #expect(InterfacePattern("wg0").matches("wg0") && !InterfacePattern("wg0").matches("wg01"))
        #expect(InterfacePattern("nord*").matches("nordlynx") && !InterfacePattern("nord*").matches("xnord"))
        #expect(InterfacePattern("wg[0-3]").matches("wg2") && !InterfacePattern("wg[0-3]").matches("wg4"))
        #expect(InterfacePattern("wg?").isPattern && !InterfacePattern("wg0").isPattern)
    }

    @Test(arguments: ["", ".", "..", "a b", "a/b", "a:b", "abcdefghijklmnop", "wg[", "wg[]", "wg]", "wgü"])
    func anImpossibleInterfaceIsRefused(_ text: String) {
        #expect(throws: InvalidValue.self) { try InterfacePattern(parsing: text) }
    }

    @Test(arguments: ["", "-a", ".a", "a b", "a\"b", "a\nb", "ä", String(repeating: "a", count: 64)])
    func anUnsafeNameIsRefused(_ text: String) {
        #expect(throws: InvalidValue.self) { try Name(parsing: text) }
    }

    @Test func pathsLoseTheirLastSlashAndKeepEverythingElse() throws {
        #expect(try AbsolutePath(parsing: "/a/b/").text == "/a/b")
        #expect(try AbsolutePath(parsing: "/").text == "/")
        #expect(try AbsolutePath(parsing: "/ü b").text == "/ü b")
        #expect(throws: InvalidValue.self) { try AbsolutePath(parsing: "/" + String(repeating: "a", count: 256)) }
    }
}
