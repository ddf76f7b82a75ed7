// The confined half of the scanner: the only program of this project that is linked with libclamav.
//
// It is started by a scan session with its control socket as descriptor 3 and says nothing to anybody else.
// Its standard error is for a person who debugs it. See docs/security-model.md.
internal import Engine
internal import Glibc

exit(EngineProgram.run())
