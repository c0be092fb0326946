"""HTTP: thin routes over the same parts the command line uses."""
