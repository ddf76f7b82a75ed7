import Testing
import Varlink

@testable import Agent

@Suite("how the command line talks to the agent")
struct AgentClientTests {
    @Test func `who was closed because nobody took its output hears so, and nobody else does`() {
        let error = VarlinkClientError.broken("/run/nodeguard/control.sock closed the connection")
        let closed = AgentClient.reason(for: error, unread: ScanConversation.patience)
        #expect(closed == "the agent ended the scan, since nobody took for 15 minutes what this command prints")
        let died = AgentClient.reason(for: error, unread: ScanConversation.patience - .seconds(1))
        #expect(died == "the agent is gone: /run/nodeguard/control.sock closed the connection")
    }
}
