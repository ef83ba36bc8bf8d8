import json
from pathlib import Path

import numpy as np
import pytest

from dred.errors import ModelError
from dred.weights import WeightSet
from dred.weights.tables_file import Tables, parse_tables, write_tables


@pytest.fixture
def document(tiny_weights: WeightSet) -> dict:
    return json.loads(write_tables(Tables(libopus="1.6.1", bitstream_version=12, tables=tiny_weights.tables)))


def test_what_is_written_is_parsed_again(tiny_weights: WeightSet, document):
    parsed = parse_tables(json.dumps(document))
    assert (parsed.libopus, parsed.bitstream_version) == ("1.6.1", 12)
    for name, table in tiny_weights.tables.items():
        np.testing.assert_array_equal(parsed.tables[name], table)


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"libopus": 1}', "[" * 100_000, '{"libopus": "1.6.1"'])
def test_anything_else_is_refused(text):
    with pytest.raises(ModelError, match="not a tables file"):
        parse_tables(text)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["experimental_version"], True),
        (["experimental_version"], "12"),
        (["latent_dim"], 4),
        (["state_dim"], -1),
        (["tables"], []),
        (["tables", "dred_state_r_q8"], None),
        (["tables", "dred_state_r_q8"], [[1, 2]] * 15),
        (["tables", "dred_state_r_q8", 3], [1]),
        (["tables", "dred_state_r_q8", 3], "ab"),
        (["tables", "dred_state_r_q8", 3, 1], 256),
        (["tables", "dred_state_r_q8", 3, 1], -1),
        (["tables", "dred_state_r_q8", 3, 1], 1.0),
        (["tables", "dred_state_r_q8", 3, 1], True),
    ],
)
def test_a_wrong_field_is_refused(document, path, value):
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(ModelError, match="not a tables file"):
        parse_tables(json.dumps(document))


@pytest.mark.reference
@pytest.mark.parametrize("release", ["1.6.1", "1.5.2"])
def test_published_tables_files_come_back_byte_for_byte(shared: Path, release):
    text = (shared / "weights" / f"libopus-{release}.tables.json").read_text()
    assert write_tables(parse_tables(text)) == text
