# Turns a trained .pt into the ONNX file that the services load; torch lives here and nowhere else. docs/models.md
#   docker build -f docker/train.Dockerfile -t officer-train --build-arg TORCH_INDEX=... .
#   docker run --rm --user "$(id -u)" --volume "$PWD:/work" officer-train my.pt my.onnx --name my --version 1.0.0 --longest 480
ARG PYTHON_IMAGE=python:3.11-slim

FROM ${PYTHON_IMAGE}
# The index that pytorch.org names for the CPU build; empty takes the usual build, with gigabytes for GPUs.
ARG TORCH_INDEX=""
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore YOLO_AUTOINSTALL=false YOLO_CONFIG_DIR=/tmp PYTHONPATH=/opt/officer
COPY requirements/train.txt /build/
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m pip install --quiet ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch torchvision \
 && python -m pip install --quiet --no-deps --require-hashes -r /build/train.txt
COPY tools/__init__.py tools/export_model.py /opt/officer/tools/
USER 10001:10001
WORKDIR /work
ENTRYPOINT ["python", "-m", "tools.export_model"]
CMD ["--help"]
