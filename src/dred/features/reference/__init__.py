"""The analysis of frames in numpy: what features are, to be read and to be compared with.

bands, residual, pitch -> frame; bands -> burg
"""
