# Crossfade in a container: `docker build --target runtime .`; the target `sandbox` adds the stand-ins for Sonar and Splynx.

FROM python:3.11.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# Pinned with hashes, and before the code: a change of ours does not fetch them again.
COPY requirements/runtime.txt requirements/build.txt requirements/
RUN python -m venv /opt/crossfade \
    && /opt/crossfade/bin/pip install --require-hashes --requirement requirements/runtime.txt \
    && pip install --require-hashes --requirement requirements/build.txt
COPY pyproject.toml README.md ./
COPY plumbing plumbing
COPY schemas schemas
COPY clients clients
COPY producers producers
COPY processors processors
COPY sinks sinks
COPY reconciliation reconciliation
COPY console console
RUN python -m hatchling build -t wheel -d /wheels \
    && /opt/crossfade/bin/pip install --no-deps --no-index /wheels/*.whl

FROM python:3.11.13-slim-bookworm AS runtime
ENV PATH=/opt/crossfade/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# The folders exist in the image so that a volume mounted there belongs to the user.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin crossfade \
    && install -d -o crossfade -g crossfade /site /passwords /var/lib/crossfade
COPY --from=build /opt/crossfade /opt/crossfade
USER crossfade
WORKDIR /var/lib/crossfade
ENTRYPOINT ["crossfade"]
CMD ["--help"]
# That the program can start. The compose file asks each stage for its own health.
HEALTHCHECK --interval=30s --timeout=15s --start-period=30s CMD ["crossfade", "--help"]

FROM runtime AS sandbox
ENV PYTHONPATH=/opt/sandbox
COPY sandbox /opt/sandbox/sandbox
ENTRYPOINT ["python", "-m"]
CMD ["sandbox.sonar", "--help"]
