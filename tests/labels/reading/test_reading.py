"""Readers of labelled data sets, and image names that try to escape from their folder."""

from __future__ import annotations

import json
import shutil

import h5py
import numpy as np
import pandas as pd
import pytest
from labelsets import DATA, make_set, write_images

from superanimal.errors import FormatError, InputError, NotFoundError
from superanimal.formats import save_poses
from superanimal.labels import LabelledSet, from_poses, materialize, read_labels


def deeplabcut_folder(root, video, scorer, columns, values, images=None):
    """Write labels the way DeepLabCut does, with pandas."""
    folder = root / "labeled-data" / video
    files = images or write_images(folder, len(values))
    names = ["scorer", "individuals", "bodyparts", "coords"][-len(columns[0]) - 1 :]
    if len(columns[0]) == 2:
        names = ["scorer", "bodyparts", "coords"]
    frame = pd.DataFrame(
        np.array(values, dtype=float),
        index=pd.MultiIndex.from_tuples([("labeled-data", video, file.name) for file in files]),
        columns=pd.MultiIndex.from_tuples([(scorer, *column) for column in columns], names=names),
    )
    frame.to_hdf(folder / f"CollectedData_{scorer}.h5", key="df_with_missing", mode="w")
    return files


SINGLE = [("nose", "x"), ("nose", "y"), ("tail", "x"), ("tail", "y")]


def test_deeplabcut_project_with_videos_scorers_and_crops(tmp_path):
    deeplabcut_folder(tmp_path, "a", "Ann", SINGLE, [[1, 2, 3, 4], [5, 6, np.nan, np.nan]])
    deeplabcut_folder(tmp_path, "a", "Bob", SINGLE, [[9, 9, 9, 9], [9, 9, 9, 9]])
    deeplabcut_folder(tmp_path, "b", "Ann", SINGLE, [[7, 8, np.nan, np.nan]])
    deeplabcut_folder(tmp_path, "b_cropped", "Ann", SINGLE, [[1, 1, 2, 2]])
    deeplabcut_folder(tmp_path, "a_labeled", "Ann", SINGLE, [[0, 0, 0, 0]])
    (tmp_path / "config.yaml").write_text(
        "scorer: Ann\nbodyparts: [tail, nose]\n"
        "video_sets:\n  /x/a.mp4: {crop: '0, 1, 0, 1'}\n  /x/b_cropped.avi: {}\n"
    )
    got = read_labels(tmp_path, name="mine", licence="CC-BY")
    assert got.keypoints == ("tail", "nose")  # the order of the project
    assert got.video.tolist() == ["a", "a", "b_cropped"]
    np.testing.assert_array_equal(got.xy[0], [[3, 4], [1, 2]])
    assert got.visibility.tolist() == [[2, 2], [0, 2], [2, 2]]
    assert got.source.tolist() == ["mine"] * 3
    assert got.licence.tolist() == ["CC-BY"] * 3
    assert got.pixels(2).shape == (20, 24, 3)
    assert "b: left out, the project uses b_cropped" in got.notes
    assert "a: labels of Bob were not read" in got.notes
    bob = read_labels(tmp_path / "labeled-data" / "a", scorer="Bob")
    assert bob.xy[0, 0].tolist() == [9, 9]
    with pytest.raises(InputError, match=r"labels of Ann, Bob, none of None.*choose one, such as Ann"):
        read_labels(tmp_path / "labeled-data" / "a")


def test_deeplabcut_many_animals_and_unique_points(tmp_path):
    columns = [(i, k, c) for i, k in (("m1", "nose"), ("m2", "nose"), ("single", "corner")) for c in "xy"]
    deeplabcut_folder(
        tmp_path, "a", "Ann", columns, [[1, 2, 3, 4, 5, 6], [np.nan, np.nan, 7, 8, np.nan, np.nan]]
    )
    got = read_labels(tmp_path)
    assert got.individuals.tolist() == ["m1", "m2", "single", "m2"]
    assert got.image_index.tolist() == [0, 0, 0, 1]
    assert got.visibility.tolist() == [[2, -1], [2, -1], [-1, 2], [2, -1]]


