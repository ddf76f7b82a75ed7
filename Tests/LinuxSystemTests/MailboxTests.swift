import LinuxSystem
import Testing

@Suite("A mailbox between threads")
struct MailboxTests {
    @Test func `a full one gives up the oldest that may be lost, and never another`() throws {
        let mailbox = try Mailbox<Int>()
        for number in 1...6 { mailbox.put(number, atMost: 4) { $0 % 2 == 0 } }
        #expect(mailbox.take() == [1, 3, 5, 6])
        #expect(mailbox.givenUp == 2)
        for number in [1, 3, 5] { mailbox.put(number, atMost: 2) { $0 % 2 == 0 } }
        #expect(mailbox.take() == [1, 3, 5])
        #expect(mailbox.givenUp == 2)
    }
}
