extension FormatFacts {
    /// The credential as a JSON object: Mondoo's service account, bytes unchanged; for a token its three
    /// members.
    static let json = FormatFacts(
        render: { (input) throws(FormatError) in
            Rendered(bytes: try input.credential.document())
        }
    )
}
