// Exchanges
