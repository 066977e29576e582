import Crypto
import Federation
import Text

extension PlayedPlatform {
    static let aws = PlayedPlatform(
        issuerURL: "https://1f0e2d3c-4b5a-4968-8776-a5b4c3d2e1f0.tokens.sts.global.api.aws",
        tokenLifetime: 300,
        claims: [
            "https://sts.amazonaws.com/": [
                "aws_account": .string(AWSAccount.number), "source_region": "eu-central-1",
                "org_id": "o-exampleorgid", "principal_tags": ["team": "red"],
            ]
        ],
        isUsual: true,
        parts: [
            Part(
                name: .awsMetadata,
                placement: .metadata,
                absence: [Variable("AWS_EC2_METADATA_DISABLED", "true")],
                player: { AWSMetadata(world: $0) }
            ),
            Part(name: .awsContainer, placement: .metadata) { (world) throws(CryptoError) in
                AWSContainer(world: world, token: try world.podIdentityToken())
            },
            Part(name: .awsSTS, placement: .own) { AWSSTS(world: $0) },
        ]
    )
}

extension RoleName {
    static let awsMetadata = RoleName("aws-imds")
    static let awsContainer = RoleName("aws-container")
    static let awsSTS = RoleName("aws-sts")
}
