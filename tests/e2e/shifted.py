# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""A Python program whose clock is off: shifted.py NS PROGRAM ARGUMENTS..."""
import pathlib
import runpy
import sys
import time

real_ns = time.time_ns
ahead_ns = int(sys.argv[1])
time.time_ns = lambda: real_ns() + ahead_ns
del sys.argv[:2]
sys.path[0] = str(pathlib.Path(sys.argv[0]).parent)
runpy.run_path(sys.argv[0], run_name="__main__")
