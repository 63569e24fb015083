import type { ForwardQuestion, ForwardResult } from './forward-contract.ts';
import type { UpstreamHealth } from './forward-health.ts';
import type { ForwardPorts, UpstreamTransport } from './forward-ports.ts';
import { makeQuery, withoutEdns } from './forward-query.ts';
import { matchReply, readReply, refusesEdns } from './forward-reply.ts';
import type { Answered } from './forward-reply.ts';
import type { ForwardRule, Upstream } from './settings.ts';

/** An upstream of a rule and what is known of it. */
export interface WatchedUpstream {
  readonly upstream: Upstream;
  /** `10.0.0.53:53` */
  readonly label: string;
  readonly health: UpstreamHealth;
}

export interface RunInput {
  readonly rule: ForwardRule;
  readonly ports: ForwardPorts;
  readonly upstreams: readonly WatchedUpstream[];
  /** Indexes of the upstreams, the first to be asked first. */
  readonly order: readonly number[];
}

/** Failures at once, such as a refused port, after which an upstream is not asked again: one may be a restart. */
const patience = 2;

type Protocol = 'udp' | 'tcp';

interface Attempt {
  readonly index: number;
  readonly protocol: Protocol;
  readonly stop: () => void;
}

/** What an upstream did during this question. */
interface Conduct {
  readonly tried: boolean;
  readonly errors: number;
  /** TCP led to nothing. */
  readonly noTcp: boolean;
}

const unknown: Conduct = { tried: false, errors: 0, noTcp: false };

/**
 * One question on its way through the upstreams of a rule (specification 11.3). The next upstream is asked when one failed
 * or was silent for an attempt's time; those that were silent are listened to until the end, for a slow answer is better
 * than none.
 */
export class ForwardRun {
  readonly #question: ForwardQuestion;
  readonly #input: RunInput;
  readonly #done: (result: ForwardResult) => void;
  readonly #deadline: number;
  readonly #stopBudget: () => void;
  readonly #attempts = new Set<Attempt>();
  readonly #conduct = new Map<number, Conduct>();
  /** The upstreams, the one whose turn it is first. */
  #order: readonly number[];
  #current: Attempt | null = null;
  #stopWait: () => void = () => {};
  /** A reply that is passed on if no better one comes: a failure, or one that was cut off. */
  #held: Answered | null = null;
  #reason = 'no upstream';
  #toldBroken = false;
  #finished = false;

  constructor(question: ForwardQuestion, input: RunInput, done: (result: ForwardResult) => void) {
    const { clock, timing } = input.ports;
    this.#question = question;
    this.#input = input;
    this.#done = done;
    this.#order = input.order;
    this.#deadline = clock.now() + timing.budgetMs;
    this.#stopBudget = clock.after(timing.budgetMs, () => this.#giveUp());
  }

  start(): void {
    this.#next();
  }

  /** Fails the question. */
  cancel(reason: string): void {
    this.#finish({ kind: 'failed', reason });
  }

  #next(): void {
    if (this.#finished) return;
    this.#rest();
    const index = this.#input.ports.clock.now() < this.#deadline ? this.#pick() : null;
    if (index !== null) this.#begin(index, this.#protocolFor(index));
    else if (this.#held !== null || this.#attempts.size === 0 || this.#hopeless()) this.#giveUp();
  }

  /** Nobody's turn; what was sent is still listened for. */
  #rest(): void {
    this.#stopWait();
    this.#current = null;
  }

  #pick(): number | null {
    const { upstreams, ports } = this.#input;
    const candidates = this.#order.filter((index) => this.#mayAsk(index));
    const up = candidates.find((index) => upstreams[index]?.health.down === false);
    if (up !== undefined) return up;
    if (this.#allDown()) {
      if (!this.#toldBroken) ports.observer.healthcheckBroken();
      this.#toldBroken = true;
    }
    if (this.#hopeless()) {
      this.#reason = 'all upstreams are down';
      return null;
    }
    // With a reply in hand an upstream that is down is not worth the wait.
    if (this.#held !== null || candidates.length === 0) return null;
    return candidates[ports.random(candidates.length)] ?? null;
  }

  #hopeless(): boolean {
    return this.#input.rule.allDown === 'fail' && this.#allDown();
  }

