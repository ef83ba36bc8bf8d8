"""How every kernel is compiled: by Numba, on first use, kept on disk, without the interpreter lock.

@compiled -> first call -> code on disk, of these very sources? -> load it
                               '-> no: compile, keep
"""

from dred.compilation.compiled import FAST_SUMS, code_folder, compiled
from dred.compilation.pointer import compile_pointer
from dred.compilation.source_stamp import source_stamp

__all__ = ["FAST_SUMS", "code_folder", "compile_pointer", "compiled", "source_stamp"]
