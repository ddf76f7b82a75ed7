internal import Glibc

/// Tables of character sets, which glibc keeps in files of their own and loads as programs when they are first used
/// (iconv(3)). A confined worker can do neither, and libclamav goes on without a word where it has no table: macros and
/// pages in that character set would be looked at undecoded. So they are loaded before, and stay.
enum CharacterSets {
    /// Loads them. One that this machine does not have would not be there without confinement either.
    static func load() {
        for name in names {
            // Left open: glibc forgets tables that nobody uses.
            _ = unsafe iconv_open("UTF-8", name)
            _ = unsafe iconv_open("UTF-16BE", name)
        }
    }

    /// Those of libclamav's own table of code pages (1.4, libclamav/conv.c and entconv.c) that are not built into glibc,
    /// as glibc names them.
    private static let names =
        ["UTF-7", "UTF-8", "UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32", "UTF-32LE", "UTF-32BE", "UCS-2", "UCS-4"]
        + [
            "037", "500", "870", "1026", "1047", "1140", "1141", "1142", "1143", "1144", "1145", "1146", "1147", "1148",
            "1149",
        ]
        .map { "IBM\($0)" }
        + [
            "437", "737", "775", "850", "852", "855", "857", "858", "860", "861", "862", "863", "864", "865", "866",
            "869",
        ]
        .map { "CP\($0)" }
        + (1250...1258).map { "CP\($0)" } + (1...16).map { "ISO-8859-\($0)" }
        + [
            "CP874", "CP932", "CP936", "CP949", "CP950", "CP1361", "JOHAB", "SHIFT_JIS", "GB2312", "GBK", "GB18030",
            "BIG5",
        ]
        + ["EUC-JP", "EUC-KR", "EUC-CN", "EUC-TW", "ISO-2022-JP", "ISO-2022-KR", "ISO-2022-CN", "KOI8-R", "KOI8-U"]
        + ["MACINTOSH", "MAC-CYRILLIC", "ASMO_708", "ASCII"]
}
