#!/bin/sh
# Makes the machine ready and runs one command: test, check, format, demo, bench, bundle or image.
# Written for a machine with nothing but Node.js 20 or later, npm and a POSIX shell; every step that has
# nothing to do is skipped, so that the second run starts at once.
set -eu
cd "$(dirname "$0")/.."

pinned=node_modules/node/bin/node
say() { printf 'waypost: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# Command, Debian package that brings it, what it is needed for. The only such list.
list_tools() {
  cat <<'TABLE'
ip iproute2 network namespaces, veth pairs, addresses and routes
iptables-legacy-restore iptables the iptables data plane, legacy tables
iptables-nft-restore iptables the iptables data plane, nf_tables variant
ipset ipset session affinity without a limit of clients
nft nftables the nftables data plane and side rules
conntrack conntrack removal of stale UDP flows
ipvsadm ipvsadm the IPVS data plane with the standard tool
openssl openssl certificates that the tests of the API client are shown
sysctl procps forwarding inside test namespaces
dig bind9-dnsutils questions to the DNS resolver from a library of others
drill ldnsutils the same, from a second one
kdig knot-dnsutils the same, from a third one
dnsperf dnsperf load on the DNS resolver
ping iputils-ping echo requests to addresses of Services
TABLE
}

# What a kernel without ip_vs makes necessary: the tests of IPVS run in a virtual machine then.
list_vm_tools() {
  cat <<'TABLE'
qemu-system-x86_64 qemu-system-x86 the virtual machine for the tests of IPVS
busybox busybox-static the first program of the virtual machine
modprobe kmod kernel modules in the virtual machine
setpriv util-linux the end of the virtual machine with the tests
ncat ncat SCTP associations through a virtual server
gcc gcc the programs that make load and take it
musl-gcc musl-tools the same, for their C library
TABLE
}

# What the image is made and tried with. Where they are missing, and cannot be installed, its tests are skipped.
list_image_tools() {
  cat <<'TABLE'
mmdebstrap mmdebstrap the root file system of the image
runc runc containers of the image, as a node runs them
TABLE
}

# The tests of the status page look at it with a browser, and are skipped where there is none.
list_browser_tools() {
  cat <<'TABLE'
chromium chromium the status page in a browser
TABLE
}

# $1 is one of the lists above.
list_missing() {
  "$1" | while read -r tool package purpose; do
    command -v "$tool" >/dev/null 2>&1 || printf '%s %s %s\n' "$tool" "$package" "$purpose"
  done
}

# $1 is "required" where the command is of no use without the tools, and "wanted" where it can do a part.
ensure_tools() {
  missing=$(list_missing list_tools)
  [ -n "$missing" ] || return 0
  names=$(printf '%s\n' "$missing" | cut -d ' ' -f 1 | paste -s -d ' ' -)
  packages=$(printf '%s\n' "$missing" | cut -d ' ' -f 2 | sort -u | paste -s -d ' ' -)
  if [ "$(id -u)" -ne 0 ]; then
    [ "$1" = wanted ] || die "this needs root and the commands: $names (Debian packages: $packages)."
    say "going on without the commands: $names. Only root can install them (Debian packages: $packages); tests that need them are skipped."
    return 0
  fi
  command -v apt-get >/dev/null 2>&1 ||
    die "there is no apt-get here; install these commands with the system's own package manager and start again: $names."
  say "installing Debian packages: $packages"
  printf '%s\n' "$missing" | while read -r tool _ purpose; do say "  $tool is missing, needed for $purpose"; done
  install_packages "$packages" ||
    die "apt-get could not install $packages (its own words are above); install them by hand and start again."
  missing=$(list_missing list_tools)
  [ -z "$missing" ] || die "still missing after the installation of $packages: $(printf '%s\n' "$missing" | cut -d ' ' -f 1 | paste -s -d ' ' -)."
}

# Without them a part of the tests is skipped, so nothing ends here.
ensure_vm_tools() {
  if [ -e /sys/module/ip_vs ] || modprobe --dry-run --quiet ip_vs 2>/dev/null; then return 0; fi
  missing=$(list_missing list_vm_tools)
  [ -n "$missing" ] || return 0
  packages=$(printf '%s\n' "$missing" | cut -d ' ' -f 2 | sort -u | paste -s -d ' ' -)
  if [ "$(uname -m)" != x86_64 ]; then
    say "the tests of IPVS are skipped: this kernel has no ip_vs, and the virtual machine that would have it is made for x86_64."
  elif [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    say "the tests of IPVS are skipped: this kernel has no ip_vs, and only root can install a virtual machine, with apt-get (Debian packages: $packages)."
  else
    say "installing Debian packages for a virtual machine, because this kernel has no ip_vs: $packages"
    install_packages "$packages" || say "apt-get could not install $packages (its own words are above); the tests of IPVS are skipped."
  fi
}

# Without what the list $1 names a part is left out, so nothing ends here. $2: what the packages are for; $3: what becomes of that
# where they cannot be had.
ensure_extra() {
  missing=$(list_missing "$1")
  [ -n "$missing" ] || return 0
  packages=$(printf '%s\n' "$missing" | cut -d ' ' -f 2 | sort -u | paste -s -d ' ' -)
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    say "$3: only root can install what is missing, with apt-get (Debian packages: $packages)."
  else
    say "installing Debian packages for $2: $packages"
    install_packages "$packages" || say "apt-get could not install $packages (its own words are above); $3."
  fi
}

ensure_image_tools() { ensure_extra list_image_tools 'the image' 'the image cannot be made'; }

ensure_browser_tools() {
  ensure_extra list_browser_tools 'the tests of the status page' 'the tests of the status page are skipped'
}

install_packages() {
  # A machine that was just started often still holds the package lock for its own updates.
  apt="apt-get -q -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3"
  $apt update </dev/null || say "apt-get update failed; trying with the package lists that are on the machine"
  # The names are meant to be split.
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive $apt install -y --no-install-recommends $1 </dev/null
}

is_pinned_node() {
  case $("$pinned" --version 2>/dev/null) in
    v24.*) return 0 ;;
    *) return 1 ;;
  esac
}

