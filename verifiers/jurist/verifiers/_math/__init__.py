"""How `math_answer` reads and compares answers: one subject a file, all of it bounded and none of it evaluating text."""
