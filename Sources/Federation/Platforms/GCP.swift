import Text

extension PlatformFacts {
    /// GCP: Compute Engine, GKE, Cloud Run and Functions, by the metadata server.
    static let gcp = PlatformFacts(
        signs: [
            .override(["GCE_METADATA_HOST", "GCE_METADATA_ROOT"]), .firmware(.google),
            .variable("K_SERVICE", "CLOUD_RUN_JOB", "FUNCTION_TARGET"),
        ],
        isMachine: true,
        automatic: .always(unless: ("NO_GCE_CHECK", "true")),
        otherVariables: ["NO_GCE_CHECK"],
        parse: { (options) throws(AccountError) in
            .gcp(serviceAccount: try options.text("serviceAccount") ?? "default")
        },
        otherWords: ["google", "gce", "googlecloud", "googlecloudplatform", "metadata"],
        machineTitle: "Google Cloud",
        metadataRule: MetadataRule(
            path: "/computeMetadata/",
            header: ("Metadata-Flavor", "Google")
        ),
        issuers: KnownIssuers(of: "Google", "accounts.google.com"),
        otherTokens: OtherTokens(
            marks: ["ya29."],
            text: "it is an access token of Google's, not an identity token",
            hint: "take an identity token: provider gcp does, or gcloud auth print-identity-token"
                + " --audiences=AUDIENCE"
        ),
        tokens: TokenFacts(
            name: "Google Cloud",
            identityRemark: { claims in
                guard let email = claims["email"]?.string else { return nil }
                let isUsual = email.hasSuffix("-compute@developer.gserviceaccount.com")
                return isUsual
                    ? "of \(email.printable), Compute Engine's default service account: where another is meant, attach that"
                        + " one to the machine, gcloud compute instances set-service-account, in place of this"
                    : "of the service account \(email.printable)"
            },
            claims: [["email"], ["google", "compute_engine", "project_id"]]
        )
    )
}
