"""Writes the schemas of some versions of Kubernetes out of the package kubernetes-validate.

Usage: extract-kubernetes-schemas.py <wheel> <folder> <version>...

The package refers to definitions by an address that only its own program resolves. Here they refer to the file beside
them.
"""

import json
import os
import sys
import zipfile

wheel, target, *versions = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for version in versions:
        source = f"kubernetes_validate/kubernetes-json-schema/v{version}-local-strict/"
        folder = os.path.join(target, f"v{version}")
        os.makedirs(folder)
        for name in archive.namelist():
            if not name.startswith(source) or not name.endswith(".json"):
                continue
            text = archive.read(name).replace(b"/api/_definitions.json", b"_definitions.json")
            schema = json.loads(text)
            schema.pop("$id", None)
            with open(os.path.join(folder, os.path.basename(name)), "w", encoding="utf-8") as file:
                json.dump(schema, file)
