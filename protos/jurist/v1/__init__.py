"""The contract's messages and stubs, generated from reward.proto by `make protos`."""
