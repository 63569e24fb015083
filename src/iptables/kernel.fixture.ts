import { execFileSync, spawnSync } from 'node:child_process';
import { describe } from 'vitest';

/** A network namespace of its own, for tests on the real kernel. */
export interface Namespace {
  readonly name: string;
  /** Put before a command, it runs inside. */
  readonly prefix: readonly string[];
  /** Runs a command inside and gives its standard output; throws if it fails. */
  run(argv: readonly string[], input?: string): string;
  [Symbol.dispose](): void;
}

let count = 0;

/** Why tests on the real kernel cannot run here; null if they can. */
const kernelObstacle: string | null = findObstacle();

/** Makes an empty namespace; ending the `using` block removes it with everything in it. */
export function makeNamespace(): Namespace {
  count += 1;
  const name = `wpC-${process.pid}-${count}`;
  execFileSync('ip', ['netns', 'add', name]);
  const prefix = ['ip', 'netns', 'exec', name];
  return {
    name,
    prefix,
    run(argv, input = '') {
      const [program = '', ...args] = [...prefix, ...argv];
      return execFileSync(program, args, { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });
    },
    [Symbol.dispose]() {
      execFileSync('ip', ['netns', 'del', name]);
    },
  };
}

/**
 * `describe` for tests on the real kernel; where they cannot run, a skipped one whose title and a line on
 * standard error say why.
 */
export function describeOnKernel(title: string, tests: () => void): void {
  if (kernelObstacle === null) {
    describe(title, tests);
    return;
  }
  process.stderr.write(`SKIPPED: ${title}: ${kernelObstacle}\n`);
  describe.skip(`${title} [skipped: ${kernelObstacle}]`, tests);
}

function findObstacle(): string | null {
  if (process.getuid?.() !== 0) return 'needs root';
  for (const tool of ['iptables-nft-save', 'iptables-legacy-save', 'ip6tables-nft-save', 'ip6tables-legacy-save']) {
    if (spawnSync(tool, ['--version']).error !== undefined) return `${tool} is not installed`;
  }
  const name = `wpC-${process.pid}-0`;
  if (spawnSync('ip', ['netns', 'add', name]).status !== 0) return 'network namespaces cannot be made';
  spawnSync('ip', ['netns', 'del', name]);
  return null;
}
