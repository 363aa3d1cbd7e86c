"""Compiled programs as native code, by Numba (extra `jit`).

`forms` says which steps have a native form, `loops` and `segments` print them, `build` compiles
what was printed in a process of its own, `cache` keeps it on disk, and `tiers` runs it from when
on it is ready and measured to be faster. `elementary` and `products` are what the printed code
calls; nothing else here needs Numba to be imported.
"""
