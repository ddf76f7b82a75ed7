internal import CLinux
internal import Glibc

/// Writes what print() has left in its buffer. Returns false where the standard output did not take all of it.
public func flushOutput() -> Bool { nodeguard_output_failed() == 0 }

/// Fills the standard descriptors that whoever started this program left closed, so that no file opened later takes such
/// a number and is written to as if it were the output. To be called first of all.
///
/// What fills them can be neither read nor written (`O_PATH`, open(2)): a write still fails with `EBADF`, and is told.
public func fillStandardDescriptors() {
    for number in Int32(0)...2 where fcntl(number, F_GETFD) < 0 {
        // The lowest free number is given out, and all below are taken by now. No /dev/null is needed.
        _ = unsafe open("/", nodeguard_o_path)
    }
}
