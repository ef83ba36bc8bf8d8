"""The spectrum of a window of 320 samples, in 320 = 20 x 16 steps that fill vectors.

    20 rows of 16 samples -> real DFT of 20 down the columns -> turn by exp(-2 pi i row column / 320)
                          -> transpose -> complex DFT of 16 down the columns -> bins 20 row + column

The input is real, so that columns 0 to 10 hold all bins: the others are their mirror images. The DFT of 20 needs no
turns inside, for 4 and 5 have no common factor.

Source: Good, "The interaction algorithm and practical Fourier analysis", 1958; Cooley and Tukey, 1965.
"""

from typing import Final, no_type_check

import numpy as np

from dred.compilation import compiled
from dred.features.reference.bands import WINDOW, WINDOW_SAMPLES
from dred.vectors.kind import LANES
from dred.vectors.lanes import permutation, transpose
from dred.vectors.memory import load, store, table

NUM_LOW_LANES: Final = 2 * LANES
"""Bins whose complex values are given, from the lowest."""

_NUM_ROWS: Final = WINDOW_SAMPLES // LANES
_LAST_COLUMN: Final = _NUM_ROWS // 2

_WINDOW = table(WINDOW)
_TURNS = np.exp(-2j * np.pi * np.outer(np.arange(_LAST_COLUMN + 1), np.arange(LANES)) / WINDOW_SAMPLES)
_TURN_REAL = table(_TURNS.real.astype(np.float32))
_TURN_IMAG = table(_TURNS.imag.astype(np.float32))

# Parts of e^(2 pi i k / 5) and of e^(2 pi i k / 16).
_COS_72, _COS_144 = (np.float32(np.cos(2 * np.pi * k / 5)) for k in (1, 2))
_SIN_72, _SIN_144 = (np.float32(np.sin(2 * np.pi * k / 5)) for k in (1, 2))
_COS_22, _COS_45, _SIN_22 = (np.float32(np.cos(2 * np.pi * k / 16)) for k in (1, 2, 3))

# Behind a row's bins 0 to 10 come 11 to 19, which are lanes 9 to 1 of the mirror image.
_MIRRORED = permutation([*range(4, 11), *range(LANES + 9, LANES, -1)])
_MIRRORED_FROM = 4


@compiled(makes_arrays=False)
@no_type_check
def _windowed(signal, row):
    return load(signal, LANES * row) * _WINDOW(LANES * row)


@compiled(makes_arrays=False)
@no_type_check
def _real_four(signal, row_0, row_1, row_2, row_3):
    """DFT of 4 windowed rows: bin 0, both parts of bin 1, bin 2."""
    a, b, c, d = _windowed(signal, row_0), _windowed(signal, row_1), _windowed(signal, row_2), _windowed(signal, row_3)
    even, odd = a + c, b + d
    return even + odd, a - c, d - b, even - odd


@compiled(makes_arrays=False)
@no_type_check
def _real_five(a, b, c, d, e):
    """DFT of 5 real vectors: bin 0, both parts of bin 1, both parts of bin 2."""
    outer, inner = b + e, c + d
    outer_gap, inner_gap = e - b, d - c
    return (
        a + (outer + inner),
        a + _COS_72 * outer + _COS_144 * inner,
        _SIN_72 * outer_gap + _SIN_144 * inner_gap,
        a + _COS_144 * outer + _COS_72 * inner,
        _SIN_144 * outer_gap - _SIN_72 * inner_gap,
    )


@compiled(makes_arrays=False)
@no_type_check
def _turned(column, real, imag):
    cosine, sine = _TURN_REAL(LANES * column), _TURN_IMAG(LANES * column)
    return real * cosine - imag * sine, real * sine + imag * cosine


@compiled(makes_arrays=False)
@no_type_check
def _dft_20(signal):
    """DFT of 20 down the columns of the windowed signal: real and imaginary parts of rows 0 to 10."""
    # With n = 5 a + 4 b mod 20, bin k is bin k mod 4 over a and bin k mod 5 over b.
    e0, p0, q0, f0 = _real_four(signal, 0, 5, 10, 15)
    e1, p1, q1, f1 = _real_four(signal, 4, 9, 14, 19)
    e2, p2, q2, f2 = _real_four(signal, 8, 13, 18, 3)
    e3, p3, q3, f3 = _real_four(signal, 12, 17, 2, 7)
    e4, p4, q4, f4 = _real_four(signal, 16, 1, 6, 11)
    # k mod 4 = 0: bins 0, 16 and 12; the latter are mirror images of 4 and 8.
    r0, r4, i16, r8, i12 = _real_five(e0, e1, e2, e3, e4)
    # k mod 4 = 2: bins 10, 6 and 2.
    r10, r6, i6, r2, i2 = _real_five(f0, f1, f2, f3, f4)
    # k mod 4 = 1: bins 5, 1, 17, 13 and 9 of p + i q; 17 and 13 are mirror images of 3 and 7.
    r5, p1r, p1i, p2r, p2i = _real_five(p0, p1, p2, p3, p4)
    i5, q1r, q1i, q2r, q2i = _real_five(q0, q1, q2, q3, q4)
    r1, i1 = _turned(1, p1r - q1i, p1i + q1r)
    r2, i2 = _turned(2, r2, i2)
    r3, i3 = _turned(3, p2r - q2i, -(p2i + q2r))
    r4, i4 = _turned(4, r4, -i16)
    r5, i5 = _turned(5, r5, i5)
    r6, i6 = _turned(6, r6, i6)
    r7, i7 = _turned(7, p2r + q2i, p2i - q2r)
    r8, i8 = _turned(8, r8, -i12)
    r9, i9 = _turned(9, p1r + q1i, q1r - p1i)
    i10 = r10 * _TURN_IMAG(10 * LANES)
    r10 = r10 * _TURN_REAL(10 * LANES)
    return (r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10), (r0 - r0, i1, i2, i3, i4, i5, i6, i7, i8, i9, i10)


