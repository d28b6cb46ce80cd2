"""The servers that demo, tests and `make up` run on: real Kafka, registry and MariaDB as local processes."""
