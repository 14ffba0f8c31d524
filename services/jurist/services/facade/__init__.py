"""HTTP beside gRPC: the contract as JSON, and the requests that trainers and code graders already send.

Everything here turns somebody's JSON into a call of the one service, and its answer back. Nothing is judged here.
"""
