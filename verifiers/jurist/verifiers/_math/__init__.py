"""How `math_answer` reads and compares answers: one subject a file, all bounded, none evaluating text."""
