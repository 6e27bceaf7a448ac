# One image for every role: a node, the command line, and the shop that the examples aim at.
#   docker build -t tutti .
# Off the public registry, name another image that has Node.js 22.18 or later, npm, sh and nice:
#   docker build --build-arg NODE_IMAGE=registry.example/node:24 -t tutti .
ARG NODE_IMAGE=docker.io/library/node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY node/package.json node/
# The base has Node.js, so npm's packages of it (the only optional ones) stay out; so does what only a compiler or a debugger reads.
RUN npm ci --workspace tutti --omit=dev --omit=optional --loglevel=error \
  && find . -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.md' \) -delete \
  && mkdir /data /compiled \
  && chown 1000:1000 /data /compiled

FROM ${NODE_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="tutti" \
  org.opencontainers.image.description="One HTTP load test from many machines, as if they were one" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
# UV_THREADPOOL_SIZE and the rest of how Node.js is started stand in node/bin/tutti.
ENV NODE_ENV=production \
  NODE_COMPILE_CACHE=/app/.compiled \
  CLUSTER_DATA_DIR=/data
WORKDIR /app
COPY --from=dependencies /app ./
COPY --from=dependencies --chown=1000:1000 /compiled .compiled
COPY --from=dependencies --chown=1000:1000 /data /data
COPY LICENSE ./
COPY proto proto
COPY examples examples
COPY node node
RUN ln -s /app/node/bin/tutti /usr/local/bin/tutti
# In numbers, so that Kubernetes can see that it is not root.
USER 1000:1000
# What is compiled now need not be compiled at every start of a container, which could not keep it on a read-only root file system.
RUN tutti --version \
  && node --disable-warning=ExperimentalWarning --input-type=module --eval \
  "for (const part of ['cli/is-alive', 'cli/submit', 'node/run', 'generator/process']) await import('/app/node/src/' + part + '.ts')"
VOLUME ["/data"]
EXPOSE 7000 8080
STOPSIGNAL SIGTERM
# That the process answers, cluster or not: without a majority it must not be killed, but wait for one.
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 CMD ["node", "/app/node/src/cli/is-alive.ts"]
ENTRYPOINT ["tutti"]
CMD ["node"]
