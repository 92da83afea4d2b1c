// Starts the command line.

OtlpdCommand.main()
