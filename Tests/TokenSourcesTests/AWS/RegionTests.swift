import Federation
import Testing

@testable import TokenSources

@Suite struct RegionTests {
    static let hosts: [(String, String, Bool)] = [
        ("us-east-1", "sts.us-east-1.amazonaws.com", true),
        ("eu-central-1", "sts.eu-central-1.amazonaws.com", true),
        ("il-central-1", "sts.il-central-1.amazonaws.com", true),
        ("us-gov-west-1", "sts.us-gov-west-1.amazonaws.com", true),
        ("cn-north-1", "sts.cn-north-1.amazonaws.com.cn", false),
        ("eusc-de-east-1", "sts.eusc-de-east-1.amazonaws.eu", false),
        ("us-iso-east-1", "sts.us-iso-east-1.c2s.ic.gov", false),
        ("us-isob-east-1", "sts.us-isob-east-1.sc2s.sgov.gov", false),
        ("eu-isoe-west-1", "sts.eu-isoe-west-1.cloud.adc-e.uk", false),
        ("us-isof-south-1", "sts.us-isof-south-1.csp.hci.ic.gov", false),
        ("xx-new-7", "sts.xx-new-7.amazonaws.com", true),
    ]

    @Test(arguments: hosts)
    func `a region's host is its partition's`(region: String, host: String, isProvable: Bool) throws
    {
        let found = try SecurityTokenHost(ofRegion: region)
        #expect(found.name == host)
        #expect(found.signingRegion == region)
        #expect(found.isProvable == isProvable)
    }

    @Test func `old regions have the global host where that is asked for`() throws {
        #expect(try SecurityTokenHost(ofRegion: "eu-west-1", isLegacy: true) == .global)
        #expect(try SecurityTokenHost(ofRegion: "aws-global") == .global)
        let new = try SecurityTokenHost(ofRegion: "eu-south-1", isLegacy: true)
        #expect(new.name == "sts.eu-south-1.amazonaws.com")
        #expect(SecurityTokenHost.global.signingRegion == "us-east-1")
    }

    @Test(arguments: [
        "", "-", "a.b", "US-EAST-1", "a/b", "x y", "1a", "é", String(repeating: "a", count: 33),
    ])
    func `what could not be part of a host is refused`(region: String) {
        #expect(throws: SourceError.self) { try SecurityTokenHost(ofRegion: region) }
    }
}
