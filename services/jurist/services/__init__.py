"""The shells around the verifiers: decode, plan, lanes, combine, encode, gRPC server, command line."""
