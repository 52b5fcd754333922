"""Writes the JSON Schemas in docs/ from the models: python tools/publish_schemas.py"""

import json
from pathlib import Path

from officer.summary import summary_schema
from shared.config.site import site_schema
from shared.contracts.violation import json_schema

DOCS = Path(__file__).parents[1] / "docs"
SCHEMAS = {
    "site.schema.json": site_schema,
    "summary.schema.json": summary_schema,
    "violation-message.schema.json": json_schema,
}


def main() -> None:
    for name, schema in SCHEMAS.items():
        (DOCS / name).write_text(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
