import SystemPackage

/// A socket to nftables. The tables made with it as their owner are its own until it is closed.
final class FirewallSocket {
    private let socket: NetlinkSocket
    /// The highest bit keeps the numbers of batches apart from those of single requests.
    private var sequence: UInt32 = 0
    private static let batchBit: UInt32 = 0x8000_0000

    init() throws(NetlinkError) {
        socket = try NetlinkSocket(.netfilter)
    }

    /// The number that the kernel knows this owner by.
    var port: UInt32 { socket.port }

    /// Commits a batch: all of it, or an error and none of it.
    func commit(_ batch: FirewallBatch, to intent: String, deadline: ContinuousClock.Instant) throws(NetlinkError) {
        let first = (sequence &+ 1) | Self.batchBit
        // struct nfgenmsg with res_id 10 (nftables) in network byte order; NFNL_MSG_BATCH_BEGIN and _END.
        let frame: [UInt8] = [0, 0, 0, 10]
        var messages =
            [NetlinkMessage(type: 0x10, flags: NetlinkMessage.Flag.request, payload: frame)] + batch.messages
            + [NetlinkMessage(type: 0x11, flags: NetlinkMessage.Flag.request, payload: frame)]
        guard messages.count > 2 else { return }
        for place in messages.indices { messages[place].sequence = first &+ UInt32(place) }
        let last = messages.count - 2
        messages[last].flags |= NetlinkMessage.Flag.acknowledge
        sequence = first &+ UInt32(messages.count)
        try socket.send(messages.flatMap(\.bytes))

        // An acknowledgement of the last message comes in any case, unless the batch as a whole was refused: then the
        // error carries the number of its beginning.
        var failure: Errno?
        while true {
            for answer in try socket.receive(deadline: deadline, request: intent) {
                let place = answer.sequence &- first
                guard answer.type == NetlinkMessage.Control.error, place < UInt32(messages.count) else { continue }
                guard let number = answer.errorNumber else { throw .malformed(request: intent) }
                // EPERM for the batch as a whole means that the capability is missing; for one message of it, that
                // the table has another owner.
                let isForbidden = place == 0 && number == Errno.notPermitted.rawValue
                if number != 0 && failure == nil {
                    failure = isForbidden ? .permissionDenied : Errno(rawValue: number)
                }
                if place == UInt32(last) || (place == 0 && number != 0) {
                    if let failure { throw .refused(failure, request: intent) }
                    return
                }
            }
        }
    }

    /// Asks for objects; nil where what was asked about is not there.
    func list(
        _ message: FirewallBatch.Message, isDump: Bool = true, to intent: String, deadline: ContinuousClock.Instant,
        anyFamily: Bool = false, _ build: (inout NetlinkWriter) -> Void
    ) throws(NetlinkError) -> [NetlinkReader]? {
        var payload = NetlinkWriter()
        payload.append(FirewallBatch.header(family: anyFamily ? 0 : FirewallBatch.inet))
        build(&payload)
        do throws(NetlinkError) {
            let answer = try socket.request(
                type: message.type, flags: isDump ? NetlinkMessage.Flag.dump : 0, payload: payload.bytes, to: intent,
                deadline: deadline)
            return answer.compactMap { NetlinkReader($0.payload).after(4) }
        } catch {
            if case .refused(.noSuchFileOrDirectory, _) = error { return nil }
            // Reading is never refused to somebody for another's owning the table: the capability is missing.
            if case .refused(.notPermitted, let request) = error { throw .refused(.permissionDenied, request: request) }
            throw error
        }
    }
}