def test_deeplabcut_moved_project_and_missing_labels(tmp_path):
    files = deeplabcut_folder(tmp_path / "p", "a", "Ann", SINGLE, [[1, 2, 3, 4]])
    shutil.move(tmp_path / "p" / "labeled-data" / "a", tmp_path / "elsewhere")
    got = read_labels(tmp_path / "elsewhere" / "CollectedData_Ann.h5")
    assert got.images[0].path == str(tmp_path / "elsewhere" / files[0].name)
    assert got.pixels(0).shape == (20, 24, 3)
    (tmp_path / "empty" / "labeled-data").mkdir(parents=True)
    with pytest.raises(FormatError, match=r"no table CollectedData_<scorer>\.h5 or \.csv"):
        read_labels(tmp_path / "empty")


def coco(tmp_path, images=None, annotations=None, **more):
    names = ["nose", "left_ear", "right_ear"]
    document = {
        "images": images or [{"id": 7, "file_name": "img000.png", "license": 3}],
        "annotations": annotations
        or [{"id": 1, "image_id": 7, "category_id": 1, "keypoints": [1, 2, 2] * 3}],
        "categories": [
            {"id": 1, "name": "cat", "keypoints": names},
            {"id": 9, "name": "crab", "keypoints": ["claw"]},
        ],
        "licenses": [{"id": 3, "name": "CC0"}],
        **more,
    }
    (tmp_path / "labels.json").write_text(json.dumps(document))
    return tmp_path / "labels.json"


def test_coco_categories_visibilities_and_layout(tmp_path):
    write_images(tmp_path / "images", 1)
    annotations = [
        {
            "id": 1,
            "image_id": 7,
            "category_id": 1,
            "keypoints": [1, 2, 2, 0, 0, 0, 5, 6, 1],
            "bbox": [0, 1, 9, 8],
        },
        {"id": 2, "image_id": 7, "category_id": 9, "keypoints": [-1, -1, -1], "area": 12.5},
    ]
    got = read_labels(coco(tmp_path, annotations=annotations))
    assert got.keypoints == ("nose", "left_ear", "right_ear", "claw")
    assert got.visibility.tolist() == [[2, 0, 1, -1], [-1, -1, -1, -1]]
    assert got.category.tolist() == ["cat", "crab"]
    assert got.individuals.tolist() == ["animal0", "animal1"]
    assert got.boxes[0].tolist() == [0, 1, 9, 8]
    assert got.area.tolist()[1] == 12.5
    assert got.licence.tolist() == ["CC0"]
    assert got.pixels(0).shape == (20, 24, 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"annotations": [{"id": 1, "image_id": 8, "category_id": 1, "keypoints": [0] * 9}]},
            "image_id 8 is unknown",
        ),
        (
            {"annotations": [{"id": 1, "image_id": 7, "category_id": 1, "keypoints": [1, 2]}]},
            "1: 2 numbers",
        ),
        ({"images": [{"id": 7, "file_name": "../secret.png"}]}, r"a path that leaves it with '\.\.'"),
        ({"images": [{"id": 7, "file_name": "/etc/passwd"}]}, "an absolute path outside it"),
        ({"images": [{"id": 7, "file_name": "C:\\secret.png"}]}, "an absolute path outside it"),
    ],
)
def test_coco_faults(tmp_path, changes, message):
    with pytest.raises(InputError if "path" in message else FormatError, match=message):
        read_labels(coco(tmp_path, **changes), format="coco")


def test_absolute_paths_below_the_named_folder_are_fine(tmp_path):
    (file,) = write_images(tmp_path / "far", 1)
    path = coco(tmp_path, images=[{"id": 7, "file_name": str(file)}])
    assert read_labels(path, images=tmp_path / "far").pixels(0).shape == (20, 24, 3)


