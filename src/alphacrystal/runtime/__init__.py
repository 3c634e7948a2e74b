"""Processes, locks, interrupts and files: the interface of all packages to the operating system."""
