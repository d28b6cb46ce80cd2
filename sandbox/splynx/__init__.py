"""A Splynx of our own: REST API v2 over a database with the product's tables, for tests, the demo and benchmarks."""
