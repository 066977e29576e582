package import Federation
package import HTTP
package import Kernel
import Text

/// All that a token source needs from outside.
package struct SourceContext: Sendable {
    let network: RequestContext
    /// The name of the source that is asked, which its token bears.
    var source = ""
    /// The audience that the token is to name; empty where none is configured.
    let audience: String
    /// The issuer that the service trusts; decides among the sources of ``Automatic``.
    let issuer: String?
    let machine: Machine
    /// Whether this worker is one that runs programs.
    let runsPrograms: Bool
    /// Takes the secrets that no request or reply holds.
    let secrets: KnownSecrets
    /// Whether this worker may connect to Unix sockets.
    let connectsUnixSockets: Bool
    /// The credential of the account that the source names.
    let handedOver: Secret?
    /// Whether a job or a pod that is here comes before the machine it runs on, in ``Automatic``.
    let prefersJobs: Bool
    /// Seconds to add to this machine's clock in a signature, where a service has told that it is wrong.
    private(set) var clockOffset = 0.0
    /// A number in 0..<1 for the jitter of retries.
    let chance: @Sendable () -> Double

    /// No source outlives the network's deadline.
    package init(
        _ network: RequestContext,
        audience: String,
        issuer: String?,
        machine: Machine = .reading(),
        runsPrograms: Bool = false,
        secrets: KnownSecrets = KnownSecrets(),
        connectsUnixSockets: Bool = true,
        prefersJobs: Bool = false,
        handedOver: Secret? = nil,
        chance: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) }
    ) {
        self.network = network
        self.audience = audience
        self.issuer = issuer
        self.machine = machine
        self.runsPrograms = runsPrograms
        self.secrets = secrets
        self.connectsUnixSockets = connectsUnixSockets
        self.prefersJobs = prefersJobs
        self.handedOver = handedOver
        self.chance = chance
    }

    /// The same, with signatures dated by a clock that is so many seconds ahead of this machine's.
    package func correctingClock(by seconds: Double) -> SourceContext {
        var context = self
        context.clockOffset = seconds
        return context
    }

    var transport: any HTTPTransport { network.transport }
    var environment: [String: String] { network.environment }
    /// Time as its deadlines and dates see it.
    package var timekeeper: any Timekeeper { network.timekeeper }
    var deadline: BootInstant { network.deadline }
    /// Whose certificates to trust where a platform's endpoint is https.
    var trust: HTTPRequest.Trust { network.trust }

    /// The variable's value; `nil` where it is unset or blank.
    func variable(_ name: String) -> String? { network.variable(name) }
}

/// What the firmware says of the machine. It decides how patient a source is, never whether it is asked.
package struct Machine: Sendable {
    let isGoogle: Bool
    let isAzure: Bool
    let isAmazon: Bool

    package init(isGoogle: Bool, isAzure: Bool, isAmazon: Bool = false) {
        self.isGoogle = isGoogle
        self.isAzure = isAzure
        self.isAmazon = isAmazon
    }

    /// Reads the DMI strings that the kernel shows to everyone; a file that is not there says nothing.
    package static func reading(_ directory: String = "/sys/class/dmi/id") -> Machine {
        func value(_ name: String) -> String {
            readText(ifAt: "\(directory)/\(name)", limit: 4096)?.trimmed ?? ""
        }
        return Machine(
            isGoogle: value("product_name").hasPrefix("Google") || value("bios_vendor") == "Google",
            isAzure: value("chassis_asset_tag") == "7783-7084-3265-9085-8269-3286-77",
            isAmazon: value("sys_vendor") == "Amazon EC2"
        )
    }
}
