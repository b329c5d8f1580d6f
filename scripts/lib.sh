# Shared by up, test and bench: installs what is missing by package name, and builds.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
jobs=${PANDUN_JOBS:-$(nproc)}

build_packages=(build-essential cmake ninja-build ccache mold pkg-config python3 git ca-certificates
  libfmt-dev libxxhash-dev libsodium-dev zlib1g-dev libsqlite3-dev libsimdjson-dev libtomlplusplus-dev libboost1.81-dev libboost-json1.81-dev
  libssl-dev libpsl-dev libidn2-dev libicu-dev libcli11-dev libjemalloc-dev libxgboost-dev libgtest-dev libgmock-dev)
test_packages=(clang-14 libclang-rt-14-dev clang-format-14 clang-tidy-14 llvm-14 chromium fonts-noto-cjk sqlite3 curl
  libosip2-dev libsofia-sip-ua-dev sip-tester kamailio kannel python3-pip python3-setuptools python3-wheel)
bench_packages=(wrk gawk kamailio)

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }

install_packages() {
  local missing=() name
  for name in "$@"; do
    dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || missing+=("$name")
  done
  if ! command -v node >/dev/null; then missing+=(nodejs); fi
  if ! command -v npm >/dev/null; then missing+=(npm); fi
  [ ${#missing[@]} -eq 0 ] && return 0
  say "installing: ${missing[*]}"
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "pandun: run as root, or install sudo: needed to install ${missing[*]}" >&2; exit 6; }
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# npm_install DIR: `npm ci`, once for each state of the lock file.
npm_install() {
  local stamp="$1/node_modules/.pandun-lock"
  if ! cmp -s "$1/package-lock.json" "$stamp" 2>/dev/null; then
    say "npm ci in $1"
    npm ci --prefix "$1" --no-audit --no-fund --loglevel=error
    cp "$1/package-lock.json" "$stamp"
  fi
}

# Protocol peers in Python, for tests: hashes pinned, kept in the folder. Tests that need them say so where they are missing.
python_peers() {
  local wanted=tests/peers/requirements.txt into=tests/peers/python
  cmp -s "$wanted" "$into/.pandun-lock" && return 0
  say "installing Python peers"
  if python3 -m pip install --quiet --no-deps --no-build-isolation --require-hashes --root-user-action=ignore --target "$into" -r "$wanted"; then
    cp "$wanted" "$into/.pandun-lock"
  else
    say "Python peers could not be fetched: tests that speak with them are skipped"
  fi
}

build_console() {
  npm_install console
  if [ ! -f console/dist/index.html ] || [ -n "$(find console/src console/index.html console/public console/package.json src/api/openapi.json \
      -newer console/dist/index.html -print -quit 2>/dev/null)" ]; then
    say "building the console"
    npm run --prefix console --silent build
  fi
}

# build PRESET [CMAKE-OPTION…] -- [TARGET…]
build() {
  local preset=$1 options=() ; shift
  while [ $# -gt 0 ] && [ "$1" != "--" ]; do options+=("$1"); shift; done
  [ $# -gt 0 ] && shift
  say "building $preset"
  cmake --preset "$preset" "${options[@]}" >"/tmp/pandun-configure-$preset.log" 2>&1 || { cat "/tmp/pandun-configure-$preset.log" >&2; exit 3; }
  local log="build/$preset/build.log"
  ninja -C "build/$preset" -j "$jobs" "$@" >"$log" 2>&1 || { grep -vE '^\[[0-9]+/[0-9]+\] (Building|Linking|Running)' "$log" | head -80 >&2; exit 3; }
}
