import type { V1Container } from '@kubernetes/client-node';
import { processOfImage } from '../../scripts/image/write-archive.ts';
import { resolveProfile } from './seccomp.ts';
import type { SeccompProfile } from './seccomp.ts';

export interface OciOptions {
  /** The root file system. */
  readonly root: string;
  /** Network namespace of the node, as a path: its pods with `hostNetwork` have no other. */
  readonly network: string;
  readonly env: Readonly<Record<string, string>>;
  /** Folders and files that stand for the volumes, by their place in the container. */
  readonly volumes: Readonly<Record<string, { readonly source: string; readonly readOnly: boolean }>>;
  readonly profile: SeccompProfile;
  /** Capabilities that the manifest names and this container does not get: `NET_ADMIN`. */
  readonly withheld?: readonly string[];
  /** In place of those of the manifest. */
  readonly args?: readonly string[];
}

/** What a kubelet and containerd hand to runc for a container of a manifest (OCI's runtime-spec). Pure. */
export function renderOciConfig(container: V1Container, options: OciOptions): object {
  const { securityContext: context } = container;
  const privileged = context?.privileged === true;
  const capabilities = privileged ? allCapabilities : capabilitiesOf(container, options.withheld ?? []);
  const args = options.args ?? container.args ?? processOfImage.Cmd;
  const expanded = args.map((arg) => arg.replaceAll(/\$\((\w+)\)/g, (whole, name: string) => options.env[name] ?? whole));
  return {
    ociVersion: '1.0.2',
    process: {
      user: { uid: context?.runAsUser ?? 0, gid: 0 },
      args: [...processOfImage.Entrypoint, ...expanded],
      env: [...processOfImage.Env, ...Object.entries(options.env).map(([name, value]) => `${name}=${value}`)],
      cwd: processOfImage.WorkingDir,
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      noNewPrivileges: context?.allowPrivilegeEscalation === false,
    },
    root: { path: options.root, readonly: context?.readOnlyRootFilesystem === true },
    mounts: [...systemMounts(privileged), ...volumeMounts(container, options.volumes)],
    linux: {
      namespaces: [...['pid', 'ipc', 'mount'].map((type) => ({ type })), { type: 'network', path: options.network }],
      ...(privileged
        ? {}
        : {
            maskedPaths,
            readonlyPaths,
            ...(context?.seccompProfile?.type === 'RuntimeDefault'
              ? { seccomp: resolveProfile(options.profile, capabilities, process.arch) }
              : {}),
          }),
    },
  };
}

/** Docker's and containerd's own, less what `drop` names. */
const defaultCapabilities =
  'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'.split(
    ' ',
  );

/** As many of a privileged container's as matter to the preparation of a node. */
const allCapabilities = [...defaultCapabilities, 'NET_ADMIN', 'SYS_ADMIN', 'SYS_MODULE'].map((name) => `CAP_${name}`);

function capabilitiesOf({ securityContext }: V1Container, withheld: readonly string[]): string[] {
  const { add = [], drop = [] } = securityContext?.capabilities ?? {};
  const kept = defaultCapabilities.filter((name) => !drop.includes('ALL') && !drop.includes(name));
  return [...new Set([...kept, ...add])].filter((name) => !withheld.includes(name)).map((name) => `CAP_${name}`);
}

function systemMounts(privileged: boolean): object[] {
  const strict = ['nosuid', 'noexec', 'nodev'];
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: strict },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
    },
    { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...strict, 'mode=1777', 'size=65536k'] },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...strict, privileged ? 'rw' : 'ro'] },
  ];
}

function volumeMounts({ volumeMounts: mounts = [] }: V1Container, volumes: OciOptions['volumes']): object[] {
  const named = mounts.map(({ mountPath, readOnly }) => {
    const volume = volumes[mountPath];
    if (volume === undefined) throw new Error(`nothing stands for the volume at ${mountPath}`);
    return bind(mountPath, volume.source, readOnly === true);
  });
  // A kubelet mounts the token of the service account without being told, and so it is not in the manifest.
  const others = Object.entries(volumes).filter(([path]) => path.startsWith('/var/run/'));
  return [...named, ...others.map(([path, { source, readOnly }]) => bind(path, source, readOnly))];
}

function bind(destination: string, source: string, readOnly: boolean): object {
  return { destination, type: 'bind', source, options: ['rbind', 'rprivate', readOnly ? 'ro' : 'rw'] };
}

/** What containerd hides of the host from containers that are not privileged, and what it does not let them write. */
const maskedPaths = [
  ...['acpi', 'asound', 'kcore', 'keys', 'latency_stats', 'sched_debug', 'scsi', 'timer_list', 'timer_stats'].map(
    (name) => `/proc/${name}`,
  ),
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
];
const readonlyPaths = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'].map((name) => `/proc/${name}`);
