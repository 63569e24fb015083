import type { Addresses, Host } from './addressing.ts';
import { runIn, spawnIn } from './driver-netns.ts';
import type { CommandResult } from './driver-netns.ts';
import { LabProcess } from './lab-process.ts';
import { patient } from './patience.ts';
import { Resident } from './resident-client.ts';
import type { Answers, Attempt, Listener, Request, SocketProtocol, Target } from './resident/protocol.ts';

/** One namespace of a lab, and what can be done in it. */
export class Place {
  readonly name: string;
  readonly host: Host;
  /** The name `ip netns` knows it by. */
  readonly namespace: string;
  readonly addresses: Addresses;
  readonly #adopt: (process: LabProcess) => void;
  #resident: Promise<Resident> | null = null;

  constructor(host: Host, namespace: string, adopt: (process: LabProcess) => void) {
    this.name = host.name;
    this.host = host;
    this.namespace = namespace;
    this.addresses = host.addresses;
    this.#adopt = adopt;
  }

  /** Runs a command to its end, at most 30 s. Rejects only where it cannot be started. */
  exec(command: string, args: readonly string[], input = ''): Promise<CommandResult> {
    return runIn(this.namespace, command, args, { input });
  }

  /** Starts a command that goes on until it ends, is ended, or the lab is closed. */
  spawn(command: string, args: readonly string[], env?: NodeJS.ProcessEnv): LabProcess {
    const started = new LabProcess(command, spawnIn(this.namespace, command, args, env));
    this.#adopt(started);
    return started;
  }

  /** Asks the namespace's resident, started by the first question. A time limit is longer on a slow machine. */
  async ask<R extends Request>(request: R): Promise<Answers[R['op']]> {
    this.#resident ??= Resident.start(this.name, this.namespace);
    const resident = await this.#resident;
    return resident.ask('timeoutMs' in request ? { ...request, timeoutMs: patient(request.timeoutMs) } : request);
  }

  /** Serves as a back end called `name`: every TCP connection and datagram is answered with a line. */
  async listen(listeners: readonly Listener[], name = this.name): Promise<void> {
    await this.ask({ op: 'listen', name, listeners });
  }

  /** As many connections at once as `count` says. */
  connect(target: Target, count = 1): Promise<readonly Attempt[]> {
    return this.ask({ op: 'connect', count, ...target });
  }

  /** The status and body of a plain HTTP GET from inside the namespace. */
  get(url: string, timeoutMs = 2000): Promise<Answers['http']> {
    return this.ask({ op: 'http', url, timeoutMs });
  }

  /** Ends the resident. Called when the lab is closed. */
  async endResident(): Promise<void> {
    await (await this.#resident)?.end();
  }
}

/** Wildcard sockets of both families and both protocols for each port. */
export function listenOnAll(ports: readonly number[], address = '::'): Listener[] {
  const protocols: readonly SocketProtocol[] = ['TCP', 'UDP'];
  return ports.flatMap((port) => protocols.map((protocol) => ({ protocol, address, port })));
}
