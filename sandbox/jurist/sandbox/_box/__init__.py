"""What runs inside a box: the launcher, the fork server and the harness around a program. Standard library alone."""
