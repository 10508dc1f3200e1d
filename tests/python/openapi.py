"""Checks a document against the rules of OpenAPI 3.1.

usage: openapi.py FILE
"""

import json
import sys

from openapi_spec_validator import OpenAPIV31SpecValidator

_, path = sys.argv
with open(path, encoding="utf-8") as file:
    document = json.load(file)
errors = OpenAPIV31SpecValidator(document).iter_errors()
print(json.dumps({"errors": [f"{list(error.path)}: {error.message}" for error in errors]}))
