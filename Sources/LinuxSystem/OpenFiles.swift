internal import Glibc

/// Raises this process's limit of open files as far as it may, and returns it (getrlimit(2)). What it starts from now on
/// begins with the same.
public func raiseOpenFilesLimit() -> Int {
    var limit = rlimit()
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    // What POSIX guarantees to everybody.
    guard unsafe getrlimit(resource, &limit) == 0 else { return 20 }
    let before = limit.rlim_cur
    limit.rlim_cur = limit.rlim_max
    let isRaised = unsafe setrlimit(resource, &limit) == 0
    return Int(clamping: isRaised ? limit.rlim_max : before)
}
