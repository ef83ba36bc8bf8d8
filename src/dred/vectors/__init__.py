"""Vectors of floats as a Numba type, for kernels that say which instructions they become.

x = load(samples, 0)                            (memory)
store(out, 0, tanh(x * load(window, 0)))        (kind: arithmetic, functions)
turned = permutation(range(15, -1, -1))(x)      (lanes)
"""
