extension FormatFacts {
    /// The credential itself: an access token, or the base64 of Mondoo's document. No newline at the end.
    static let raw = FormatFacts(
        aliases: ["base64"],
        render: { input in Rendered(bytes: input.credential.value) }
    )
}