any_node() { if is_pinned_node; then "$pinned" "$@"; else node "$@"; fi; }

ensure_modules() {
  command -v npm >/dev/null 2>&1 || die "npm is missing; install Node.js 20 or later with npm (Debian package: npm)."
  if is_pinned_node || command -v node >/dev/null 2>&1; then :; else
    die "node is missing; install Node.js 20 or later with npm (Debian packages: nodejs npm)."
  fi
  if ! reason=$(any_node scripts/compare-install.mjs .); then
    say "installing npm packages with npm ci ($reason)"
    # Only errors: with an older Node npm warns of every package that wants the newer one, which it is about to get.
    npm ci --include=dev --no-audit --no-fund --loglevel=error </dev/null ||
      die "npm ci could not install the packages of package-lock.json (its own words are above); is the npm registry reachable?"
  fi
  is_pinned_node && return 0
  # npm may be told not to run install scripts; this one only links the binary of the right platform package.
  say "installing the pinned Node.js 24 (the install script of the npm package 'node' did not run)"
  (cd node_modules/node && node installArchSpecificPackage.js) </dev/null || true
  is_pinned_node || die "the npm package 'node' gave no Node.js 24 for $(uname -s) $(uname -m); is the npm registry reachable and the platform one it knows?"
}

[ $# -ge 1 ] || die "usage: scripts/run.sh test|check|format|demo|bench|bundle|image [arguments]"
task=$1
shift
# Debian keeps the network tools out of the PATH of ordinary users.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH

case $task in
  test)
    ensure_tools wanted
    ensure_vm_tools
    ensure_image_tools
    ensure_browser_tools
    # Node.js calls the function experimental with which it reads TypeScript.
    set -- --disable-warning=ExperimentalWarning scripts/test.ts "$@"
    ;;
  check) set -- scripts/test.ts --quick ;;
  format) set -- node_modules/oxfmt/bin/oxfmt "$@" ;;
  demo) ensure_tools required; set -- demo/main.ts "$@" ;;
  bench) ensure_tools wanted; set -- bench/main.ts "$@" ;;
  bundle) set -- --disable-warning=ExperimentalWarning scripts/bundle.ts ;;
  image) ensure_image_tools; set -- --disable-warning=ExperimentalWarning scripts/image.ts "$@" ;;
  *) die "unknown task '$task'; there are test, check, format, demo, bench, bundle and image." ;;
esac
ensure_modules
PATH=$PWD/node_modules/node/bin:$PATH
exec "$pinned" "$@"
