"""The type checker of the tests: every call in `dred` is checked; as everywhere in Python, an int passes as a float."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
