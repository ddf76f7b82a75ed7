import TestSupport
import Testing
import Varlink

/// What is no call: an error or the end of the connection, and nothing else.
struct MalformedTests {
    private static let noCalls: [String] = [
        "", "{", "x", "null", "[]", "1", #""text""#, "{}", #"{"method":null}"#, #"{"method":1}"#,
        #"{"method":["org.example.probe.Echo"]}"#, #"{"parameters":{"text":"x"}}"#,
        #"{"method":"org.example.probe.Echo","more":1}"#, #"{"method":"org.example.probe.Echo","oneway":"yes"}"#,
        #"{"method":"org.example.probe.Echo"}}"#, #"{"method":"org.example.probe.Echo"}{}"#,
        String(repeating: "[", count: 100_000),
        "{\"method\":\(String(repeating: "[", count: 40))\(String(repeating: "]", count: 40))}",
        "\(echo)\(String(repeating: " ", count: 1_048_577))",
    ]

    /// Nothing after them can be trusted: the connection ends without an answer.
    @Test(arguments: noCalls)
    func whatIsNoCallEndsTheConnection(text: String) throws {
        let probe = try Probe()
        let client = try RawClient(probe)
        _ = try client.send(text)
        _ = try client.send(echo)
        #expect(try client.receive() == nil)
        #expect(try probe.client().echo("others") == "others")
    }

    @Test func aMessageWithoutEndEndsTheConnection() throws {
        let probe = try Probe()
        let client = try RawClient(probe)
        while try client.send(Array(repeating: UInt8(ascii: " "), count: 65536)) {}
        #expect(client.isClosed)
        #expect(try probe.client().echo("others") == "others")
    }

    /// Of a number that is out of range the decoder does not tell the place.
    @Test(arguments: [
        (#"{"method":"org.example.probe.Echo","parameters":[]}"#, "parameters"),
        (#"{"method":"org.example.probe.Echo","parameters":"text"}"#, "parameters"),
        (#"{"method":"org.example.probe.Echo","parameters":{"text":null}}"#, "text"),
        (#"{"method":"org.example.probe.Echo","parameters":{"text":"x","other":1}}"#, "other"),
        (#"{"method":"org.example.probe.Echo","parameters":{"text":"x","times":1e999}}"#, "parameters"),
        (#"{"method":"org.example.probe.Echo","parameters":{"text":"x","times":99999999999999999999}}"#, "parameters"),
        (#"{"method":"org.example.probe.Echo","parameters":{"text":"x","times":-1}}"#, "times"),
        (#"{"method":"org.example.probe.Echo","parameters":{"text":"x","times":1.5}}"#, "parameters"),
        (#"{"method":"org.example.probe.Fail","parameters":{"how":"never heard of"}}"#, "how"),
        (#"{"method":"org.example.probe.Echo","parameters":{"text":"x"},"upgrade":true}"#, "upgrade"),
        (#"{"method":"org.varlink.service.GetInterfaceDescription"}"#, "interface"),
    ])
    func aWrongParameterIsNamed(text: String, parameter: String) throws {
        let probe = try Probe()
        let client = try RawClient(probe)
        #expect(try client.send(text))
        #expect(
            try client.receive()
                == #"{"error":"org.varlink.service.InvalidParameter","parameters":{"parameter":"\#(parameter)"}}"#)
        #expect(try client.send(echo))
        #expect(try client.receive() == echoed)
    }

    @Test func whatJSONAllowsIsTaken() throws {
        let probe = try Probe()
        let client = try RawClient(probe)
        for text in [
            " \n\t{ \"parameters\" : {\"text\":\"hel\\u006co\", \"times\" : null} , \"method\":\"org.example.probe.Echo\"} ",
            #"{"method":"org.example.probe.Echo","parameters":{"text":"hello"},"more":null,"unknown":[{"x":1e999}]}"#,
            #"{"method":"org.example.probe.Echo","parameters":{"text":"hello"},"more":true}"#,
        ] {
            #expect(try client.send(text))
            #expect(try client.receive() == echoed)
        }
        #expect(try client.send(#"{"method":"org.varlink.service.GetInfo","parameters":null}"#))
        #expect(try client.receive()?.contains("varlink-probe") == true)
    }

    /// Calls of which bytes were changed, lost, doubled or swapped: each is answered or ends its connection.
    @Test(arguments: [1, 2, 3])
    func mutations(seed: UInt64) throws {
        let probe = try Probe()
        let other = try probe.client()
        _ = try other.status()
        let before = try (descriptors: probe.descriptors, memory: probe.memory)
        var random = Seeded(state: seed)
        let calls = [
            echo, #"{"method":"org.example.probe.Count","parameters":{"until":12},"more":true}"#,
            #"{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"org.example.probe"}}"#,
            #"{"method":"org.example.probe.Fail","parameters":{"how":"error"},"oneway":false,"upgrade":false}"#,
        ]
        var answered = 0
        for number in 0..<300 {
            let bytes = mutated(Array(calls.randomElement(using: &random)!.utf8), &random)
            let client = try RawClient(probe)
            _ = try client.send(bytes + [0])
            _ = try client.send(#"{"method":"org.example.probe.Echo","parameters":{"text":"the end"}}"#)
            client.endInput()
            // A mutation may have made it a stream or a call without answer, so all that counts is that it ends.
            while let answer = try client.receive() {
                if answer == #"{"parameters":{"text":"the end"}}"# { answered += 1 }
            }
            if number.isMultiple(of: 10) { #expect(try other.echo("meanwhile") == "meanwhile") }
        }
        #expect(answered > 0 && answered < 300, "the mutations are all harmless, or all fatal")
        try other.waitForStatus("they are gone") { $0.connections == 1 }
        #expect(try probe.descriptors == before.descriptors)
        #expect(try probe.memory < before.memory + 32 * mebibyte)
    }

    private func mutated(_ call: [UInt8], _ random: inout Seeded) -> [UInt8] {
        var bytes = call
        for _ in 0..<Int.random(in: 1...4, using: &random) where bytes.count > 4 {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            let end = Int.random(in: place..<min(bytes.count, place + 12), using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 2: bytes.removeSubrange(place...end)
            case 3: bytes.insert(contentsOf: bytes[place...end], at: place)
            case 4: bytes.insert(Array(#"{}[]",:\-0.e"#.utf8).randomElement(using: &random)!, at: place)
            default: bytes.swapAt(place, end)
            }
        }
        return bytes
    }
}
