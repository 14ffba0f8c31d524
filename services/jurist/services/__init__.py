"""The shells around the verifiers: codec, plan, lanes, combine, gRPC server, command line."""
