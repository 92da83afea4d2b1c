"""What the black-box tests are made of: the daemon as a process, a server that captures, raw HTTP, and the store."""
