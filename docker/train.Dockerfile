# `officer model` with everything that making models takes; torch lives here and nowhere else. docs/models.md
#   docker build -f docker/train.Dockerfile -t officer-train --build-arg TORCH_INDEX=... .
#   docker run --rm --user "$(id -u)" --volume "$PWD:/work" officer-train prepare sets/a --out prepared
ARG PYTHON_IMAGE=python:3.11-slim

FROM ${PYTHON_IMAGE}
# The index that pytorch.org names for the CPU build; empty takes the usual build, with gigabytes for GPUs.
ARG TORCH_INDEX=""
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore YOLO_AUTOINSTALL=false YOLO_CONFIG_DIR=/tmp
COPY requirements/train.txt /build/
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m pip install --quiet ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch torchvision \
 && python -m pip install --quiet --no-deps --require-hashes -r /build/train.txt
COPY pyproject.toml README.md LICENSE /opt/officer/
COPY models/ppe.onnx models/README.md models/floors.yaml /opt/officer/models/
COPY shared /opt/officer/shared
COPY services /opt/officer/services
COPY officer /opt/officer/officer
RUN python -m pip install --quiet --no-deps --no-build-isolation --no-index -e /opt/officer
USER 10001:10001
WORKDIR /work
ENTRYPOINT ["officer", "model"]
CMD ["--help"]
