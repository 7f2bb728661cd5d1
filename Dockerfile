# One image for web, worker and beat; docker-compose.yml shows the three commands.
FROM python:3.12-slim-bookworm AS build
WORKDIR /panel
COPY requirements-runtime.lock ./
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements-runtime.lock

FROM python:3.12-slim-bookworm
RUN useradd --system --create-home --home-dir /var/lib/panel panel
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 VAR_DIR=/var/lib/panel
WORKDIR /panel
COPY manage.py pyproject.toml ./
COPY panel panel
COPY billing billing
COPY orders orders
COPY refunds refunds
COPY templates templates
COPY static static
USER panel
# Static files are part of the image. Collecting reads settings but no key and no database.
RUN DATABASE_URL=postgresql://nobody@localhost/none REDIS_URL=redis://localhost python manage.py collectstatic --noinput
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD \
    ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["sh", "-c", "python manage.py check --deploy --fail-level ERROR && exec python -m granian --interface wsgi --no-ws \
    --host 0.0.0.0 --port 8000 --workers ${WEB_WORKERS:-2} --blocking-threads ${WEB_THREADS:-4} --log-level warning \
    --respawn-failed-workers panel.wsgi:application"]
