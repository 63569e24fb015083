import { execFile } from 'node:child_process';
import { fail } from '../model/mod.ts';
import type { Family, Outcome, Problem } from '../model/mod.ts';
import { changeRoutes, changeRules } from './change-routes.ts';
import type { CommandVerdict, RouteHands } from './change-routes.ts';
import { parseAddresses, parseBatchErrors, parseRoutes, parseRules } from './parse-ip.ts';
import type { LocalAddress, Route, RoutePort, RoutingRule } from './route-port.ts';
import { renderRoute, renderRule } from './route-text.ts';

/** What a run of the tool came to. `code` is null where a signal ended it. */
export interface ToolResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RouteToolOptions {
  readonly family: Family;
  /** Runs `ip` with these arguments and this standard input; rejects only where it cannot be started. For tests. */
  readonly run?: (args: readonly string[], input: string) => Promise<ToolResult>;
}

const timeoutMs = 30_000;
const mostOutput = 256 * 1024 * 1024;

/** Routes, rules and addresses through the tool `ip` of iproute2, which has to be on the path. */
export function createRouteTool({ family, run = runIp }: RouteToolOptions): RoutePort {
  return new RouteTool(family, run);
}

class RouteTool implements RoutePort {
  readonly family: Family;
  readonly #run: NonNullable<RouteToolOptions['run']>;

  constructor(family: Family, run: NonNullable<RouteToolOptions['run']>) {
    this.family = family;
    this.#run = run;
  }

  /** Every run ends by itself. */
  close(): void {}

  listRoutes(table: number | null): Promise<Outcome<readonly Route[]>> {
    return this.#readRoutes(table, false);
  }

  changeRoutes(add: readonly Route[], remove: readonly Route[]): Promise<Outcome<void>> {
    return changeRoutes(this.#hands, add, remove);
  }

  async listRules(): Promise<Outcome<readonly RoutingRule[]>> {
    const printed = await this.#show(['rule', 'show']);
    return printed.ok ? parseRules(printed.value) : printed;
  }

  changeRules(add: readonly RoutingRule[], remove: readonly RoutingRule[]): Promise<Outcome<void>> {
    return changeRules(this.#hands, add, remove);
  }

  async listAddresses(): Promise<Outcome<readonly LocalAddress[]>> {
    const printed = await this.#show(['addr', 'show']);
    return printed.ok ? parseAddresses(printed.value, this.family) : printed;
  }

  readonly #hands: RouteHands = {
    addRoutes: (routes, mode) =>
      this.#batch(
        routes.map((route) => `route ${mode === 'new' ? 'add' : 'replace'} ${renderRoute(route)}`),
        /File exists/,
      ),
    deleteRoutes: (routes) =>
      this.#batch(
        // Without its source, as the kernel of IPv6 looks for it.
        routes.map((route) => `route del ${renderRoute({ ...route, source: null })}`),
        /No such process|Cannot find device/,
      ),
    readPresent: (table) => this.#readRoutes(table, true),
    addRules: (rules) =>
      this.#batch(
        rules.map((rule) => `rule add ${renderRule(rule)}`),
        /File exists/,
      ),
    deleteRules: (rules) =>
      this.#batch(
        rules.map((rule) => `rule del ${renderRule(rule)}`),
        /No such file or directory/,
      ),
  };

  async #readRoutes(table: number | null, plain: boolean): Promise<Outcome<readonly Route[]>> {
    const printed = await this.#show(['route', 'show', 'table', table === null ? 'all' : String(table)]);
    return printed.ok ? parseRoutes(printed.value, this.family, table, plain) : printed;
  }

  async #show(words: readonly string[]): Promise<Outcome<string>> {
    const ran = await this.#ip(['-details', '-N', '-json', ...words], '');
    if (!ran.ok) return ran;
    const { code, stdout, stderr } = ran.value;
    if (code === 0 || /FIB table does not exist/.test(stderr)) return { ok: true, value: stdout };
    return fail('WP_NETLINK_TOOL', `ip ${words.join(' ')} failed with ${code}: ${stderr.trim()}`);
  }

  /** Runs lines; one that met what `idle` matches had nothing to do. */
  async #batch(lines: readonly string[], idle: RegExp): Promise<readonly CommandVerdict[]> {
    if (lines.length === 0) return [];
    const ran = await this.#ip(['-force', '-batch', '-'], `${lines.join('\n')}\n`);
    if (!ran.ok) return lines.map(() => ran.problem);
    const { code, stderr } = ran.value;
    const { errors, rest } = parseBatchErrors(stderr);
    const gaveUp = rest !== '' || code === null || (code !== 0 && errors.size === 0);
    return lines.map((line, index): CommandVerdict => {
      const said = errors.get(index + 1);
      if (said !== undefined) return idle.test(said) ? 'idle' : refused(line, said);
      // Which of the others it had come to is not known.
      return gaveUp ? refused(line, rest === '' ? `it ended with ${code}` : rest) : 'done';
    });
  }

  async #ip(args: readonly string[], input: string): Promise<Outcome<ToolResult>> {
    try {
      return { ok: true, value: await this.#run([this.family === 'IPv4' ? '-4' : '-6', ...args], input) };
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      return fail('WP_NETLINK_TOOL', `the command ip (package iproute2) cannot be run: ${reason}`, cause);
    }
  }
}

function refused(line: string, said: string): Problem {
  return { code: 'WP_NETLINK_REFUSED', message: `ip refused "${line}": ${said}` };
}

function runIp(args: readonly string[], input: string): Promise<ToolResult> {
  return new Promise((resolve, reject) => {
    const child = execFile('ip', args, { timeout: timeoutMs, maxBuffer: mostOutput }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code === 'string') reject(error);
      else resolve({ code: child.exitCode, stdout, stderr });
    });
    // A command that ends before it has read its input is judged by its exit code.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}
