import type { Shell } from '../iptables/mod.ts';

export type { Shell };

/** What a command comes to. */
export interface ShellResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A shell that runs nothing: `answer` gives what a command line comes to, null for a program that is not installed. */
export function scriptShell(answer: (command: string) => ShellResult | null): {
  readonly shell: Shell;
  /** The command lines, in order. */
  readonly commands: readonly string[];
} {
  const commands: string[] = [];
  const missing: ShellResult = { status: 127, stdout: '', stderr: 'not found' };
  return {
    commands,
    shell: {
      async run({ argv }) {
        const command = argv.join(' ');
        commands.push(command);
        return { kind: 'exit', inputBytes: 0, ...(answer(command) ?? missing) };
      },
      async close() {},
    },
  };
}
