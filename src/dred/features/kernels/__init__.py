"""The analysis of frames as compiled functions, one file per stage, over a type of vectors.

    vector, vector_lanes, vector_memory, vector_math -> spectrum, cepstrum, residual, pitch -> frame
                                                                    '-> burg

All work in memory that the caller owns. `reference` has the same stages to be read, and all constants.
"""
