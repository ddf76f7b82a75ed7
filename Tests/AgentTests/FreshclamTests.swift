import Journal
import SystemPackage
import TestSupport
import Testing

@testable import Agent

/// A root with what the package clamav-freshclam brings.
private struct Host {
    let folder: TemporaryFolder
    static let wants = "etc/systemd/system/multi-user.target.wants/clamav-freshclam.service"
    static let log = "var/log/clamav/freshclam.log"

    init(enabled: Bool = true, running: Bool = true) throws {
        folder = try TemporaryFolder()
        try folder.write("usr/bin/freshclam", "")
        try folder.write("lib/systemd/system/clamav-freshclam.service", "[Service]\n")
        if enabled { try folder.write(Self.wants, "") }
        if running { try folder.write("proc/712/comm", "freshclam\n") }
        try folder.write("proc/1/comm", "systemd\n")
    }

    func look(_ now: UnixTime = utc(11, 28, 14)) -> Freshclam {
        Freshclam(root: folder.path, now: now, local: LocalTime { _ in 3600 })
    }
}

@Suite("What freshclam is doing")
struct FreshclamTests {
    @Test func `how it is started`() throws {
        let host = try Host()
        #expect(host.look().service == .enabled)
        #expect(host.look().isRunning)
        #expect(host.look().explanation == nil)
        #expect(Freshclam(root: try TemporaryFolder().path).service == .notInstalled)
        #expect(try Host(enabled: false).look().service == .disabled)
        let disabled = try Host(enabled: false, running: false).look()
        #expect(disabled.explanation?.what.contains("nothing starts it") == true)
        // Started by hand it does its work, however it was started.
        #expect(try Host(enabled: false).look().explanation == nil)
        let dead = try Host(running: false).look()
        #expect(dead.explanation?.what.contains("does not run") == true)
        let unit = host.folder.path.appending("etc/systemd/system/clamav-freshclam.service")
        try #require(runProgram(["ln", "-s", "/dev/null", unit.string]).status == 0)
        #expect(host.look().service == .masked)
        let byCron = try Host(enabled: false, running: false)
        try byCron.folder.write("etc/cron.d/clamav-freshclam", "")
        #expect(byCron.look().service == .periodic("/etc/cron.d/clamav-freshclam"))
        #expect(byCron.look().explanation == nil)
    }

    /// As freshclam 1.4.6 wrote it for a mirror that answered 403.
    private static let log = """
        Sat Nov 28 13:59:20 2026 -> ClamAV update process started at Sat Nov 28 13:59:20 2026
        Sat Nov 28 13:59:20 2026 -> WARNING: DNS Update Info disabled. Falling back to HTTP mode.
        Sat Nov 28 13:59:20 2026 -> WARNING: FreshClam previously received error code 429 or 403 from the CDN.
        Sat Nov 28 13:59:20 2026 -> This means that you have been rate limited or blocked by the CDN.
        Sat Nov 28 13:59:20 2026 -> WARNING: You are still on cool-down until after: 2026-11-29 13:59:20

        """

    @Test func `a cool-down is read from its log, in local time, and ends`() throws {
        let host = try Host()
        try host.folder.write(Host.log, Self.log)
        #expect(host.look().coolDownUntil == utc(11, 29, 12, 59, 20))
        #expect(
            host.look().explanation?.what.hasPrefix("freshclam waits until 2026-11-29T12:59:20Z, because") == true)
        #expect(host.look(utc(11, 29, 13)).coolDownUntil == nil)
        // Older versions put a ^ before a warning.
        try host.folder.write(
            Host.log, "Fri Jun 26 15:04:15 2026 -> ^You are still on cool-down until after: 2026-11-28 23:00:00\n")
        #expect(host.look().coolDownUntil == utc(11, 28, 22))
        #expect(host.look().lastTrouble?.hasPrefix("You are still") == true)
    }

    /// freshclam itself, and a mirror on the loopback interface that refuses it.
    @Test func `a cool-down is read from what freshclam really writes`() throws {
        let host = try Host()
        let state = host.folder.path.appending("var")
        try host.folder.write("var/x", "")
        let script = """
            import http.server, subprocess, sys, threading
            class Refuse(http.server.BaseHTTPRequestHandler):
                def do_GET(self):
                    self.send_response(403); self.send_header("Content-Length", "0"); self.end_headers()
                def log_message(self, *words): pass
            server = http.server.HTTPServer(("127.0.0.1", 0), Refuse)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            open("\(state)/conf", "w").write(f'''DatabaseMirror http://127.0.0.1:{server.server_address[1]}
            DNSDatabaseInfo no
            MaxAttempts 1
            DatabaseDirectory \(state)
            DatabaseOwner root
            UpdateLogFile \(state)/freshclam.log
            LogTime yes
            ''')
            for _ in range(2):
                subprocess.run(["freshclam", "--config-file=\(state)/conf", "--no-dns"], stdout=subprocess.DEVNULL)
            """
        try #require(runProgram(["python3", "-c", script]).status == 0)
        try host.folder.write(
            "etc/clamav/freshclam.conf", "# x\nDatabaseDirectory /var\nUpdateLogFile /var/freshclam.log\n")
        let now = UnixTime.now()
        let byFile = Freshclam(root: host.folder.path, now: now)
        let until = try #require(byFile.coolDownUntil)
        #expect(now.duration(to: until) > .seconds(3600) && now.duration(to: until) <= .seconds(86400))
        #expect(byFile.lastTrouble?.contains("cool-down") == true)
        // The log says the same, to the second.
        try #require(runProgram(["rm", state.appending("freshclam.dat").string]).status == 0)
        #expect(Freshclam(root: host.folder.path, now: now).coolDownUntil == until)
    }

    @Test func `the first error of the last attempt is told, and forgotten after a success`() throws {
        let host = try Host()
        let failing = """
            Sat Nov 28 12:00:00 2026 -> ClamAV update process started at Sat Nov 28 12:00:00 2026
            Sat Nov 28 12:00:00 2026 -> ERROR: Can't query \u{1b}[31mcurrent.cvd.clamav.net
            Sat Nov 28 12:00:01 2026 -> ERROR: Update failed.

            """
        try host.folder.write(Host.log, failing)
        #expect(host.look().lastTrouble == "Can't query \\x1b[31mcurrent.cvd.clamav.net")
        let lines = String(repeating: "Sat Nov 28 12:00:01 2026 -> nothing to tell\n", count: 4000)
        try host.folder.write(Host.log, lines + failing)
        #expect(host.look().lastTrouble != nil)
        try host.folder.write(
            Host.log, failing + "Sat Nov 28 13:00:00 2026 -> daily.cvd database is up-to-date (version: 28000)\n")
        #expect(host.look().lastTrouble == nil)
        for damaged in ["", "FreshClamData", "FreshClamData" + String(repeating: "\u{1}", count: 80)] {
            try host.folder.write("var/lib/clamav/freshclam.dat", damaged)
            _ = host.look()
        }
    }
}
