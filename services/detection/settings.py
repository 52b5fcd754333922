"""The detection service's settings, from the environment."""

from pathlib import Path

from pydantic import AwareDatetime, Field

from services.detection.domain.detection import BackendChoice
from shared.config.settings import ServiceSettings, Words

SHIPPED_MODEL = Path(__file__).parents[2] / "models" / "ppe.onnx"


class DetectionSettings(ServiceSettings):
    """What is watched, and with which model."""

    source: str | None = Field(
        None, description="rtsp(s) URL, video file, camera index or folder; else what the site file says"
    )
    camera: Words = Field((), description="watch only these cameras of the site file, separated by commas")
    model_file: Path = Field(SHIPPED_MODEL, description="the PPE model, an .onnx file")
    people_model_file: Path | None = Field(
        None, description="a second model whose classes are joined, for people"
    )
    model_sha256: str | None = Field(
        None, pattern="^[0-9a-f]{64}$", description="refuse a MODEL_FILE with another hash"
    )
    model_registry: str | None = Field(
        None,
        description="run the model in use there in place of MODEL_FILE: a folder or s3://bucket/prefix; read at start",
    )
    shadow_model_file: Path | None = Field(
        None, description="a new .onnx model to try beside MODEL_FILE; it decides nothing (docs/models.md)"
    )
    shadow_share: float = Field(
        0.1, gt=0, le=1, description="of the looks and of the model's time, what the shadow model may take"
    )
    backend: BackendChoice = Field(
        "auto",
        description="what runs the model; auto takes OpenVINO, else ONNX Runtime; cuda is the latter on an NVIDIA GPU",
    )
    threads: int = Field(
        0, ge=0, le=64, description="processor threads for the model; 0 lets the backend choose"
    )
    detect_fps: float = Field(5.0, gt=0, le=60, description="most looks a second for each camera")
    folder_fps: float = Field(
        5.0, gt=0, le=60, description="pictures a second that a folder of pictures stands for"
    )
    recorded_at: AwareDatetime | None = Field(
        None,
        description="when a video file begins, such as 2026-03-04T09:30:00+01:00; else the file's own time",
    )
    save_video: bool = Field(False, description="write DATA_DIR/video/CAMERA.mp4 with everything drawn in")
    show_why: bool = Field(False, description="log each decision with its reason")
    spool_limit_mb: int = Field(
        2048, ge=10, description="room for violations that the cloud has not taken yet"
    )
