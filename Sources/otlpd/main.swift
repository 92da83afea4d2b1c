// Starts the command line.

internal import ArgumentParser

OtlpdCommand.main()
