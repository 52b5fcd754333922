# The detection service. Build from the repository's root: docker build -f docker/detection.Dockerfile .
# What is in it and why: docs/compose.md
ARG PYTHON_IMAGE=python:3.11-slim

FROM ${PYTHON_IMAGE} AS packages
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends binutils >/dev/null && rm -rf /var/lib/apt/lists/*
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv --without-pip /opt/officer
COPY requirements/detection.txt /build/
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m pip --python /opt/officer/bin/python install --quiet --no-compile --no-deps --require-hashes -r /build/detection.txt
# GPU=1 makes an image for BACKEND=cuda, larger by gigabytes. Both builds of ONNX Runtime are one folder, so one must go first.
ARG GPU=""
COPY requirements/gpu.txt /build/
RUN --mount=type=cache,target=/root/.cache/pip \
    test -z "$GPU" || { python -m pip --python /opt/officer/bin/python uninstall --quiet --yes onnxruntime \
 && python -m pip --python /opt/officer/bin/python install --quiet --no-compile --no-deps --require-hashes -r /build/gpu.txt; }
COPY docker/prune.py /build/
RUN python /build/prune.py /opt/officer/lib/python3.11/site-packages \
 && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/officer/lib

FROM packages AS service
COPY requirements/image.txt /build/
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m venv /build/tools && /build/tools/bin/pip install --quiet --no-deps --require-hashes -r /build/image.txt
COPY pyproject.toml README.md LICENSE /build/source/
RUN /build/tools/bin/cyclonedx-py environment --pyproject /build/source/pyproject.toml --output-reproducible --of JSON \
      -o /build/sbom.cdx.json /opt/officer/bin/python
COPY shared /build/source/shared
COPY services/__init__.py /build/source/services/
COPY services/detection /build/source/services/detection
RUN /build/tools/bin/pip install --quiet --no-compile --no-deps --no-build-isolation --no-index --target /build/service /build/source \
 && python -m compileall -q --invalidation-mode unchecked-hash /build/service

FROM ${PYTHON_IMAGE}
RUN groupadd --gid 10001 officer && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin officer \
 && install -d -o officer -g officer /data
COPY --from=packages /opt/officer /opt/officer
COPY models/ppe.onnx models/README.md /opt/officer/models/
COPY --from=service /build/sbom.cdx.json /usr/share/sbom/
COPY --from=service /build/service /opt/officer/lib/python3.11/site-packages
ENV PATH=/opt/officer/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONSAFEPATH=1 \
    DATA_DIR=/data MODEL_FILE=/opt/officer/models/ppe.onnx HEALTH_HOST=0.0.0.0 HEALTH_PORT=9100
ARG VERSION=0 REVISION=unknown
LABEL org.opencontainers.image.title="AI Safety Compliance Officer: detection" \
      org.opencontainers.image.description="Watches cameras and puts violations, each with its picture, on a queue" \
      org.opencontainers.image.licenses="AGPL-3.0-only" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
USER 10001:10001
WORKDIR /data
EXPOSE 9100
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-m", "services.detection", "healthcheck"]
CMD ["python", "-m", "services.detection"]
