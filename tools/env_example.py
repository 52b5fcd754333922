"""Writes .env.example from both services' settings: python tools/env_example.py"""

import textwrap
from pathlib import Path

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from services.agent.settings import AgentSettings
from services.detection.settings import DetectionSettings
from shared.config.settings import ServiceSettings, is_secret

PATH = Path(__file__).parents[1] / ".env.example"
HEAD = """\
# Every variable of both services. Copy this file to .env and take the # away where you set something.
# `officer` reads .env from the working folder; what is set in the environment already wins.
# `officer watch` sets DATA_DIR, SITE_FILE and SOURCE by itself; an option that is given wins over its variable.
# A secret NAME may also lie in a file: NAME_FILE=/run/secrets/name (one line break at its end is allowed).
# Variables that the site file names as ${NAME}, such as a camera's password, belong here too; in single quotes if they
# hold a $ or a #.
# `docker compose` reads .env, too. It mounts SITE_FILE and MODEL_FILE, and sets by itself DATA_DIR, SOURCE, STORE,
# QUEUE and their like, the database and the ports: see docs/compose.md.
"""
COMPOSE = """
# --- docker compose alone ---

# what the demo's site file watches; your own SITE_FILE may name it as ${CAMERA_URL}
#CAMERA_URL=rtsp://camera:8554/yard

# MP4 file with H.264 that the demo's camera shows
#CAMERA_CLIP=examples/demo/yard.mp4

# MailDev's page at 127.0.0.1
#MAILDEV_PORT=1080

# LocalStack at 127.0.0.1
#LOCALSTACK_PORT=4566

# Prometheus and Grafana at 127.0.0.1, of the profile observability
#PROMETHEUS_PORT=9090
#GRAFANA_PORT=3000
"""
SECTIONS: dict[str, type[ServiceSettings]] = {
    "Both services": ServiceSettings,
    "Detection: what is watched, and with which model": DetectionSettings,
    "Agent: who writes, where reports and mails go": AgentSettings,
}


def main() -> None:
    PATH.write_text(env_example(), "utf-8")


def env_example() -> str:
    """The text of .env.example."""
    told: set[str] = set()
    parts = [HEAD]
    for title, settings in SECTIONS.items():
        parts.append(f"\n# --- {title} ---\n")
        for name, field in settings.model_fields.items():
            if name not in told:
                told.add(name)
                parts.append(_variable(name.upper(), field))
    parts.append(COMPOSE)
    return "\n".join(parts)


def _variable(name: str, field: FieldInfo) -> str:
    words = f"{field.description or ''}{' (secret)' if is_secret(field) else ''}"
    comment = textwrap.fill(words, 110, initial_indent="# ", subsequent_indent="# ")
    return f"{comment}\n#{name}={_default(field)}\n"


def _default(field: FieldInfo) -> str:
    default = field.default
    if default is None or default is PydanticUndefined:
        return ""
    if isinstance(default, Path):
        return str(default.relative_to(PATH.parent) if default.is_relative_to(PATH.parent) else default)
    if isinstance(default, bool):
        return str(default).lower()
    return (
        ",".join(default)
        if isinstance(default, tuple)
        else f"{default:g}"
        if isinstance(default, float)
        else str(default)
    )


if __name__ == "__main__":
    main()
