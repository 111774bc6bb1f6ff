# docker build -t fairway . && docker run -p 3000:3000 -v fairway:/var/lib/fairway --stop-timeout 30 fairway
# docs/operations.md says more.
FROM node:22-bookworm-slim AS build
WORKDIR /opt/fairway
COPY . .
RUN npm ci --no-audit --no-fund && npm run build && npm prune --omit=dev --no-audit --no-fund

FROM node:22-bookworm-slim
# Process 1 must collect processes that lost their parent, those of a PostgreSQL that was killed for instance.
RUN apt-get update && apt-get install -y --no-install-recommends tini && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/fairway
COPY --from=build /opt/fairway ./
RUN install -d -o node -g node -m 700 /var/lib/fairway
ENV NODE_ENV=production FAIRWAY_HOST=0.0.0.0 FAIRWAY_DATA_DIR=/var/lib/fairway
VOLUME /var/lib/fairway
EXPOSE 3000
USER node
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.FAIRWAY_PORT || 3000}/readyz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["tini", "--"]
# Not through npm: as process 1's child it does not pass SIGTERM on, and what is under way would be cut.
CMD ["node", "apps/server/dist/cli/main.js", "start"]