  #allDown(): boolean {
    return this.#input.upstreams.every(({ health }) => health.down);
  }

  /** A reply in hand may be bettered by those that were not asked yet, each once. */
  #mayAsk(index: number): boolean {
    const { tried, errors } = this.#conduct.get(index) ?? unknown;
    return errors < patience && !(this.#held !== null && tried);
  }

  #protocolFor(index: number): Protocol {
    const { transport } = this.#input.rule;
    if (transport === 'force_tcp') return 'tcp';
    // Some servers speak UDP alone: an answer over it that is not cut off is as whole.
    const { noTcp } = this.#conduct.get(index) ?? unknown;
    return transport === 'as_asked' && this.#question.stream && !noTcp ? 'tcp' : 'udp';
  }

  #begin(index: number, protocol: Protocol, plain = false): void {
    const { rule, ports, upstreams } = this.#input;
    const watched = upstreams[index];
    if (watched === undefined) return;
    const conduct = this.#conduct.get(index) ?? unknown;
    this.#conduct.set(index, { ...conduct, tried: true });
    this.#order = [...this.#order.filter((other) => other !== index), index];
    const { bytes, sent } = makeQuery(this.#question, rule.mixCase, ports.random);
    const since = ports.clock.now();
    const transport: UpstreamTransport = protocol === 'tcp' ? ports.tcp : ports.udp;
    const cancel = transport.send(watched.upstream, plain ? withoutEdns(bytes) : bytes, {
      take: (reply) => {
        const message = matchReply(reply, sent);
        if (message === null) return false;
        ports.observer.request(watched.label, message.rcode, (ports.clock.now() - since) / 1000);
        watched.health.heard();
        this.#attempts.delete(attempt);
        if (!plain && refusesEdns(message)) this.#begin(index, protocol, true);
        else this.#replied(attempt, readReply(message, sent, this.#question.dnssecOk, watched.label));
        return true;
      },
      failed: (reason) => this.#failed(attempt, `${watched.label} over ${protocol}: ${reason}`),
    });
    const attempt: Attempt = { index, protocol, stop: cancel };
    this.#attempts.add(attempt);
    this.#rest();
    this.#current = attempt;
    this.#stopWait = ports.clock.after(ports.timing.attemptMs, () => this.#lapsed(attempt, watched));
  }

  #replied(attempt: Attempt, reply: Answered): void {
    const failure = this.#input.rule.failover.includes(reply.rcode);
    if (!failure && !reply.truncated) {
      this.#finish(reply);
      return;
    }
    // A reply that was cut off is better than a failure, and a later one is no better than the first.
    if (this.#held === null || (!failure && !this.#held.truncated)) this.#held = reply;
    if (failure) this.#after(attempt);
    else if (attempt.protocol === 'udp') this.#begin(attempt.index, 'tcp');
    else this.#finish(reply);
  }

  #failed(attempt: Attempt, reason: string): void {
    const { index, protocol } = attempt;
    this.#attempts.delete(attempt);
    this.#reason = reason;
    const conduct = this.#conduct.get(index) ?? unknown;
    this.#conduct.set(index, { ...conduct, errors: conduct.errors + 1, noTcp: conduct.noTcp || protocol === 'tcp' });
    this.#input.upstreams[index]?.health.suspect();
    this.#after(attempt);
  }

  /** Silent for an attempt's time. */
  #lapsed(attempt: Attempt, { label, health }: WatchedUpstream): void {
    const conduct = this.#conduct.get(attempt.index) ?? unknown;
    this.#conduct.set(attempt.index, { ...conduct, noTcp: conduct.noTcp || attempt.protocol === 'tcp' });
    this.#reason = `${label} over ${attempt.protocol}: no answer in time`;
    health.suspect();
    this.#after(attempt);
  }

  /** An attempt led to nothing. */
  #after(attempt: Attempt): void {
    if (this.#finished) return;
    // The rest of a reply that was cut off could not be had; over UDP what came is what the asker gets.
    if (attempt.protocol === 'tcp' && this.#held?.truncated === true && !this.#question.stream) this.#finish(this.#held);
    else if (attempt === this.#current || this.#current === null) this.#next();
  }

  #giveUp(): void {
    this.#finish(this.#held ?? { kind: 'failed', reason: this.#reason });
  }

  #finish(result: ForwardResult): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#stopBudget();
    this.#rest();
    for (const { stop } of this.#attempts) stop();
    this.#attempts.clear();
    this.#done(result);
  }
}
