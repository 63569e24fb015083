import { execFile } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

interface Condition {
  readonly caps?: readonly string[];
  readonly arches?: readonly string[];
}

/** A profile as container engines keep it: rules with conditions on what the container may do. */
export interface SeccompProfile {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly syscalls: readonly {
    readonly names: readonly string[];
    readonly action: string;
    readonly errnoRet?: number;
    readonly args?: readonly object[] | null;
    readonly includes?: Condition;
    readonly excludes?: Condition;
  }[];
}

/** `linux.seccomp` of OCI's runtime-spec. */
export interface OciSeccomp {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures: readonly string[];
  readonly syscalls: readonly object[];
}

/** Names of the processor, by Node's: in profiles, and of libseccomp. */
const processors: Readonly<Partial<Record<NodeJS.Architecture, { readonly profile: string; readonly libseccomp: string }>>> = {
  x64: { profile: 'amd64', libseccomp: 'SCMP_ARCH_X86_64' },
  arm64: { profile: 'arm64', libseccomp: 'SCMP_ARCH_AARCH64' },
};

/** Debian's profile is CRI-O's default; containerd's lets no container without CAP_SYS_ADMIN make these calls. */
const callsOfAdministrators = new Set(
  (
    'clone3 fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree pivot_root setdomainname sethostname setns ' +
    'umount umount2 unshare'
  ).split(' '),
);

/** Fetches the default profile of Debian's package, which is not installed: it would bring a network of its own. */
export async function fetchProfile(folder: string): Promise<SeccompProfile> {
  await run('apt-get', ['download', 'golang-github-containers-common'], { cwd: folder });
  const archive = (await readdir(folder)).find((name) => name.endsWith('.deb'));
  if (archive === undefined) throw new Error('apt-get downloaded nothing');
  await run('dpkg-deb', ['--extract', archive, 'profile'], { cwd: folder });
  return JSON.parse(await readFile(join(folder, 'profile/usr/share/containers/seccomp.json'), 'utf8')) as SeccompProfile;
}

/** What a profile makes of a container with these capabilities (`CAP_...`), where it is not an administrator's. Pure. */
export function resolveProfile(profile: SeccompProfile, capabilities: readonly string[], arch: NodeJS.Architecture): OciSeccomp {
  const processor = processors[arch];
  if (processor === undefined) throw new RangeError(`no name is known for the processor ${arch}`);
  const holds = ({ caps = [], arches }: Condition): boolean =>
    caps.every((cap) => capabilities.includes(cap)) && (arches?.includes(processor.profile) ?? true);
  const strikes = ({ caps, arches }: Condition): boolean =>
    (caps?.some((cap) => capabilities.includes(cap)) ?? false) || (arches?.includes(processor.profile) ?? false);
  const rules = profile.syscalls.filter(({ includes = {}, excludes = {} }) => holds(includes) && !strikes(excludes));
  const syscalls = rules.flatMap(({ names, action, errnoRet, args }) => {
    const kept = action === 'SCMP_ACT_ALLOW' ? names.filter((name) => !callsOfAdministrators.has(name)) : names;
    if (kept.length === 0) return [];
    return [{ names: kept, action, ...(errnoRet === undefined ? {} : { errnoRet }), ...(args?.length ? { args } : {}) }];
  });
  const { defaultAction, defaultErrnoRet } = profile;
  // Threads of newer C libraries begin with clone3 and fall back to clone only where it does not exist.
  const absent = { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 };
  return {
    defaultAction,
    ...(defaultErrnoRet === undefined ? {} : { defaultErrnoRet }),
    architectures: [processor.libseccomp],
    syscalls: [...syscalls, absent],
  };
}
