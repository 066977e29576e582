package import FoundationEssentials

/// A date as RFC 3339 writes it, in UTC and whole seconds.
package func rfc3339(_ date: Date) -> String {
    date.formatted(.iso8601)
}
