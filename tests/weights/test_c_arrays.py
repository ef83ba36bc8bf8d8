from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dred.errors import ModelError
from dred.weights.c_arrays import parse_c_arrays


def test_each_type_has_its_dtype():
    arrays = parse_c_arrays(
        "static const float a[2] = {1.5,-2e-3};\n"
        "static const int b[1] = {-70000};\n"
        "static const opus_int8 c[3]={-128, 127,\n 0};\n"
        "const opus_uint8 d[1] = { 255, };\n"
    ).arrays
    assert {name: array.dtype.name for name, array in arrays.items()} == {
        "a": "float32",
        "b": "int32",
        "c": "int8",
        "d": "uint8",
    }
    np.testing.assert_array_equal(arrays["a"], np.array([1.5, -2e-3], np.float32))
    assert [array.tolist() for name, array in arrays.items() if name != "a"] == [[-70000], [-128, 127, 0], [255]]


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_the_shortest_decimal_of_a_float_is_read_exactly(value):
    text = f"static const float a[1] = {{{value!r}}};"
    assert parse_c_arrays(text).arrays["a"].tobytes() == np.float32(value).tobytes()


def test_a_constant_is_rounded_to_double_first_as_in_c():
    # Just above the midpoint of two floats: rounding to double lands on the midpoint, rounding that to even goes down.
    text = "static const float a[1] = {1.00000005960464477539062500001};"
    assert parse_c_arrays(text).arrays["a"][0] == np.float32(1.0)


def test_comments_hold_no_arrays():
    text = "/* const int a[1] = {1}; */ // const int b[1] = {2};\nconst int c[1] = {/* 4 */ 3};"
    assert {name: array.tolist() for name, array in parse_c_arrays(text).arrays.items()} == {"c": [3]}


def test_the_branch_without_macros_is_taken():
    text = """
#ifndef USE_WEIGHTS_FILE
#define HERE
const int kept[1] = {1};
#else
const int dropped[1] = {2};
#ifdef HERE
const int inner[1] = {3};
#define THERE
#else
const int other[1] = {4};
#endif
#endif
  #  ifdef DOT_PROD
const int fast[1] = {5};
#else
const int slow[1] = {6};
#endif
#ifdef HERE
const int late[1] = {7};
#endif
#ifdef THERE
const int never[1] = {8};
#endif
"""
    assert list(parse_c_arrays(text).arrays) == ["kept", "slow", "late"]


def test_the_list_gives_the_order_and_leaves_out_what_no_macro_announces():
    text = """
#define WEIGHTS_b_DEFINED
const int b[1] = {1};
#define WEIGHTS_a_DEFINED
const int a[1] = {2};
const int unlisted[1] = {3};
const WeightArray net_arrays[] = {
#ifdef WEIGHTS_a_DEFINED
{"a", WEIGHTS_a_TYPE, sizeof(a), a},
#endif
#ifdef WEIGHTS_c_DEFINED
{"c", WEIGHTS_c_TYPE, sizeof(c), c},
#endif
#ifdef WEIGHTS_b_DEFINED
{"b", WEIGHTS_b_TYPE, sizeof(b), b},
#endif
{NULL, 0, 0, NULL}
};
int init(const WeightArray *arrays) { return linear_init("unlisted"); }
"""
    assert parse_c_arrays(text).record_names == ("a", "b")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("const int a[2] = {1};", "declared with 2 values and holds 1"),
        ("const int a[1] = {1}; const int a[1] = {1};", "defined twice"),
        ("const int a[1] = {};", "no int32"),
        ("const int a[1] = {1.5};", "no int32"),
        ("const int a[1] = {1e3};", "no int32"),
        ("const int a[2] = {1,,2};", "no int32"),
        ("const int a[1] = {1_0};", "no decimal number"),
        ("const int a[1] = {MACRO};", "no decimal number"),
        ("const int a[1] = {2147483648};", "outside"),
        ("const opus_int8 a[1] = {128};", "outside -128..127"),
        ("const opus_int8 a[1] = {-129};", "outside -128..127"),
        ("const opus_uint8 a[1] = {-1};", "outside 0..255"),
        ("const opus_uint8 a[1] = {256};", "outside 0..255"),
        ("const float a[1] = {nan};", "no decimal number"),
        ("const float a[1] = {1e39};", "beyond the range of float"),
        ("const float a[1] = {1e999};", "beyond the range of float"),
        ("const float a[1] = {1-2};", "no float32"),
        ("const float a[1] = {" + "9" * 5000 + "};", "beyond the range of float"),
        ("const int a[1] = {" + "9" * 5000 + "};", "no int32"),
        ('const WeightArray x[] = {{"a", T, 4, a}};', "lists array 'a' but does not define it"),
        ("#if 1\n#endif\n", "#if in the C text"),
        ("#endif\n", "#endif without"),
        ("#else\n", "#else without"),
    ],
)
def test_malformed_text_is_refused(text, complaint):
    with pytest.raises(ModelError, match=complaint):
        parse_c_arrays(text)


@pytest.mark.parametrize(
    "unit", ["/*", "const WeightArray x[] = {", "const float a[1] = {1,", "#ifdef A\n", "{", "const  "]
)
def test_text_that_never_closes_costs_no_more_than_its_length(unit):
    # Half a megabyte: a search that starts over at each unit would take minutes.
    parse_c_arrays(unit * (500_000 // len(unit)))


@given(st.text(st.sampled_from('#ifdefndelsndi constfloatint[]{}=,;1\n" /*'), max_size=200))
def test_any_text_is_read_or_refused(text):
    with suppress(ModelError):
        parsed = parse_c_arrays(text)
        assert set(parsed.record_names) <= set(parsed.arrays)
