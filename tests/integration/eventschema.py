"""schemas/events as a judge: every event that a test reads from Kafka is held against its type's."""

import json
import pathlib

import jsonschema

DIRECTORY = pathlib.Path(__file__).resolve().parents[2] / "schemas" / "events"
SCHEMAS = {path.name.removesuffix(".schema.json"): json.loads(path.read_text())
           for path in DIRECTORY.glob("*.schema.json")}
VALIDATORS = {name: jsonschema.Draft202012Validator(schema) for name, schema in SCHEMAS.items()}


def check(event):
    """A CloudEvent as it was published, data and all."""
    validator = VALIDATORS.get(event["type"])
    assert validator, f"{event['type']} has no schema"
    try:
        validator.validate(event)
    except jsonschema.ValidationError as error:
        raise AssertionError(f"{event['type']}: {error}") from None
