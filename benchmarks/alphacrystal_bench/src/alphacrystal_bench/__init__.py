"""Benchmarks of AlphaCrystal: the tables of the papers, CSPBench, learned models, reconstruction and speed.

Each benchmark is a command of `alphacrystal benchmark` and reads its data from a folder that the user gives.
"""
