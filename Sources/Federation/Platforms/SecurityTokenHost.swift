internal import Kernel
internal import Text

/// Where AWS's token service (STS) is reached, and the region that a request to it is signed for.
package struct SecurityTokenHost: Equatable, Sendable {
    package let name: String
    package let signingRegion: String

    /// The one that serves all of the partition `aws`.
    package static let global = SecurityTokenHost(
        name: "sts.amazonaws.com",
        signingRegion: "us-east-1"
    )

    /// The region's own, by its partition. With `isLegacy` the regions of before 2019 have the global one.
    /// `nil` for a name that no region could have; it would become part of a host's.
    package init?(region: String, isLegacy: Bool = false) {
        guard region.utf8.count <= 32, region.first?.isLetter == true,
            region.utf8.allSatisfy({
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D
            })
        else { return nil }
        if region == "aws-global" || isLegacy && Self.legacyRegions.contains(region) {
            self = .global
            return
        }
        let suffix = Self.suffixes.first { region.hasPrefix($0.prefix) }?.suffix
        self.init(name: "sts.\(region).\(suffix ?? "amazonaws.com")", signingRegion: region)
    }

    private init(name: String, signingRegion: String) {
        self.name = name
        self.signingRegion = signingRegion
    }

    /// Whether it is in the form that Mondoo accepts in a proof.
    package var isProvable: Bool {
        name == Self.global.name || name == "sts.\(signingRegion).amazonaws.com"
    }

    private static let suffixes: [(prefix: String, suffix: String)] = [
        ("cn-", "amazonaws.com.cn"), ("eusc-", "amazonaws.eu"), ("us-iso-", "c2s.ic.gov"),
        ("us-isob-", "sc2s.sgov.gov"), ("eu-isoe-", "cloud.adc-e.uk"),
        ("us-isof-", "csp.hci.ic.gov"),
    ]

    private static let legacyRegions: Set<String> = [
        "ap-northeast-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1",
        "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1",
        "us-east-1", "us-east-2", "us-west-1", "us-west-2",
    ]
}
