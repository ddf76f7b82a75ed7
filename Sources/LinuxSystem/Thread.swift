internal import Glibc
internal import SystemPackage

/// Runs `body` on a thread of its own that nobody waits for: for work that blocks, which the pool of Swift's
/// concurrency must never do.
///
/// - Throws: where the kernel starts no thread.
public func startThread(_ body: @escaping @Sendable () -> Void) throws(SystemCallError) {
    let box = unsafe Unmanaged.passRetained(Body(body))
    var thread = pthread_t()
    let result = unsafe pthread_create(
        &thread, nil,
        { argument in
            unsafe Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue().run()
            return nil
        }, box.toOpaque())
    guard result == 0 else {
        unsafe box.release()
        throw SystemCallError("pthread_create", "start a thread", errno: .init(rawValue: result))
    }
    pthread_detach(thread)
}

private final class Body: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) {
        self.run = run
    }
}
