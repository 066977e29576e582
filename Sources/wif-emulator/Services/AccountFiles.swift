import Federation

extension World {
    /// Account files for tokens of this issuer, by service.
    func accountFiles(for issuer: Issuer) -> [(service: String, file: JSON)] {
        Part.services.compactMap { part in
            part.accountFile.map { (part.name.rawValue, $0(self, issuer)) }
        }
    }
}
