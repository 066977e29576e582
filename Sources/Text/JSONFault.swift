/// What is wrong with a text that is no JSON.
package enum JSONFault: Equatable, Sendable {
    case furtherText
    case endOfText
    case tooDeep(limit: Int)
    case noName
    case noColon
    case repeatedName(String)
    /// Of an object or of an array, as the closing bracket says.
    case noSeparator(closing: Character)
    case noValue
    case noDigit
    case leadingZero
    case tooLarge
    case notUTF8
    case controlCharacter
    case endOfString
    case unknownEscape
    case halfSurrogatePair
    case noHexadecimalDigits

    /// For a reader, without the place.
    var text: String {
        switch self {
        case .furtherText: "something follows the end of the document"
        case .endOfText: "the text ends where a value is expected"
        case .tooDeep(let limit): "more than \(limit) levels deep"
        case .noName: "a name in quotes is expected"
        case .noColon: "':' is expected after a name"
        case .repeatedName(let name): "the name \"\(name.printable)\" is given twice"
        case .noSeparator(let closing): "',' or '\(closing)' is expected"
        case .noValue: "a value is expected"
        case .noDigit: "a digit is expected"
        case .leadingZero: "a number starts with 0"
        case .tooLarge: "a number is too large"
        case .notUTF8: "a string is not UTF-8"
        case .controlCharacter: "a control character in a string"
        case .endOfString: "a string has no end"
        case .unknownEscape: "an unknown escape in a string"
        case .halfSurrogatePair: "half a surrogate pair in a string"
        case .noHexadecimalDigits: "four hexadecimal digits are expected after \\u"
        }
    }
}
