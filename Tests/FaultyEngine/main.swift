import Engine
import Glibc

exit(EngineProgram.run())
