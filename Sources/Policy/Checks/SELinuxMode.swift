/// What SELinux does on this host now, whatever is required of it.
public enum SELinuxMode {
    /// Whether it enforces a loaded policy; nil where that is not known.
    public static var isEnforcing: Bool? {
        // What the next boot brings is not asked here.
        let reading = SELinuxReading(boot: .missing)
        switch reading.mount {
        case .foreign: return nil
        case .absent: return reading.kernelHasSELinux == false ? false : nil
        case .selinuxfs: break
        }
        guard case .value(let enforces) = reading.enforce, case .value(let loads) = reading.policyLoads else {
            return nil
        }
        return enforces && loads > 0
    }
}
