"""The pure parts of `code_tests`: finding the program, reading tests, comparing outputs."""
