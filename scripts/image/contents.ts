/** The Debian packages that the image is made of, with what they depend on. deploy/image/Dockerfile has the same list. */
export const imagePackages = [
  'busybox',
  'conntrack',
  'dash',
  'ipset',
  'iproute2',
  'iptables',
  'ipvsadm',
  'kmod',
  'libgcc-s1',
  'libstdc++6',
  'nftables',
] as const;

/** The release of Debian that they are from. */
export const imageSuite = 'bookworm';

/** Programs that stay; whatever else the packages bring is nothing that the agent or somebody who looks for a fault starts. */
const programs = new RegExp(
  `^(?:${['busybox', 'conntrack', 'dash', 'ip', 'ipset', 'ipvsadm', 'nft', 'kmod', 'lsmod', 'modprobe'].join('|')}|xtables-(?:nft|legacy)-multi|ip6?tables-(?:nft|legacy)(?:-save|-restore)?)$`,
);

/** Names under which busybox serves what the agent's helper shell and people need. */
export const busyboxApplets = [
  'cat',
  'dirname',
  'grep',
  'head',
  'id',
  'ls',
  'ps',
  'readlink',
  'rm',
  'sleep',
  'sysctl',
  'tail',
  'uname',
  'wget',
] as const;

/** Names under which the chooser runs one of the two variants of iptables. */
export const chosenNames = ['ip6tables', 'iptables'].flatMap((name) => [name, `${name}-save`, `${name}-restore`]);

/** Libraries that only programs need which do not stay. */
const idleLibraries =
  /^(?:libdb-|libkrb5|libk5crypto|libgssapi|libkeyutils|libcom_err|libtirpc|libmvec|libssl|libtic|libdebconfclient)/;

/** Whether a file of the packages goes into the image; `path` is relative to its root. Pure. */
export function belongsInImage(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (/^(?:usr\/)?s?bin\//.test(path)) return programs.test(name);
  if (/^(?:usr\/)?lib(?:64)?\//.test(path)) {
    if (/^(?:usr\/)?lib\/(?:systemd|udev|lsb|init|bfd-plugins|tc|sasl2|ssl|modules-load\.d|tmpfiles\.d)\//.test(path))
      return false;
    return !/\/(?:gconv|engines-3|ossl-modules|perl5?|tc)\//.test(path) && !idleLibraries.test(name);
  }
  // Licences travel with what they are about.
  if (path.startsWith('usr/share/')) return /^usr\/share\/doc\/[^/]+\/copyright$/.test(path);
  return /^etc\/(?:iproute2|modprobe\.d)\//.test(path);
}
