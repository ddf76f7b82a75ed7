internal import CLinux
internal import Glibc
public import SystemPackage

/// Columns of a terminal (TIOCGWINSZ of ioctl_tty(2)); nil where it is none, or does not say.
public func terminalColumns(of terminal: FileDescriptor) -> Int? {
    var size = winsize()
    let result = unsafe ioctl(terminal.rawValue, UInt(TIOCGWINSZ), &size)
    return result == 0 && size.ws_col > 0 ? Int(size.ws_col) : nil
}
