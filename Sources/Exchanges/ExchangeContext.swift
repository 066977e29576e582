package import HTTP

/// All that an exchange needs from outside: no more than what its requests do.
package typealias ExchangeContext = RequestContext
