"""`dred warmup`: compile once, so that the first call does not wait."""


def warmup() -> None:
    """Compile every kernel and keep the result on disk.

    \b
    Examples:
    dred warmup
    """
    from time import perf_counter

    from dred.cli.kernel_tour import compile_all, compile_without_weights
    from dred.cli.progress import progress
    from dred.compilation import code_folder
    from dred.weights import available, load

    begin = perf_counter()
    names = [entry.name for entry in available() if entry.card is not None]
    with progress("compiling"):
        if names:
            compile_all(load(names[0]))
        else:
            compile_without_weights()
    what = f"with the weights {names[0]}" if names else "only what needs no weights; run `dred weights install` first"
    if code_folder() is None:
        what += ", for nothing: name a folder that can be written in $NUMBA_CACHE_DIR to keep it"
    print(f"compiled in {perf_counter() - begin:.1f} s, {what}")
