/// Which files of the signature folder libclamav loads; the rest is freshclam's own business.
public enum SignatureFiles {
    /// Whether a file of this name is a database.
    public static func isDatabase(_ name: String) -> Bool {
        endings.contains { name.hasSuffix("." + $0) }
    }

    /// `CLI_DBEXT` of libclamav's readdb.h.
    private static let endings = [
        "db", "hdb", "hdu", "hsb", "hsu", "fp", "sfp", "mdb", "mdu", "msb", "msu", "ndb", "ndu", "ldb", "ldu", "sdb",
        "zmd", "rmd", "pdb", "gdb", "wdb", "cbc", "ftm", "cfg", "cvd", "cld", "cud", "cdb", "cat", "crb", "idb", "ioc",
        "yar", "yara", "pwdb", "ign", "ign2", "imp", "info",
    ]
}