@compiled(makes_arrays=False)
@no_type_check
def _four(ar, ai, br, bi, cr, ci, dr, di):
    """DFT of 4 complex vectors."""
    er, ei, fr, fi = ar + cr, ai + ci, ar - cr, ai - ci
    gr, gi, hr, hi = br + dr, bi + di, br - dr, bi - di
    return er + gr, ei + gi, fr + hi, fi - hr, er - gr, ei - gi, fr - hi, fi + hr


@compiled(makes_arrays=False)
@no_type_check
def _times(real, imag, cosine, sine):
    return real * cosine - imag * sine, real * sine + imag * cosine


@compiled(makes_arrays=False)
@no_type_check
def _dft_16(real, imag):
    """Complex DFT of 16 vectors."""
    a0r, a0i, a1r, a1i, a2r, a2i, a3r, a3i = _four(
        real[0], imag[0], real[4], imag[4], real[8], imag[8], real[12], imag[12]
    )
    b0r, b0i, b1r, b1i, b2r, b2i, b3r, b3i = _four(
        real[1], imag[1], real[5], imag[5], real[9], imag[9], real[13], imag[13]
    )
    c0r, c0i, c1r, c1i, c2r, c2i, c3r, c3i = _four(
        real[2], imag[2], real[6], imag[6], real[10], imag[10], real[14], imag[14]
    )
    d0r, d0i, d1r, d1i, d2r, d2i, d3r, d3i = _four(
        real[3], imag[3], real[7], imag[7], real[11], imag[11], real[15], imag[15]
    )
    b1r, b1i = _times(b1r, b1i, _COS_22, -_SIN_22)
    b2r, b2i = _COS_45 * (b2r + b2i), _COS_45 * (b2i - b2r)
    b3r, b3i = _times(b3r, b3i, _SIN_22, -_COS_22)
    c1r, c1i = _COS_45 * (c1r + c1i), _COS_45 * (c1i - c1r)
    c2r, c2i = c2i, -c2r
    c3r, c3i = _COS_45 * (c3i - c3r), -_COS_45 * (c3r + c3i)
    d1r, d1i = _times(d1r, d1i, _SIN_22, -_COS_22)
    d2r, d2i = _COS_45 * (d2i - d2r), -_COS_45 * (d2r + d2i)
    d3r, d3i = _times(d3r, d3i, -_COS_22, _SIN_22)
    y0r, y0i, y4r, y4i, y8r, y8i, y12r, y12i = _four(a0r, a0i, b0r, b0i, c0r, c0i, d0r, d0i)
    y1r, y1i, y5r, y5i, y9r, y9i, y13r, y13i = _four(a1r, a1i, b1r, b1i, c1r, c1i, d1r, d1i)
    y2r, y2i, y6r, y6i, y10r, y10i, y14r, y14i = _four(a2r, a2i, b2r, b2i, c2r, c2i, d2r, d2i)
    y3r, y3i, y7r, y7i, y11r, y11i, y15r, y15i = _four(a3r, a3i, b3r, b3i, c3r, c3i, d3r, d3i)
    return (
        (y0r, y1r, y2r, y3r, y4r, y5r, y6r, y7r, y8r, y9r, y10r, y11r, y12r, y13r, y14r, y15r),
        (y0i, y1i, y2i, y3i, y4i, y5i, y6i, y7i, y8i, y9i, y10i, y11i, y12i, y13i, y14i, y15i),
    )


@compiled(makes_arrays=False)
@no_type_check
def _power(real, imag):
    return real * real + imag * imag


@compiled(makes_arrays=False)
@no_type_check
def _store_row(target, start, row, mirror):
    store(target, start, row)
    store(target, start + _MIRRORED_FROM, _MIRRORED(row, mirror))


@compiled(makes_arrays=False)
@no_type_check
def transform(signal, power, low_real, low_imag):
    """Window 320 samples and transform them, 50 Hz per bin.

    Writes the power of bins 0 to 160 and the complex values of bins 0 to 31; each array has 16 lanes more than that.
    """
    real, imag = _dft_20(signal)
    real, imag = _dft_16(transpose(real), transpose(imag))
    _store_row(low_real, 0, real[0], real[15])
    _store_row(low_real, 20, real[1], real[14])
    _store_row(low_imag, 0, imag[0], -imag[15])
    _store_row(low_imag, 20, imag[1], -imag[14])
    _store_row(power, 0, _power(real[0], imag[0]), _power(real[15], imag[15]))
    _store_row(power, 20, _power(real[1], imag[1]), _power(real[14], imag[14]))
    _store_row(power, 40, _power(real[2], imag[2]), _power(real[13], imag[13]))
    _store_row(power, 60, _power(real[3], imag[3]), _power(real[12], imag[12]))
    _store_row(power, 80, _power(real[4], imag[4]), _power(real[11], imag[11]))
    _store_row(power, 100, _power(real[5], imag[5]), _power(real[10], imag[10]))
    _store_row(power, 120, _power(real[6], imag[6]), _power(real[9], imag[9]))
    _store_row(power, 140, _power(real[7], imag[7]), _power(real[8], imag[8]))
    store(power, 160, _power(real[8], imag[8]))
