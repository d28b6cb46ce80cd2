"""A stand-in for Sonar: its GraphQL API over rows in memory, with faults on demand."""
