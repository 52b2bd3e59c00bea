"""Write the DDL of the present schema: `python -m roseau.storage.migrations.draft postgresql`.

Used to draft a migration, and by the test that holds the migrations against the schema.
"""

import sys
from typing import cast

from sqlalchemy.schema import CreateIndex, CreateTable

from roseau.storage.schema import append_only, metadata, search
from roseau.storage.statements import DIALECTS, DialectName


def to_ddl(dialect: DialectName) -> str:
    """Every table and index of the schema as SQL text."""
    pieces = []
    for table in metadata.sorted_tables:
        pieces.append(str(CreateTable(table).compile(dialect=DIALECTS[dialect])).strip())
        pieces.extend(
            str(CreateIndex(index).compile(dialect=DIALECTS[dialect])).strip()
            for index in sorted(table.indexes, key=lambda index: str(index.name))
        )
    lines = ";\n\n".join(pieces) + ";\n"
    tidy = "\n".join(line.replace("\t", "    ").rstrip() for line in lines.split("\n"))
    if dialect == "sqlite":
        return tidy + search.SQLITE + append_only.SQLITE
    return tidy + search.POSTGRESQL + append_only.POSTGRESQL


if __name__ == "__main__":
    sys.stdout.write(to_ddl(cast(DialectName, sys.argv[1] if len(sys.argv) > 1 else "sqlite")))
