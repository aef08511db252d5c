"""Each format as its program writes it, and what is wrong in a file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from superanimal.behavior import annotations_by_video, read_annotations
from superanimal.errors import FormatError, InputError, NotFoundError

BORIS_PROJECT = {
    "project_format_version": "7.0",
    "behaviors_conf": {
        "0": {"type": "State event", "code": "rear", "key": "r"},
        "1": {"type": "Point event", "code": "bite", "key": "b"},
    },
    "subjects_conf": {},
    "observations": {
        "day1": {
            "file": {"1": ["/v/day1.mp4"], "2": []},
            "time offset": 0.0,
            "events": [
                [1.5, "a", "rear", "", ""], [2.0, "No focal subject", "bite", "", ""],
                [2.5, "a", "rear", "", ""],
            ],
        }
    },
}  # fmt: skip
OLD_TABULAR = """Observation id,o1,,,
,,,,
Media file(s),,,,
Player #1,/v/day1.avi,,,
Time offset (s),0.0,,,
variable,value,,,
Time,Media file path,FPS,Subject,Behavior,Behavioral category,Comment,Status
1.500,/v/day1.avi,30,a,rear,,,START
2.000,/v/day1.avi,30,,bite,,,POINT
2.500,/v/day1.avi,30,a,rear,,,STOP
"""
TABULAR = """Observation id;Time offset (s);Subject;Behavior;Behavior type;Time;Media file name
o1;0;a;rear;START;1.5;day1.mp4
o1;0;No focal subject;bite;POINT;0:00:02.0;day1.mp4
o1;0;a;rear;STOP;2.5;day1.mp4
"""
AGGREGATED = """Observation id\tSubject\tBehavior\tBehavior type\tStart (s)\tStop (s)\tDuration (s)
o1\ta\trear\tSTATE\t1.5\t2.5\t1.0
o1\tNo focal subject\tbite\tPOINT\t2.0\tNA\tNA
"""
VIA = {
    "project": {"vid_list": ["1"]},
    "attribute": {"1": {"aname": "behaviour", "type": 4, "options": {"0": "rear", "1": "bite"}}},
    "file": {"1": {"fid": "1", "fname": "day1.mp4"}},
    "view": {"1": {"fid_list": ["1"]}},
    "metadata": {
        "1_a": {"vid": "1", "z": [1.5, 2.5], "xy": [], "av": {"1": "0"}},
        "1_b": {"vid": "1", "z": [2.0], "xy": [], "av": {"1": "1"}},
        "1_c": {"vid": "1", "z": [2.0], "xy": [2, 5, 5, 9, 9], "av": {"1": "1"}},
    },
}
VIA_CSV = """# Exported using VGG Image Annotator
# ATTRIBUTE = {"1":{"aname":"behaviour","type":4,"options":{"0":"rear","1":"bite"}}}
# CSV_HEADER = metadata_id,file_list,flags,temporal_coordinates,spatial_coordinates,metadata
"1_a","[""day1.mp4""]",0,"[1.5,2.5]","[]","{""1"":""0""}"
"1_b","[""day1.mp4""]",0,"[2.0]","[]","{""1"":""1""}"
"""
REAR, BITE = [1.5, 2.5, "rear"], [2.0, 2.0, "bite"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p.boris", json.dumps(BORIS_PROJECT)), ("old.csv", OLD_TABULAR), ("tab.csv", TABULAR),
        ("agg.tsv", AGGREGATED), ("via.json", json.dumps(VIA)), ("via.csv", VIA_CSV),
        ("times.csv", "start_s,end_s,label,subject\n2,2,bite,\n1.5,2.5,rear,a\n"),
        ("bare.csv", "Start;Stop;Behaviour\n1.5;2.5;rear\n2.0;2.0;bite\n"),
    ],
)  # fmt: skip
def test_bouts_in_seconds(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    table = read_annotations(tmp_path / name)
    assert table[["start_s", "end_s", "label"]].to_numpy().tolist() == [REAR, BITE]
    if name not in ("via.json", "via.csv", "bare.csv"):
        assert table["individual"].tolist() == ["a", ""]


def test_caltech_streams_count_frames_from_1(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text(
        "Caltech Behavior Annotator - Annotation File\n\nConfiguration file:\nbase\tz\n\n"
        "S1:\tstart\tend\ttype\n-----------------------------\n   \t1\t10\tbase\n   \t11\t20\trear\n\n"
        "S2:\tstart\tend\ttype\n-----------------------------\n   \t1\t20\tbase\n\n"
    )
    table = read_annotations(tmp_path / "c.txt", fps=10)
    assert table[["start_s", "end_s", "label", "stream"]].to_numpy().tolist() == [
        [0.0, 1.0, "base", "S1"], [0.0, 2.0, "base", "S2"], [1.0, 2.0, "rear", "S1"],
    ]  # fmt: skip
    with pytest.raises(FormatError, match=r"without a frame rate.*fps=30"):
        read_annotations(tmp_path / "c.txt")


@pytest.mark.parametrize(("rows", "start_s"), [("11\t20\t10", 1.0), ("1.0\t2.0\t1.0", 1.0)])
def test_bento_in_frames_or_seconds(tmp_path: Path, rows: str, start_s: float) -> None:
    (tmp_path / "b.annot").write_text(
        "Bento annotation file\nMovie file(s): /v/day1.mp4\n\nStimulus name: \nAnnotation start frame: 1\n"
        "Annotation stop frame: 100\nAnnotation framerate: 10.000000\n\nList of channels:\nCh1\n\n"
        f"List of annotations:\nrear\n\nCh1----------\n>rear\nStart\t Stop\t Duration \n{rows}\n\n"
    )
    table = read_annotations(tmp_path / "b.annot")
    assert table.iloc[0].tolist() == [start_s, 2.0, "rear", "", "", "", "Ch1"]


def test_simba_targets_stand_after_features(tmp_path: Path) -> None:
    frame = pd.DataFrame({"Nose_x": [1.5] * 6, "Nose_y": [1.5] * 6, "Nose_p": [1.0] * 6,
                          "speed": [0, 1, 2, 0, 1, 0],
                          "Low_prob_detections_0.1": 0, "Probability_rear": 0.3, "rear": [0, 1, 1, 0, 0, 1],
                          "bite": [0, 0, 1, 0, 0, 0]})  # fmt: skip
    frame.to_csv(tmp_path / "t.csv")
    table = read_annotations(tmp_path / "t.csv", fps=2)
    assert table[["start_s", "end_s", "label"]].to_numpy().tolist() == [
        [0.5, 1.5, "rear"], [1.0, 1.5, "bite"], [2.5, 3.0, "rear"],
    ]  # fmt: skip


def test_jabs_keeps_what_was_seen_to_be_absent(tmp_path: Path) -> None:
    blocks = [{"start": 0, "end": 9, "present": True}, {"start": 10, "end": 19, "present": False}]
    document = {"file": "v.avi", "num_frames": 20, "labels": {"0": {"groom": blocks}}, "labeler": "Bo"}
    (tmp_path / "v.json").write_text(json.dumps(document))
    table = read_annotations(tmp_path / "v.json", fps=10)
    assert table[["start_s", "end_s", "label", "individual", "rater"]].to_numpy().tolist() == [
        [0.0, 1.0, "groom", "0", "Bo"], [1.0, 2.0, "not groom", "0", "Bo"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [",0\n0.0,na\n0.5,walk\n1.0,walk\n1.5,na\n", "frame,label\n0,na\n1,walk\n2,walk\n3,na\n",
     "label\nna\nwalk\nwalk\nna\n", "time_s,walk,na\n0,0,1\n0.5,1,0\n1.0,1,0\n1.5,0,1\n"],
)  # fmt: skip
def test_a_row_for_each_frame(tmp_path: Path, text: str) -> None:
    (tmp_path / "f.csv").write_text(text)
    table = read_annotations(tmp_path / "f.csv", fps=2).sort_values("start_s")
    assert table[["start_s", "end_s", "label"]].to_numpy().tolist() == [
        [0.0, 0.5, "na"], [0.5, 1.5, "walk"], [1.5, 2.0, "na"],
    ]  # fmt: skip


def test_labels_in_memory() -> None:
    table = read_annotations(["walk", "walk", "", "rear"], fps=2)
    assert table[["start_s", "end_s", "label"]].to_numpy().tolist() == [[0, 1, "walk"], [1.5, 2, "rear"]]
    frame = pd.DataFrame({"start_frame": [2, 0], "stop_frame": [3, 1], "action": ["rear", "walk"],
                          "agent_id": [1, 2], "target_id": [2, np.nan]})  # fmt: skip
    table = read_annotations(frame, fps=2)
    assert table.iloc[1].tolist() == [1.0, 2.0, "rear", "1", "2", "", ""]


def test_one_video_of_several(tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    path.write_text("video,rater,start_s,end_s,type\nday1,x,0,1,rear\nday2.mp4,x,0,2,rear\n")
    assert list(annotations_by_video(path)) == ["day1", "day2.mp4"]
    assert read_annotations(path, video="/elsewhere/day2.avi")["end_s"].tolist() == [2]
    assert read_annotations(path, video="day1DLC_resnet50.h5")["end_s"].tolist() == [1]
    with pytest.raises(InputError, match=r"labels of 2 videos: day1, day2\.mp4.*video='day1'"):
        read_annotations(path)
    with pytest.raises(NotFoundError, match="no labels of a video 'day3'"):
        read_annotations(path, video="day3.mp4")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("start_s,end_s,label\n1,2,rear\n3,,rear\n", "1 bout is left out.*row 3, from 3"),
        (
            TABULAR.replace("STOP;2.5", "START;2.5"),
            "2 bouts are left out.*row 4: 'rear' at 2.5 s starts again",
        ),
        ("start_s,end_s,label\n1,2,rear\n1.5,3,rear\n", "1 bout overlap.*row 3"),
        ("start_s,end_s,label,mood\n1,2,rear,good\n", "columns not used: mood"),
        (TABULAR.replace(";0;", ";3.5;"), r"time offset \(3.5\)"),
    ],
)
def test_what_is_left_out_is_said(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "x.csv").write_text(text)
    with pytest.warns(UserWarning, match=said):
        read_annotations(tmp_path / "x.csv")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("x.csv", "start_s,end_s,label\n1,2,rear\nsoon,3,rear\n", "row 3: from 'soon' to '3'"),
        ("x.csv", "start_s,end_s,label\n1,2,rear\n4,3,rear\n", "row 3: 'rear' lasts from 4.0 to 3.0 s"),
        ("x.csv", "start_s,end_s,label\n1,2,\n", "row 2: no label"),
        ("x.csv", "start,stop,label\n10,20,rear\n", "start and stop are whole numbers, such as 10"),
        ("x.csv", "start_frame,stop_frame,label\n10,20,rear\n", "without a frame rate"),
        ("x.csv", "start_s,label\n10,rear\n", "a bout has a start and an end or a duration"),
        ("x.csv", "a,b\n1.5,2\n", "the columns are a, b; annotations are BORIS"),
        ("x.csv", "", "is empty"),
        ("x.csv", TABULAR.replace("STOP", "HALT"), "row 4: 'rear' at 2.5 s is 'HALT'"),
        ("x.csv", TABULAR.replace("2.5", "soon"), "row 4: behaviour 'rear' at 'soon'"),
        ("x.json", "{}", "JSON of another kind"),
        ("x.json", '{"labels": {"0": {"a": [{"start": 3}]}}, "num_frames": 4}', "'a' of identity 0, block 0"),
        ("x.txt", "Caltech Behavior Annotator - Annotation File\n\n", "no stream"),
        ("x.txt", "Caltech Behavior Annotator\nS1:\tstart\tend\ttype\n5 2 rear\n", "line 3: 'rear' from"),
        ("x.boris", json.dumps(BORIS_PROJECT).replace('"bite", "", ""', '"fly", "", ""'), "'fly' is not in"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_right_is_refused(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(FormatError, match=said.replace("(", r"\(")):
        read_annotations(tmp_path / name, fps=None if "frame rate" in said else 10)
    with pytest.raises(NotFoundError, match="no such file"):
        read_annotations(tmp_path / "absent.csv")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("label,start_s,end_s\nx,1,2,5\ny,3,4,6\n", "row 2: 4 cells under 3 columns"),
        ("frame,rear\n0,0\n1,1,1\n", "row 3: 3 cells under 2 columns"),
        ("Subject\tBehavior\tBehavior type\tStart (s)\tStop (s)\na\trear\tSTATE\t1.0\n", "row 2: .*1.0 to"),
    ],
)
def test_a_row_of_another_width_is_refused_by_its_number(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(FormatError, match=said):
        read_annotations(path, fps=10)


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("time_s;label\n0,0;rear\n0,5;rear\n1,0;groom\n", [1.0, 1.5]),
        ("start;end;label\n1,5;2,5;rear\n", [2.5]),
        ("start_s,end_s,label\n1,2,rear,\n\n3,4,groom,\n\n", [2.0, 4.0]),
    ],
)
def test_decimal_commas_empty_rows_and_a_last_delimiter(tmp_path: Path, text: str, ends: list[float]) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(text)
    assert read_annotations(path)["end_s"].tolist() == pytest.approx(ends)


def test_an_empty_row_of_a_frame_table_is_a_frame(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("label\nrear\n\ngroom\n")
    assert read_annotations(path, fps=1)[["start_s", "end_s"]].to_numpy().tolist() == [[0, 1], [2, 3]]


def test_rows_that_are_missing_are_not_labelled(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("frame,label\n0,a\n1,a\n500,a\n501,a\n")
    with pytest.warns(UserWarning, match="first before row 4"):
        table = read_annotations(tmp_path / "x.csv", fps=10)
    assert table[["start_s", "end_s"]].to_numpy() == pytest.approx(np.array([[0, 0.2], [50, 50.2]]))
    (tmp_path / "y.csv").write_text("time_s,label\n0.0,a\n0.1,a\n0.3,a\n0.4,a\n")  # a dropped frame
    assert read_annotations(tmp_path / "y.csv")[["start_s", "end_s"]].to_numpy() == pytest.approx(
        np.array([[0, 0.5]])
    )


def test_time_that_goes_back_is_named_by_its_row(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("time_s,label\n0.0,a\n0.2,a\n0.1,a\n")
    with pytest.raises(FormatError, match=r"x\.csv, row 4: time_s is 0\.1"):
        read_annotations(tmp_path / "x.csv")


BENTO = "Bento annotation file\nAnnotation framerate: 10\n\nCh1----------\n>rear\nStart\tStop\tDuration\n"
CALTECH = "Caltech Behavior Annotator - Annotation File\n\nS1:\tstart\tend\ttype\n"
JABS = '{"file": "v.avi", "num_frames": 20, "labels": {"0": {"rear": [{"start": %s, "end": 9}]}}}'


@pytest.mark.parametrize("time", ["1e30", "-3", "nan", "inf", "9" * 400, "1700000000.5"])
@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("x.csv", TABULAR.replace("1.5;", "{};"), "row 2"),
        ("x.tsv", AGGREGATED.replace("2.5\t", "{}\t"), "row 2"),
        ("x.annot", BENTO + "1.0\t2.0\t1.0\n{}\t3.0\t1.0\n", "line 8"),
        ("x.txt", CALTECH + "1\t10\trear\n5\t{}\trear\n", "line 5"),
        ("x.json", JABS.replace("%s", "{}"), "block 0"),
        ("via.json", json.dumps(VIA).replace("1.5", "{}"), "segment '1_a'"),
        ("x.csv", "start_s,end_s,label\n1,2,rear\n{},2.5e8,rear\n", "row 3"),
        ("x.csv", "time_s,label\n0.0,a\n{},a\n", "row 3"),
        ("x.csv", "time_s,label\n0.0,a\n{},\n", "row 3"),
        ("x.csv", "frame,label\n0,a\n{},a\n", "row 3"),
    ],
)  # fmt: skip
def test_an_absurd_time_is_named_by_its_row(
    tmp_path: Path, time: str, name: str, text: str, place: str
) -> None:
    in_json = {"nan": "NaN", "inf": "Infinity"}.get(time, time) if name.endswith(".json") else time
    (tmp_path / name).write_text(text.replace("{}", in_json))
    with pytest.raises(FormatError, match=f"{place}[:,]") as caught:
        read_annotations(tmp_path / name, fps=10)
    assert "Error" not in str(caught.value)
    assert "/" not in str(caught.value).split(place)[-1]
