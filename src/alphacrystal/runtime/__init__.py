"""Services of the operating system for all packages: processes, locks, signals and files."""
