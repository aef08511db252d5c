"""What is written reads back the same, for every format that can hold it; interrupted runs go on."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from labelsets import make_set, write_images

from superanimal.errors import Cancelled, FormatError, InputError, StorageError
from superanimal.formats.wide_table import frame_of_image
from superanimal.labels import ImageRef, LabelledSet, concatenate, materialize, read_labels, synthetic_labels
from superanimal.labels.splits import image_key
from superanimal.poses import load_space
from superanimal.progress import Progress

DEST = {"coco": "c", "deeplabcut": "d", "sleap": "p.pkg.slp", "store": "s.labels.zarr"}
UNDEFINED_LOST = "which keypoints a source does not define (they become 'not labelled')"


def pixel_hash(labelled: LabelledSet, i: int) -> str:
    return hashlib.sha256(labelled.pixels(i).tobytes()).hexdigest()


def animals(labelled: LabelledSet, *, exact: bool) -> dict:
    """Return what is known of every animal, by image content and name; only its points when not exact."""
    found = {}
    for m, i in enumerate(labelled.image_index.tolist()):
        flags = labelled.visibility[m] if exact else (labelled.visibility[m] > 0).astype(np.int8) * 2
        known = [labelled.xy[m].tobytes(), flags.tobytes()]
        if exact:
            known += [labelled.boxes[m].tobytes(), labelled.area[m].tobytes(), labelled.category[m]]
            known += [getattr(labelled, key)[i] for key in ("source", "licence", "split", "video")]
        found[pixel_hash(labelled, i), labelled.individuals[m]] = tuple(known)
    return found


def reorder_keypoints(labelled: LabelledSet, names: tuple[str, ...]) -> LabelledSet:
    order = [labelled.keypoints.index(name) for name in names]
    return labelled.with_columns(
        keypoints=names, xy=labelled.xy[:, order], visibility=labelled.visibility[:, order]
    )


@st.composite
def labelled_sets(draw):
    """Draw everything but the pictures: animals on four images, all visibilities, with and without boxes."""
    count = draw(st.integers(1, 6))
    index = draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
    flags = draw(st.lists(st.sampled_from([-1, 0, 1, 2]), min_size=3 * count, max_size=3 * count))
    numbers = st.floats(-50, 3000, width=32)
    xy = np.array(draw(st.lists(numbers, min_size=6 * count, max_size=6 * count)), dtype=np.float32)
    boxes = np.array(draw(st.lists(st.floats(0, 500, width=32), min_size=4 * count, max_size=4 * count)))
    boxed = np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    text = st.sampled_from(["", "train", "test", "a b", "日本", "x/y"])
    visibility = np.array(flags, dtype=np.int8).reshape(count, 3)
    visibility[:, 0] = (
        np.abs(visibility[:, 0]) + 1 if not draw(st.booleans()) else 2
    )  # every animal has a point
    visibility = np.clip(visibility, -1, 2)
    order: dict[int, int] = {}
    names = []
    for i in index:
        order[i] = order.get(i, -1) + 1
        names.append(f"animal{order[i]}")
    return {
        "image_index": np.array(index),
        "visibility": visibility,
        "xy": np.where((visibility > 0)[..., None], xy.reshape(count, 3, 2), np.nan),
        "boxes": np.where(boxed[:, None], boxes.reshape(count, 4), np.nan),
        "area": np.where(boxed, 7.25, np.nan),
        "individuals": names,
        "category": draw(st.lists(st.sampled_from(["mouse", "rat"]), min_size=count, max_size=count)),
        "split": draw(st.lists(st.sampled_from(["", "train", "test"]), min_size=4, max_size=4)),
        "licence": draw(st.lists(text, min_size=4, max_size=4)),
        "video": draw(st.lists(text, min_size=4, max_size=4)),
    }


@pytest.mark.parametrize("to", DEST)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(columns=labelled_sets(), mode=st.sampled_from(["link", "copy"]))
def test_written_and_read_is_the_same(tmp_path_factory, to, columns, mode):
    folder = tmp_path_factory.mktemp("set")
    files = write_images(folder / "images", 4)
    whole = LabelledSet("lab", ("nose", "left_ear", "tail"), [ImageRef(str(f)) for f in files], **columns)
    written = materialize(whole, folder / DEST[to], to, images=mode)
    again = reorder_keypoints(read_labels(written.path), whole.keypoints)
    exact = to in ("coco", "store")
    assert len(again) == len(whole)
    assert animals(again, exact=exact) == animals(whole, exact=exact)
    lost = " ".join(written.lost)
    if exact:
        assert written.lost == ()
    else:
        assert (UNDEFINED_LOST in written.lost) == bool((whole.visibility == -1).any())
        assert ("hidden" in lost) == bool((whole.visibility == 1).any())
        assert ("boxes" in lost) == bool(np.isfinite(whole.boxes).any())
        assert ("splits" in lost) == any(whole.split)
        assert ("licences" in lost) == any(whole.licence)
        assert ("kinds of animals" in lost) == (len(set(whole.category)) > 1)


@pytest.mark.parametrize("to", DEST)
def test_an_interrupted_run_goes_on(tmp_path, to, monkeypatch):
    monkeypatch.setattr("superanimal.labels.packed.PART", 4)
    monkeypatch.setattr("superanimal.labels.writing.store.PART", 4)
    monkeypatch.setattr("superanimal.labels.writing.sleap.CHECKPOINT", 4)
    monkeypatch.setattr("superanimal.labels.writing.job.CHECKPOINT", 4)
    whole = make_set(tmp_path, images=90)

    class Stop(Progress):
        def advance(self, n: int = 1) -> None:
            super().advance(n)
            if self.done == 70:
                self.cancel()

    dest = tmp_path / DEST[to]
    with pytest.raises(Cancelled):
        materialize(whole, dest, to, images="copy", progress=Stop())

    class Watch(Progress):
        first: int | None = None

        def advance(self, n: int = 1) -> None:
            super().advance(n)
            Watch.first = self.done if Watch.first is None else Watch.first

    straight = tmp_path / f"other-{DEST[to]}"
    written = materialize(whole, dest, to, images="copy", progress=Watch())
    materialize(whole, straight, to, images="copy")
    assert Watch.first >= 4  # what was there was not written again
    assert animals(read_labels(written.path), exact=False) == animals(read_labels(straight), exact=False)
    assert animals(read_labels(written.path), exact=False) == animals(whole, exact=False)


@pytest.mark.parametrize("to", DEST)
def test_a_finished_data_set_is_not_changed_silently(tmp_path, to, labelled):
    dest = tmp_path / DEST[to]
    materialize(labelled, dest, to)
    materialize(labelled, dest, to)  # the same again is fine
    other = labelled.subset([0, 1])
    with pytest.raises(StorageError, match=r"replace it \(overwrite=True\)"):
        materialize(other, dest, to)
    assert len(read_labels(materialize(other, dest, to, overwrite=True).path)) == 2


def test_a_folder_of_something_else_is_left_alone(tmp_path, labelled):
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "precious.txt").write_text("x")
    with pytest.raises(StorageError, match="exists and was not written by this program"):
        materialize(labelled, tmp_path / "c", "coco", overwrite=True)
    assert [file.name for file in (tmp_path / "c").iterdir()] == ["precious.txt"]


def test_wrong_targets(tmp_path, labelled):
    with pytest.raises(InputError, match="target format 'voc'; it is one of coco, deeplabcut, sleap, store"):
        materialize(labelled, tmp_path / "x", "voc")
    with pytest.raises(InputError, match="images='move'"):
        materialize(labelled, tmp_path / "x", images="move")
    with pytest.raises(StorageError, match=r"a store ends with \.labels\.zarr"):
        materialize(labelled, tmp_path / "x", "store")
    with pytest.raises(StorageError, match=r"ends with \.pkg\.slp"):
        materialize(labelled, tmp_path / "x", "sleap")
    with pytest.raises(InputError, match="has no images"):
        materialize(labelled.subset([]), tmp_path / "x")


def test_images_are_linked_or_copied(tmp_path, labelled):
    for mode in ("link", "copy"):
        done = materialize(labelled, tmp_path / mode, "coco", images=mode)
        files = sorted((done.path / "images").rglob("*.png"))
        assert len(files) == len(labelled)
        assert all(file.is_symlink() == (mode == "link") for file in files)


def test_coco_follows_the_standard(tmp_path, labelled):
    space = load_space("topviewmouse")
    done = materialize(labelled, tmp_path / "c", "coco", space=space)
    document = json.loads(done.files[0].read_text())
    (category,) = document["categories"]
    assert category["id"] == 1
    assert category["keypoints"] == list(labelled.keypoints)
    first = document["annotations"][0]
    assert first["keypoints"][:3] == [0, 0, 0]
    assert first["num_keypoints"] == 2
    assert {"bbox", "area", "iscrowd", "image_id", "category_id", "id"} <= first.keys()
    assert document["images"][0]["width"] == 24


def test_deeplabcut_project_has_no_unknown_keys(tmp_path):
    import yaml

    parts = [make_set(tmp_path, name=name, seed=n, animals=1 + n) for n, name in enumerate(("one", "two"))]
    done = materialize(concatenate(parts, name="both"), tmp_path / "d", "deeplabcut")
    config = yaml.safe_load((done.path / "config.yaml").read_text())
    assert config["bodyparts"] == "MULTI!"
    assert config["multianimalbodyparts"] == ["nose", "left_ear", "right_ear"]
    assert sorted(folder.name for folder in (done.path / "labeled-data").iterdir()) == [
        "one_one-video",
        "two_two-video",
    ]
    assert {Path(v).name for v in config["video_sets"]} == {"one_one-video.mp4", "two_two-video.mp4"}


def test_sleap_reads_our_package(tmp_path, labelled):
    import sleap_io

    done = materialize(labelled, tmp_path / "p.pkg.slp", "sleap")
    labels = sleap_io.load_slp(str(done.path))
    assert len(labels) == len(labelled)
    assert all(frame.user_instances for frame in labels)
    np.testing.assert_array_equal(labels[1].image, labelled.pixels(1))
    np.testing.assert_allclose(labels[1][0].numpy(), labelled.xy[1])


@pytest.mark.parametrize("to", DEST)
def test_the_skeleton_that_came_along_is_kept(tmp_path, labelled, to):
    edges = (("nose", "right_ear"), ("left_ear", "nose"))
    done = materialize(labelled.with_columns(edges=edges), tmp_path / DEST[to], to)
    assert read_labels(done.path).edges == edges


def test_store_of_a_store_keeps_names_and_bytes(tmp_path, labelled):
    one = read_labels(materialize(labelled, tmp_path / "a.labels.zarr", "store").path)
    two = read_labels(materialize(one, tmp_path / "b.labels.zarr", "store").path)
    assert [image_key(s, 1) for s in (labelled, one, two)] == ["lab|lab/img001.png"] * 3
    np.testing.assert_array_equal(two.pixels(3), labelled.pixels(3))
    with pytest.raises(Exception, match="not a finished store"):
        (tmp_path / "b.labels.zarr" / "zarr.json").write_text(
            '{"zarr_format": 3, "node_type": "group", "attributes": {}}'
        )
        read_labels(tmp_path / "b.labels.zarr")


@pytest.mark.parametrize("key", ["individuals", "image_index", "xy"])
@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_a_store_that_lost_values_is_refused(tmp_path, labelled, key, damage):
    store = materialize(labelled, tmp_path / "a.labels.zarr", "store").path
    [chunk] = [file for file in (store / key / "c").rglob("*") if file.is_file()]
    if damage == "gone":
        chunk.unlink()
    else:
        data = bytearray(chunk.read_bytes())
        data[len(data) // 2] ^= 1
        chunk.write_bytes(data)
    with pytest.raises(FormatError, match=r"a\.labels\.zarr"):
        read_labels(store)


def test_frames_of_a_video_become_files(tmp_path):
    from superanimal.video import VideoWriter

    rng = np.random.default_rng(0)
    with VideoWriter(tmp_path / "v.mp4", 48, 32, fps=10) as writer:
        for _ in range(5):
            writer.write(rng.integers(0, 255, (32, 48, 3), dtype=np.uint8))
    points = np.full((3, 1, 2), 3.0, dtype=np.float32)
    refs = [ImageRef(str(tmp_path / "v.mp4"), frame=k) for k in (1, 0, 1)]
    whole = LabelledSet("v", ("nose",), refs, [0, 1, 2], points, np.full((3, 1), 2), video="v")
    again = read_labels(materialize(whole, tmp_path / "c", "coco").path)
    names = [Path(image.path).name for image in again.images]
    assert names == ["img000001.png", "img000000.png", "2_img000001.png"]
    assert [frame_of_image(name) for name in names] == [1, 0, 1]
    np.testing.assert_array_equal(again.pixels(1), whole.pixels(1))


def test_synthetic_labels_are_repeatable_and_keep_hidden_points(tmp_path):
    one, two = (synthetic_labels(tmp_path / n, 2, size=(96, 128)) for n in "ab")
    np.testing.assert_array_equal(one.xy, two.xy)
    np.testing.assert_array_equal(one.pixels(1), two.pixels(1))
    assert one.pixels(0).shape == (96, 128, 3)
    again = read_labels(materialize(one, tmp_path / "c", "coco").path)
    np.testing.assert_array_equal(again.visibility, one.visibility)
