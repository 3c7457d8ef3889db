#!/usr/bin/env python3
"""Prints how many thousand times a second this machine's time stamp counter counts.

QEMU gives guests this very counter. They measure it when they boot, and while the machine is
busy they measure too little: their clocks then run several times too fast.
"""

import ctypes
import mmap
import time

# rdtsc; shl $32, %rdx; or %rdx, %rax; ret
CODE = bytes.fromhex("0f3148c1e2204809d0c3")


def main():
    memory = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    memory.write(CODE)
    counter = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(ctypes.c_char.from_buffer(memory)))
    begin = time.monotonic_ns(), counter()
    time.sleep(0.5)
    end = time.monotonic_ns(), counter()
    print(round((end[1] - begin[1]) / (end[0] - begin[0]) * 1e6))


main()
