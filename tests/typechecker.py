"""Runtime type checks as in PEP 484: an int is accepted in place of a float."""

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
