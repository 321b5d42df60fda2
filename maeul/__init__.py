"""The command line of Maeul, one file a command group."""
