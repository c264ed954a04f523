"""Applications that a test writes itself: a manifest and a shell script that plays the part."""
import json
import pathlib

INPUT_SCHEMA = {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}

# Writes each declared output and ends well. It needs nothing but a shell.
SUCCEEDING = r"""#!/bin/sh
set -e
echo "progress 0.5 writing"
for name in $NAMES; do
    echo "$name" > "$SLIDEWAY_OUTPUT/$name"
    list="$list${list:+,}{\"name\":\"$name\",\"path\":\"$name\",\"metadata\":{}}"
done
echo "{\"artifacts\":[$list]}" > "$SLIDEWAY_OUTPUT/output.json"
"""


def output(name, mime_type="text/csv", visibility="EXTERNAL"):
    return {"name": name, "mime_type": mime_type, "scope": "ITEM", "visibility": visibility,
            "metadata_schema": {"type": "object"}}


def manifest(application_id, version, outputs=("result",), **fields):
    """A manifest with one input, whole_slide_image, and the outputs of these names."""
    return {
        "application_id": application_id, "name": f"The application {application_id}",
        "description": f"Made by a test: {application_id}", "regulatory_classes": ["RUO"],
        "version_number": version, "changelog": f"This is {version}.",
        "released_at": "2026-01-02T03:04:05Z",
        "input_artifacts": [{
            "name": "whole_slide_image", "aliases": ["input_slide", "user_slide"],
            "mime_type": "image/tiff", "metadata_schema": INPUT_SCHEMA}],
        "output_artifacts": [output(name) for name in outputs],
        "command": ["./run"],
        "limits": {"memory_bytes": 512 << 20, "time_seconds": 60, "processes": 16,
                   "output_bytes": 64 << 20},
        **fields,
    }


def write(folder, application_id, version="1.0.0", script=SUCCEEDING, outputs=("result",), **fields):
    """Writes folder/ID/VERSION with manifest and script; returns it."""
    place = pathlib.Path(folder) / application_id / version
    place.mkdir(parents=True)
    (place / "application.json").write_text(
        json.dumps(manifest(application_id, version, outputs, **fields)))
    program = place / "run"
    program.write_text(script.replace("$NAMES", " ".join(outputs)))
    program.chmod(0o755)
    for path in (pathlib.Path(folder), place.parent, place):
        path.chmod(0o755)
    return place
