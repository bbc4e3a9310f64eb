from tests.datasets.conftest import save
from unsee.datasets._loading import load_data


def test_folders_are_classes_in_alphabetical_order(tmp_path, pixels) -> None:
    for name in ("cat/1.png", "cat/2.png", "ant/deep/1.png"):
        save(pixels, tmp_path / name)
    samples = load_data(str(tmp_path))
    assert [(s.id, s.target) for s in samples] == [
        ("ant/deep/1.png", 0), ("cat/1.png", 1), ("cat/2.png", 1),
    ]  # fmt: skip
    assert [s.target for s in load_data(f"image_folder:{tmp_path}")] == [0, 1, 1]
    save(pixels, tmp_path / "loose.png")
    assert {s.id: s.target for s in load_data(str(tmp_path))}["loose.png"] is None
