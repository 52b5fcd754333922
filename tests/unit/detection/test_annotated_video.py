"""The annotated video shows nobody's face, unless the site says that faces are shown everywhere."""

from datetime import timedelta
from pathlib import Path

import av
import numpy as np

from services.detection.adapters.annotated_video import MOST_WAITING, AnnotatedVideo
from services.detection.domain.detection import Detection
from services.detection.domain.frame import BgrImage, Frame
from services.detection.domain.privacy import face_regions
from services.detection.domain.scene import Look, Scene
from shared.config.site import Camera, Privacy
from tests.unit.detection.camera_run import BARE, SITE, Run, always
from tests.unit.detection.scenes import BEGIN, HALL, VIEW, person, track

WORKER = person()
CAMERA = Camera(id="gate", name="Gate", zones=(HALL,))
[FACE] = face_regions([WORKER], VIEW.width, VIEW.height)


def frame(number: int) -> Frame:
    """A chequered picture: where its detail is gone, it was blurred."""
    rows, columns = np.indices((VIEW.height, VIEW.width)) // 8
    image = np.repeat(((rows + columns) % 2 * 200 + 20).astype(np.uint8)[:, :, None], 3, axis=2)
    return Frame("gate", number, BEGIN + timedelta(seconds=number / 25), number / 25, image)


def look(number: int, worker: Detection) -> Look:
    seen = frame(number)
    scene = Scene(seen.captured_at, seen.offset_s, VIEW, [track(worker)], {1: {}})
    return Look(seen, [worker], scene, [])


def video(path: Path, looks: dict[int, Look], frames: int, blur_faces: bool = True) -> list[BgrImage]:
    writer = AnnotatedVideo(path, CAMERA, lambda: blur_faces)
    for number in range(frames):
        writer.add(frame(number), looks.get(number))
    writer.close()
    with av.open(str(path)) as container:
        return [picture.to_ndarray(format="bgr24") for picture in container.decode(video=0)]


def detail(picture: BgrImage, shift: float = 0.0) -> float:
    x, y = (FACE.x1 + FACE.x2) / 2 + shift, (FACE.y1 + FACE.y2) / 2
    return float(picture[int(y) - 12 : int(y) + 12, int(x) - 12 : int(x) + 12].std())


def test_a_face_is_blurred_in_each_frame_after_the_look_that_saw_it(tmp_path: Path) -> None:
    pictures = video(tmp_path / "a.mp4", {0: look(0, WORKER)}, 21)
    assert len(pictures) == 21
    for number in (0, 1, 10, 20):
        assert detail(pictures[number]) < 20
        assert detail(pictures[number], shift=3 * FACE.width) > 60


def test_a_face_stays_blurred_until_the_next_look_however_late_that_is(tmp_path: Path) -> None:
    """Nobody is tracked who is found only unsurely; while he stands still, the gate opens every 2 s."""
    nobody = Look(frame(60), [], Scene(BEGIN, 2.4, VIEW, [], {}), [])
    pictures = video(tmp_path / "a.mp4", {0: look(0, WORKER), 60: nobody}, 75)
    assert all(detail(picture) < 20 for picture in pictures[:60])
    assert all(detail(picture) > 60 for picture in pictures[60:])


def test_somebody_who_walks_is_blurred_all_the_way_from_look_to_look(tmp_path: Path) -> None:
    step = FACE.width
    pictures = video(tmp_path / "a.mp4", {0: look(0, WORKER), 5: look(5, person(x=WORKER.box.x1 + step))}, 6)
    for number in range(1, 5):
        for share in (0.0, 0.25, 0.5, 0.75, 1.0):
            assert detail(pictures[number], shift=share * step) < 20


def test_somebody_who_comes_in_is_blurred_before_the_first_look_at_him(tmp_path: Path) -> None:
    nobody = Look(frame(0), [], Scene(BEGIN, 0.0, VIEW, [], {}), [])
    pictures = video(tmp_path / "a.mp4", {0: nobody, 20: look(20, WORKER)}, 21)
    assert all(detail(picture) < 20 for picture in pictures[20 - MOST_WAITING : 20])
    assert detail(pictures[5]) > 60  # longer before he was seen, he was not there: the motion gate had opened


def test_faces_are_shown_where_the_site_says_so(tmp_path: Path) -> None:
    assert detail(video(tmp_path / "a.mp4", {0: look(0, WORKER)}, 1, blur_faces=False)[0]) > 60


def test_faces_are_blurred_from_the_frame_on_with_which_a_changed_site_file_is_taken_over(
    tmp_path: Path,
) -> None:
    shown = SITE.model_copy(update={"privacy": Privacy(blur_faces=False)})
    run = Run(always(BARE), site=shown)
    writer = AnnotatedVideo(tmp_path / "a.mp4", CAMERA, lambda: run.pipeline.blurs_faces)
    asked = []
    for number in range(4):
        if number == 2:
            run.pipeline.use(SITE, SITE.cameras[0])
        run.see(number, number + 1)
        asked.append(run.pipeline.blurs_faces)
        writer.add(frame(number), look(number, WORKER))
    writer.close()
    assert asked == [False, False, True, True]
    with av.open(str(tmp_path / "a.mp4")) as container:
        pictures = [picture.to_ndarray(format="bgr24") for picture in container.decode(video=0)]
    assert [detail(picture) < 20 for picture in pictures] == asked
