import Kernel
import Text

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
    /// `nil` for a name that no region has, which would become part of a host's; ``objection(to:)`` says
    /// why.
    package init?(region: String, isLegacy: Bool = false) {
        guard region.utf8.count <= 32, region.first?.isLetter == true,
            region.utf8.allSatisfy({
                $0.isLower || $0.isDigit || $0 == UInt8(ascii: "-")
            })
        else { return nil }
        if Self.isZone(region) { return nil }
        if region == "aws-global" || isLegacy && Self.legacyRegions.contains(region) {
            self = .global
            return
        }
        let suffix = Self.suffixes.first { region.hasPrefix($0.prefix) }?.suffix
        self.init(name: "sts.\(region).\(suffix ?? "amazonaws.com")", signingRegion: region)
    }

    /// What is wrong with a name that is not a region's, and what to write.
    package static func objection(to region: String) -> (problem: String, hint: String) {
        guard isZone(region) else {
            let problem = "\"\(region.printable)\" is not the name of a region"
            return (problem, "write one such as eu-central-1")
        }
        return (
            "\(region.printable) is an availability zone, and a region is expected",
            "write its region, \(region.dropLast().description.printable)"
        )
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

    /// Whether a region's name has the letter of a zone behind it: `eu-central-1a`.
    private static func isZone(_ region: String) -> Bool {
        guard let last = region.last, last.isLetter, let digit = region.dropLast().last else {
            return false
        }
        return digit.isNumber && region.count(where: { $0 == "-" }) >= 2
    }

    /// What may be wrong with a region whose host has no address; `nil` for one that is known.
    package var doubt: String? {
        guard isUnknown else { return nil }
        let guess = near.map { ": did you mean \($0)?" }
        return "the region \(signingRegion) is not known here\(guess ?? "")"
    }

    /// What to write where the region is not known and near to one that is; `nil` for any other.
    ///
    /// - Parameter key: what names it.
    func oddity(of key: String) -> String? {
        guard isUnknown, let near else { return nil }
        return "there is no region \(signingRegion): write \(near) in \(key)"
    }

    private static let regions = legacyRegions.union(laterRegions).sorted()

    private var isUnknown: Bool {
        self != .global && !Self.regions.contains(signingRegion)
    }

    private var near: String? { nearest(to: signingRegion, among: Self.regions) }

    private static let laterRegions: Set<String> = [
        "af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-2", "ap-northeast-3", "ap-south-2",
        "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7",
        "ca-west-1", "cn-north-1", "cn-northwest-1", "eu-central-2", "eu-south-1", "eu-south-2",
        "eusc-de-east-1", "il-central-1", "me-central-1", "me-south-1", "mx-central-1",
        "us-gov-east-1", "us-gov-west-1",
    ]

    private static let legacyRegions: Set<String> = [
        "ap-northeast-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1",
        "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1",
        "us-east-1", "us-east-2", "us-west-1", "us-west-2",
    ]
}