def test_missing_images_and_unknown_files(tmp_path):
    got = read_labels(coco(tmp_path))
    with pytest.raises(
        NotFoundError, match=r"image cannot be read.*give the folder of the images \(images=FOLDER\)"
    ):
        got.pixels(0)
    (tmp_path / "img000.png").write_text("not a picture")
    with pytest.raises(InputError, match="not a readable image"):
        got.pixels(0)
    with pytest.raises(NotFoundError, match="no such file or folder"):
        read_labels(tmp_path / "nothing")
    (tmp_path / "poem.doc").write_text("roses")
    with pytest.raises(FormatError, match="not recognised: text"):
        read_labels(tmp_path / "poem.doc")
    with pytest.raises(InputError, match="label format 'voc'"):
        read_labels(tmp_path, format="voc")
    with pytest.raises(InputError, match=r"scorer 'x'.*coco labels take none"):
        read_labels(tmp_path / "labels.json", scorer="x")


def label_studio(tmp_path, regions):
    task = {
        "id": 5,
        "data": {"img": "/data/upload/1/3f2a99c1-img000.png"},
        "annotations": [{"result": regions}],
    }
    (tmp_path / "export.json").write_text(json.dumps([task]))
    return tmp_path / "export.json"


def region(kind, key, parent=None, **value):
    return {
        "id": key, "type": kind, "parentID": parent, "original_width": 24, "original_height": 20,
        "value": value,
    }  # fmt: skip


def test_label_studio(tmp_path):
    write_images(tmp_path, 1)
    regions = [
        region("rectanglelabels", "r1", x=0, y=0, width=50, height=100, rectanglelabels=["mouse"]),
        region("rectanglelabels", "r2", x=50, y=0, width=50, height=100, rectanglelabels=["mouse"]),
        region("keypointlabels", "k1", "r1", x=25, y=50, width=1, keypointlabels=["nose"]),
        region("keypointlabels", "k2", "r2", x=75, y=50, width=1, keypointlabels=["nose"]),
        region("keypointlabels", "k3", "r2", x=100, y=0, width=1, keypointlabels=["tail"]),
    ]
    got = read_labels(label_studio(tmp_path, regions))
    assert got.keypoints == ("nose", "tail")
    np.testing.assert_allclose(got.xy[:, 0], [[5.5, 9.5], [17.5, 9.5]])
    assert got.visibility.tolist() == [[2, 0], [2, 2]]
    assert got.boxes[1].tolist() == [11.5, -0.5, 12, 20]
    assert got.pixels(0).shape == (20, 24, 3)
    loose = [dict(r, parentID=None) for r in regions if r["type"] == "keypointlabels"]
    with pytest.raises(FormatError, match="task 5 has two points 'nose' for one animal"):
        read_labels(label_studio(tmp_path, loose))


def test_sleap_project_on_image_files(tmp_path):
    import sleap_io

    files = write_images(tmp_path / "frames", 2)
    video = sleap_io.Video.from_filename([str(file) for file in files])
    skeleton = sleap_io.Skeleton(["nose", "tail"])
    points = np.array([[1.0, 2.0], [np.nan, np.nan]])
    frame = sleap_io.LabeledFrame(
        video=video, frame_idx=1, instances=[sleap_io.Instance.from_numpy(points, skeleton=skeleton)]
    )
    sleap_io.save_slp(sleap_io.Labels([frame]), str(tmp_path / "p.slp"), verbose=False)
    shutil.move(tmp_path / "frames", tmp_path / "moved")
    got = read_labels(tmp_path / "p.slp", images=tmp_path / "moved")
    assert got.images[0].path == str(tmp_path / "moved" / "img001.png")
    assert got.visibility.tolist() == [[2, 0]]
    np.testing.assert_array_equal(got.xy[0, 0], [1, 2])
    assert got.pixels(0).shape == (20, 24, 3)


