import type { CodeTexts } from './code-text.ts';
import { bug, nothing } from './code-text.ts';

/** Codes of commands and of the agent's start, without the findings of `waypost check`. */
export const cliCodes: CodeTexts = {
  WP_CLI_BIND: [
    'end',
    'the health or the metrics address is taken, and `bindAddressHardFail` is set',
    'free the address, choose another, or leave `bindAddressHardFail` off to have it tried again',
  ],
  WP_CLI_CAPABILITY: [
    'end',
    'a capability is missing: without CAP_NET_ADMIN nothing starts, without CAP_NET_RAW it is a warning only',
    'add it to `securityContext.capabilities` of the container, or run as root',
  ],
  WP_CLI_CONFIG_CHANGED: [
    'end',
    'the configuration file was written with fields that only a restart brings into force, or was renamed, so the agent ends for its restart',
    nothing,
  ],
  WP_CLI_CONFIG_REFUSED: [
    'warning',
    'the configuration file was changed to something that cannot be used; what was before stays in force',
    'mend the file before the next restart, which would fail; the codes beside it say what is wrong',
  ],
  WP_CLI_CONFIG_WAITS: [
    'warning',
    'another file took the place of the configuration file, with fields that only a restart brings into force',
    'restart the agent when it suits you',
  ],
  WP_CLI_FAMILY: [
    'end',
    'the primary IP family cannot run on this node, or the only one that can has no range in `clusterCIDR`',
    'switch IPv6 on in the kernel, or correct `bindAddress` or `clusterCIDR`',
  ],
  WP_CLI_HANDOVER_BUG: ['warning', 'removing what another mode or proxy left behind met a bug; syncs go on', bug],
  WP_CLI_INTERRUPTED: [
    'end',
    'a signal ended `waypost init` before it was done',
    'run it again; an init container is started again by itself',
  ],
  WP_CLI_KERNEL_WATCH: [
    'warning',
    'changes that others make in the kernel are not heard any more and are found by the next audit only',
    nothing,
  ],
  WP_CLI_LEFTOVER: [
    'warning',
    'something that kube-proxy or another mode left could not be read or removed',
    'run `waypost cleanup` when no agent runs, or start the node anew; see docs/migration.md',
  ],
  WP_CLI_NODE_NAME: ['end', 'the name of this Node is empty', 'give `--hostname-override`'],
  WP_CLI_NODE_PORTS_OPEN: [
    'warning',
    'node ports of a family are accepted at every local address',
    'set `nodePortAddresses` where that is not wanted',
  ],
  WP_CLI_NOT_AN_AGENT: [
    'command',
    'something answers at the place that was asked, but not as an agent of this version does',
    'ask at the agent’s own address (`--url`), with the command of the same version',
  ],
  WP_CLI_NO_AGENT: [
    'command',
    'no agent answers at the places that were asked',
    'see that the agent runs on this node, or name its socket or metrics address with `--url`',
  ],
  WP_CLI_NO_CLUSTER_CIDR: [
    'warning',
    '`clusterCIDR` has no range of a family that runs, so its pods are taken for clients like any other',
    'add the range of that family',
  ],
  WP_CLI_NO_IPSET: [
    'warning',
    'ipset cannot be used, so session affinity in iptables mode remembers only 100 clients for each back end',
    'install ipset',
  ],
  WP_CLI_OOM_SCORE: [
    'warning',
    'the kernel did not take `oomScoreAdj`, so the agent may be ended early when memory is short',
    'allow it (CAP_SYS_RESOURCE), set it in the manifest, or set `oomScoreAdj` to what the process has',
  ],
  WP_CLI_REFUSED: ['command', 'the agent did not want to do what the command asked of it', 'do what its message says'],
  WP_CLI_SAVED_STATE: [
    'command',
    'the file of `--from` cannot be read, or is none that `waypost dump` wrote',
    'give the file that `waypost dump` printed',
  ],
  WP_CLI_SINGLE_STACK: ['warning', 'the kernel has no IPv6, so only IPv4 is served', 'nothing, or switch IPv6 on in the kernel'],
  WP_CLI_SYSCTL: [
    'end',
    'a kernel parameter that the configuration asks for cannot be set',
    'run `waypost init` with privileges first, or set the parameter on the node',
  ],
  WP_CLI_URL: ['usage', 'the value of `--url` names no place where an agent can be asked', 'correct it as the message shows'],
  WP_CLI_WRITE: ['command', 'the file of `--write-config-to` cannot be written', 'give a path that this user may write'],
  WP_CLI_WRONG_FAMILY: [
    'warning',
    'something is given only for the family that is not the primary one, which is most likely a mistake',
    'correct `bindAddress`, or give it for both families',
  ],
};
