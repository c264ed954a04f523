"""The documents of an application's version: from its folder, through the store, to a reader."""
import harness
import pytest
import requests
import sample_application
from public_api import detail

PATH = "/applications/explained/versions/1.0.0/documents"
KEYS = {"id", "name", "mime_type", "visibility", "created_at", "updated_at"}
# Name → path, media type, visibility, content.
DOCUMENTS = {
    "User guide ä.pdf": ("docs/guide.pdf", "application/pdf", "public", b"%PDF-1.7 guide"),
    "Notes.md": ("notes.md", "text/markdown", "public", b"# Notes\n"),
    "secret.md": ("secret.md", "text/markdown", "internal", b"# Not for clients\n"),
}


def write_application(folder, application_id="explained", documents=None):
    place = sample_application.write(folder, application_id, documents=[
        {"name": name, "path": path, "mime_type": mime_type, "visibility": visibility}
        for name, (path, mime_type, visibility, _) in (documents or DOCUMENTS).items()])
    for path, _, _, content in DOCUMENTS.values():
        (place / path).parent.mkdir(exist_ok=True)
        (place / path).write_bytes(content)
    return place


@pytest.fixture(scope="module")
def explained(cluster, module_folder):
    """A server with an application that has documents, and one that one organisation alone has."""
    platform = harness.Platform(cluster, module_folder)
    platform.register(write_application(module_folder / "applications"))
    platform.add_organization("institute")
    platform.register(write_application(module_folder / "applications", "private"), "--org", "institute")
    try:
        platform.start_server()
        yield platform
    finally:
        platform.stop()


@pytest.fixture
def reader(explained):
    return explained.client()


def test_public_documents_are_listed_by_name(reader):
    answer = reader.get(PATH)
    assert answer.status_code == 200
    notes, guide = answer.json()
    assert set(notes) == KEYS
    assert (notes["name"], notes["mime_type"], notes["visibility"]) == (
        "Notes.md", "text/markdown", "public")
    assert guide["name"] == "User guide ä.pdf"
    assert reader.get(f"{PATH}/Notes.md").json() == notes
    assert reader.get(f"{PATH}/User%20guide%20%C3%A4.pdf").json() == guide


@pytest.mark.parametrize("form, disposition", [("file", "attachment; filename*=UTF-8''Notes.md"),
                                               ("content", None)])
def test_document_is_read_through_a_redirect(reader, form, disposition):
    answer = reader.get(f"{PATH}/Notes.md/{form}")
    assert (answer.status_code, answer.content) == (307, b"")
    assert answer.headers["Cache-Control"] == "no-store"
    file = requests.get(answer.headers["Location"], timeout=60)
    assert (file.status_code, file.content) == (200, b"# Notes\n")
    assert file.headers["Content-Type"] == "text/markdown"
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in file.headers["Content-Security-Policy"].split("; ")
    assert file.headers.get("Content-Disposition") == disposition
    changed = answer.headers["Location"].replace("markdown", "html")
    assert requests.get(changed, timeout=60).status_code == 403


@pytest.mark.parametrize("path", ["", "/file", "/content"])
def test_what_is_not_public_does_not_exist(explained, reader, path):
    for name in ("secret.md", "nothing.md", "..", "User%20guide"):
        answer = reader.get(f"{PATH}/{name}{path}")
        assert answer.status_code == 404 and detail(answer), name
    other = "/applications/private/versions/1.0.0/documents"
    assert reader.get(f"{other}/Notes.md{path}").status_code == 404
    assert explained.client("ian", "institute").get(f"{other}/Notes.md{path}").status_code in (200, 307)


def test_unknown_version_is_404_and_one_without_documents_has_none(explained, reader, module_folder):
    for path in ("/applications/explained/versions/2.0.0/documents",
                 "/applications/explained/versions/x/documents",
                 "/applications/nothing/versions/1.0.0/documents",
                 "/applications/private/versions/1.0.0/documents"):
        assert reader.get(path).status_code == 404, path
    explained.register(sample_application.write(module_folder / "applications", "unexplained"))
    answer = reader.get("/applications/unexplained/versions/1.0.0/documents")
    assert (answer.status_code, answer.json()) == (200, [])


def test_another_file_is_stored_when_it_is_registered_again(explained, reader, module_folder):
    folder = write_application(module_folder / "applications", "changing")
    path = "/applications/changing/versions/1.0.0/documents/Notes.md"
    explained.register(folder)
    before = reader.get(path).json()
    explained.register(folder)
    assert reader.get(path).json() == before
    (folder / "notes.md").write_bytes(b"# Corrected\n")
    explained.register(folder)
    after = reader.get(path).json()
    assert after["id"] == before["id"] and after["created_at"] == before["created_at"]
    assert after["updated_at"] > before["updated_at"]
    location = reader.get(f"{path}/content").headers["Location"]
    assert requests.get(location, timeout=60).content == b"# Corrected\n"


# What is wrong with the folder → what the operator is told.
BROKEN = {
    "missing": (lambda place: (place / "notes.md").unlink(), "document 'Notes.md'"),
    "folder": (lambda place: ((place / "notes.md").unlink(), (place / "notes.md").mkdir()),
               "document 'Notes.md'"),
    "link_that_leads_out": (lambda place: ((place / "notes.md").unlink(),
                                           (place / "notes.md").symlink_to("/etc/passwd")),
                            "document 'Notes.md'"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_document_that_is_no_file_of_the_folder_is_refused(explained, module_folder, case):
    change, sentence = BROKEN[case]
    folder = write_application(module_folder / "applications", case.replace("_", "-"))
    change(folder)
    done = explained.slideway("app", "register", folder, check=False)
    assert done.returncode != 0 and sentence in done.stderr


def test_documents_need_an_object_store(explained, module_folder):
    folder = write_application(module_folder / "applications", "storeless")
    done = explained.slideway("app", "register", folder, check=False, SLIDEWAY_OBJECT_STORE="")
    assert done.returncode != 0 and "object store" in done.stderr
    assert explained.client().get("/applications/storeless").status_code == 404


def test_test_app_brings_its_guide(reader):
    path = "/applications/test-app/versions/1.0.0/documents"
    assert [one["name"] for one in reader.get(path).json()] == ["User guide.md"]
    location = reader.get(f"{path}/User%20guide.md/content").headers["Location"]
    text = requests.get(location, timeout=60).content
    assert text == (harness.ROOT / "applications/test-app/1.0.0/guide.md").read_bytes()
    assert b"The labels say nothing about the tissue" in text