def test_tidy_table_and_selected_keypoints(tmp_path):
    write_images(tmp_path, 2)
    (tmp_path / "t.csv").write_text(
        "image,frame,individual,keypoint,x,y\n"
        "img000.png,0,a,nose,1,2\nimg001.png,1,a,nose,3,4\nimg001.png,1,a,tail,5,6\n"
    )
    got = read_labels(tmp_path / "t.csv", keypoints=["tail", "nose"])
    assert got.keypoints == ("tail", "nose")
    assert got.visibility.tolist() == [[0, 2], [2, 2]]
    assert got.pixels(1).shape == (20, 24, 3)
    with pytest.raises(NotFoundError, match="unknown keypoint of t 'ear'"):
        read_labels(tmp_path / "t.csv", keypoints=["ear"])


def test_poses_there_and_back(tmp_path, labelled):
    ds = labelled.to_poses()
    again = from_poses(ds, name="lab")
    np.testing.assert_array_equal(again.xy, labelled.xy)
    np.testing.assert_array_equal(again.visibility, labelled.visibility)
    save_poses(ds, tmp_path / "x.nc")
    assert read_labels(tmp_path / "x.nc").n_individuals == labelled.n_individuals
    many = make_set(tmp_path, name="many", animals=3)
    assert many.to_poses().sizes["individual"] == 3
    np.testing.assert_array_equal(from_poses(many.to_poses()).xy, many.xy)


def test_subset_and_extent(labelled):
    part = labelled.subset([3, 0])
    assert [image.path[-7:] for image in part.images] == ["003.png", "000.png"]
    np.testing.assert_array_equal(part.xy[part.animals_of(0)], labelled.xy[labelled.animals_of(3)])
    box = labelled.boxes_or_extent(margin=2)[1]
    np.testing.assert_allclose(box[:2], labelled.xy[1].min(0) - 2)
    np.testing.assert_allclose(box[2:], np.ptp(labelled.xy[1], axis=0) + 4, rtol=1e-5)
    assert labelled.size(0) == (24, 20)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"keypoints": ("a", "a", "b")}, r"keypoints \['a'\] appear more than once"),
        ({"image_index": [0, 1, 2, 4]}, r"image_index 0\.\.4; there are 4 images"),
        ({"xy": np.zeros((4, 3, 2))}, "coordinates and visibility disagree"),
        ({"visibility": np.full((4, 3), 3)}, "-1 undefined, 0 absent"),
        ({"boxes": np.zeros((3, 4))}, r"boxes of lab has shape \(3, 4\); expected \(4, 4\)"),
        ({"split": ["train"]}, "1 values of split; expected 4"),
    ],
)
def test_broken_sets_are_refused(labelled, change, message):
    with pytest.raises(InputError, match=message):
        labelled.with_columns(**change)


@pytest.mark.skipif(not DATA.is_dir(), reason="the real data (../shared/data) are not here")
@pytest.mark.parametrize(
    ("folder", "images", "animals", "keypoints"),
    [
        ("dlc-openfield", 96, 96, 4),
        ("dlc-golden-mouse", 20, 20, 27),
        ("lp-mirror-mouse", 90, 90, 17),
        ("coco-animals/ap10k", 2, 2, 17),
        ("coco-animals/horse10", 3, 3, 22),
    ],
)
def test_real_data_sets(folder, images, animals, keypoints):
    got: LabelledSet = read_labels(DATA / folder)
    assert (len(got), got.n_individuals, len(got.keypoints)) == (images, animals, keypoints)
    height, width = got.pixels(0).shape[:2]
    first = got.xy[got.animals_of(0)]
    inside = np.nan_to_num(first, nan=0.0)
    assert (inside >= -1).all()
    assert (inside <= (width, height)).all()


def test_package_reader_ignores_people_who_labelled_nothing(tmp_path, labelled):
    path = materialize(labelled, tmp_path / "p.pkg.slp", "sleap").path
    got = read_labels(path)
    assert got.notes == ()
    assert got.video.tolist() == ["lab-video"] * 4


def test_a_package_without_its_pictures_is_refused(tmp_path, labelled):
    path = materialize(labelled, tmp_path / "p.pkg.slp", "sleap").path
    with h5py.File(path, "r+") as file:
        del file["video0/video"]
    with pytest.raises(FormatError, match="the pictures video0/video are not in the package"):
        read_labels(path)
