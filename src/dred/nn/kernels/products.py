"""The products of one int8 layer with any number of vectors, tile by tile."""

from typing import no_type_check

from dred.compilation import compiled
from dred.nn.kernels import tiles
from dred.nn.kernels.tiles import QUAD, SPARSE_ROWS


@compiled(makes_arrays=False)
@no_type_check
def multiply_dense(weights, numbers, x, x_stride, sums, sums_stride, start, offsets, num_inputs, num_outputs, num):
    """Sum the products of `num` vectors with a dense layer."""
    quads = (num_inputs + QUAD - 1) // QUAD
    row = 0
    while row < num_outputs:
        left = num_outputs - row
        at = offsets + row
        n = 0
        if left > 48:
            while num - n >= 6:
                tiles.dense_64x6(weights, numbers, x, x_stride, sums, sums_stride, start, at, quads, n, row)
                n += 6
            if num - n >= 4:
                tiles.dense_64x4(weights, numbers, x, x_stride, sums, sums_stride, start, at, quads, n, row)
                n += 4
            if num - n >= 2:
                tiles.dense_64x2(weights, numbers, x, x_stride, sums, sums_stride, start, at, quads, n, row)
                n += 2
            if num - n >= 1:
                tiles.dense_64x1(weights, numbers, x, x_stride, sums, sums_stride, start, at, quads, n, row)
            row += 64
            start += 64 * QUAD * quads
        elif left > 16:
            while num - n >= 6:
                tiles.dense_32x6(weights, numbers, x, x_stride, sums, sums_stride, start, at, quads, n, row)
                n += 6
            if num - n >= 4:
                tiles.dense_32x4(weights, numbers, x, x_stride, sums, sums_stride, start, at, quads, n, row)
                n += 4
            if num - n >= 2:
                tiles.dense_32x2(weights, numbers, x, x_stride, sums, sums_stride, start, at, quads, n, row)
                n += 2
            if num - n >= 1:
                tiles.dense_32x1(weights, numbers, x, x_stride, sums, sums_stride, start, at, quads, n, row)
            row += 32
            start += 32 * QUAD * quads
        else:
            while num - n >= 6:
                tiles.dense_16x6(weights, numbers, x, x_stride, sums, sums_stride, start, at, quads, n, row)
                n += 6
            if num - n >= 4:
                tiles.dense_16x4(weights, numbers, x, x_stride, sums, sums_stride, start, at, quads, n, row)
                n += 4
            if num - n >= 2:
                tiles.dense_16x2(weights, numbers, x, x_stride, sums, sums_stride, start, at, quads, n, row)
                n += 2
            if num - n >= 1:
                tiles.dense_16x1(weights, numbers, x, x_stride, sums, sums_stride, start, at, quads, n, row)
            row += 16
            start += 16 * QUAD * quads


@compiled(makes_arrays=False)
@no_type_check
def multiply_sparse(
    weights, numbers, block_numbers, x, x_stride, sums, sums_stride, start, offsets, blocks, num_outputs, num
):
    """Sum the products of `num` vectors with a sparse layer, whose part of the numbers begins at `blocks`."""
    position = 0
    for row in range(0, num_outputs, SPARSE_ROWS):
        count = block_numbers[position]
        first = blocks + position + 1
        at = offsets + row
        n = 0
        while num - n >= 6:
            tiles.sparse_6(weights, numbers, x, x_stride, sums, sums_stride, start, at, first, count, n, row)
            n += 6
        if num - n >= 4:
            tiles.sparse_4(weights, numbers, x, x_stride, sums, sums_stride, start, at, first, count, n, row)
            n += 4
        if num - n >= 2:
            tiles.sparse_2(weights, numbers, x, x_stride, sums, sums_stride, start, at, first, count, n, row)
            n += 2
        if num - n >= 1:
            tiles.sparse_1(weights, numbers, x, x_stride, sums, sums_stride, start, at, first, count, n, row)
        start += count * SPARSE_ROWS * QUAD
        position += 1 + count
