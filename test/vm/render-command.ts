import { quoteWord } from './shell-text.ts';

/** A command to be run in the guest. */
export interface GuestCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Added to the guest's environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly input: string;
}

/** A shell script that becomes the command. */
export function renderCommand({ command, args, env, cwd, input }: GuestCommand): string {
  const words = [command, ...args].map(quoteWord).join(' ');
  const base64 = Buffer.from(input).toString('base64');
  return [
    `cd ${quoteWord(cwd)} || exit 125`,
    ...Object.entries(env).map(([name, value]) => `export ${name}=${quoteWord(value)}`),
    // A builtin, so that the length of an argument has no limit.
    ...(input === '' ? [] : [`printf %s ${base64} | base64 -d >/run/waypost-vm/input`, 'exec </run/waypost-vm/input']),
    `exec ${words}`,
    '',
  ].join('\n');
}
