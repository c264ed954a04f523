"""nginx with a configuration of the documents, or any other, in a folder of the test's own."""
import os

import harness


def documented(name, changes):
    """docs/NAME with other words in place of some: old → new, each of which must stand there."""
    text = (harness.ROOT / "docs" / name).read_text()
    for known, own in changes.items():
        assert known in text, known
        text = text.replace(known, str(own))
    return text


def start(folder, text, main=""):
    """Serves what `text` says, with nothing outside of the folder; `main` is for the main context."""
    temporary = "".join(f"{name}_temp_path {folder}/{name};"
                        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;" if os.geteuid() == 0 else ""
    path = folder / "nginx.conf"
    path.write_text(f"daemon off; {user} pid {folder}/pid; error_log stderr crit; {main}\n"
                    f"events {{}}\nhttp {{ {temporary}\n{text}\n}}\n")
    return harness.Child(["nginx", "-p", folder, "-c", path, "-e", "stderr"], folder / "output.log")
