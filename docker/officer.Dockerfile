# The command `officer`, for use inside of the network of docker compose. Build from the repository's root: docker build -f docker/officer.Dockerfile .
ARG PYTHON_IMAGE=python:3.11-slim

FROM ${PYTHON_IMAGE} AS packages
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends binutils >/dev/null && rm -rf /var/lib/apt/lists/*
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv --without-pip /opt/officer
COPY requirements/officer.txt /build/
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m pip --python /opt/officer/bin/python install --quiet --no-compile --no-deps --require-hashes -r /build/officer.txt
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
COPY services /build/source/services
COPY officer /build/source/officer
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
    DATA_DIR=/data MODEL_FILE=/opt/officer/models/ppe.onnx
ARG VERSION=0 REVISION=unknown
LABEL org.opencontainers.image.title="AI Safety Compliance Officer: command line" \
      org.opencontainers.image.description="Checks what the services need, and reads what they made" \
      org.opencontainers.image.licenses="AGPL-3.0-only" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
USER 10001:10001
WORKDIR /data
ENTRYPOINT ["python", "-m", "officer"]
CMD ["--help"]
