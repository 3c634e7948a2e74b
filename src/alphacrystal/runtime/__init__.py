"""Processes, locks, interrupts and files: what every stage needs from the operating system."""
