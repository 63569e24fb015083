import { formatType, rcode, recordType } from './constants.ts';
import { resolveAutopath } from './autopath.ts';
import { formatName, isWithin } from './name.ts';
import type { Name } from './name.ts';
import { emptyAnswer, permanent, resolveNow, settleTtls, unkept } from './resolution.ts';
import type { Request, Resolution } from './resolution.ts';
import type { Answer } from './record.ts';
import type { BlockParts, ForwardPart } from './server-parts.ts';
import type { Lease, ZoneAnswer } from './zone-contract.ts';

/** Links that a chain of aliases may have (specification 3.5). */
const longestChain = 16;

/** Asks the server again, from the stage behind rewriting, for a name that an answer led to. */
export type AskAgain = (request: Request, links: number) => Resolution | Promise<Resolution>;

/**
 * The stages of one server block, in the order of specification 13.1 from rewriting on. Gives an answer at once where no
 * upstream is needed.
 */
export class ServerBlock {
  readonly parts: BlockParts;
  readonly #ask: AskAgain;

  constructor(parts: BlockParts, ask: AskAgain) {
    this.parts = parts;
    this.#ask = ask;
  }

  resolve(request: Request): Resolution | Promise<Resolution> {
    const rewritten = this.parts.rewrite?.(request.spelled, request.type) ?? null;
    if (rewritten === null) return this.resolveRewritten(request, 0);
    const { name, type, undo } = rewritten;
    const inner = this.#ask({ ...request, name, spelled: name, type }, 0);
    const back = (resolution: Resolution): Resolution => ({
      ...resolution,
      answer: undo(settleTtls(resolution)),
      ...unkept,
      steps: [`rewritten to ${formatName(name)} ${formatType(type)}`, ...resolution.steps],
    });
    return inner instanceof Promise ? inner.then(back) : back(inner);
  }

  /** The stages behind rewriting; `links` aliases were followed to get here. */
  resolveRewritten(request: Request, links: number): Resolution | Promise<Resolution> {
    const cached = this.parts.cache?.find(request) ?? null;
    if (cached !== null) {
      if (cached.refresh) void this.#refresh(request, links);
      if (!cached.verify) return cached.resolution;
      return this.#verify(request, links, cached.resolution);
    }
    return this.#resolveUncached(request, links);
  }

  #resolveUncached(request: Request, links: number): Resolution | Promise<Resolution> {
    if (links > 0 || this.parts.autopath === null) return this.#resolveData(request, links);
    const searched = this.#searchPath(request);
    if (searched !== null) return searched;
    const plain = this.#resolveData(request, links);
    // What is missing for this asker may be found for another, whose search list the name was made with.
    return plain instanceof Promise || plain.answer.rcode !== rcode.NXDOMAIN ? plain : { ...plain, lease: null };
  }

  #searchPath(request: Request): Promise<Resolution> | null {
    const { autopath } = this.parts;
    if (autopath === null || (request.type !== recordType.A && request.type !== recordType.AAAA)) return null;
    const candidates = autopath(request.name, request.source);
    return candidates === null ? null : resolveAutopath(request, candidates, (name) => this.#askFor(request, name, 1));
  }

  /** Templates, hosts, our zones, upstreams. */
  #resolveData(request: Request, links: number): Resolution | Promise<Resolution> {
    const { name, type } = request;
    const template = this.parts.templates?.(name, type) ?? null;
    if (template !== null)
      return this.#chase(request, keep(template, 'template', 'answered by a template'), template.chase, links);
    const hosts = this.parts.hosts;
    const listed = hosts?.lookup(name, type) ?? null;
    if (hosts && listed !== null) {
      return { ...keep(listed, 'hosts', 'found in the hosts table'), lease: hosts.lease };
    }
    const found = this.parts.zone?.lookup(name, type) ?? null;
    if (found !== null) {
      // A name that is listed later must not be hidden by what was kept before.
      const owned = hosts === null ? found : { ...found, lease: bothLive(found.lease, hosts.lease) };
      return this.#resolveOwned(request, owned, links);
    }
    if (type === recordType.ANY) return resolveNow(hinfoAnswer(name), '', 'ANY is answered with one record (RFC 8482)');
    const rule = this.#ruleFor(name);
    if (rule === null) return resolveNow(emptyAnswer(rcode.REFUSED), '', 'no zone and no upstream for this name');
    return this.#forward(request, rule);
  }

  #resolveOwned(request: Request, owned: ZoneAnswer, links: number): Resolution | Promise<Resolution> {
    const resolution = { ...keep(owned, 'kubernetes', owned.because), lease: owned.lease };
    return owned.chase === null ? this.#cacheOwned(request, resolution) : this.#chase(request, resolution, owned.chase, links);
  }

  /** Goes on where aliases lead out of what answered (RFC 1034 3.6.2). */
  #chase(request: Request, head: Resolution, target: Name | null, links: number): Resolution | Promise<Resolution> {
    if (target === null) return head;
    const followed = links + head.answer.answer.length;
    if (followed > longestChain)
      return resolveNow(emptyAnswer(rcode.SERVFAIL), head.stage, ...head.steps, 'the chain of aliases is too long');
    const end = this.#askFor(request, target, followed);
    return end instanceof Promise ? end.then((rest) => joinChain(head, rest)) : joinChain(head, end);
  }

  /**
   * Our own data is kept in the cache only where the block asks for that, so that TTLs count down (specification 12.4); it is
   * over there with its lease, so that a change shows at once all the same.
   */
  #cacheOwned(request: Request, resolution: Resolution): Resolution {
    const { cache } = this.parts;
    if (resolution.answer.rcode === rcode.SERVFAIL) return resolution;
    const kept = cache?.covers(request) === true ? cache.store(request, resolution) : null;
    return kept === null ? resolution : { ...kept, lease: null };
  }

  #askFor(request: Request, name: Name, links: number): Resolution | Promise<Resolution> {
    return this.#ask({ ...request, name, spelled: name }, links);
  }

  #ruleFor(name: Name): ForwardPart | null {
    let best: ForwardPart | null = null;
    for (const rule of this.parts.forward) {
      if (best !== null && rule.suffix.length <= best.suffix.length) continue;
      if (isWithin(name, rule.suffix) && !rule.except.some((zone) => isWithin(name, zone))) best = rule;
    }
    return best;
  }

  async #forward(request: Request, rule: ForwardPart): Promise<Resolution> {
    const { spelled: name, type, dnssecOk, checkingDisabled, stream } = request;
    if (this.parts.loops?.(request) === true) {
      return resolveNow(emptyAnswer(rcode.SERVFAIL), 'forward', 'this is our own probe: the upstreams lead back here');
    }
    const result = await rule.forwarder.ask({ name, type, dnssecOk, checkingDisabled, stream });
    if (result.kind === 'overloaded')
      return resolveNow(emptyAnswer(rcode.REFUSED), 'forward', 'too many questions are under way');
    if (result.kind === 'failed') {
      const failed = resolveNow(emptyAnswer(rcode.SERVFAIL), 'forward', `no upstream answered: ${result.reason}`);
      return this.parts.cache?.store(request, failed) ?? failed;
    }
    const answer: Answer = {
      rcode: result.rcode,
      authoritative: false,
      answer: result.answer,
      authority: result.authority,
      additional: [],
    };
    const resolution: Resolution = {
      ...resolveNow(answer, 'forward', `answered by ${result.upstream}`),
      authenticData: result.authenticData,
      truncated: result.truncated,
    };
    return this.parts.cache?.store(request, resolution) ?? resolution;
  }

  /** A new answer for an entry that is about to end or was served beyond its end. */
  async #refresh(request: Request, links: number): Promise<void> {
    const resolution = await this.#resolveData({ ...request, stream: true }, links);
    this.parts.cache?.refreshed(request, resolution);
  }

  /** A stale entry is served only if there is nothing better (specification 12.9). */
  async #verify(request: Request, links: number, stale: Resolution): Promise<Resolution> {
    const fresh = await this.#resolveData(request, links);
    this.parts.cache?.refreshed(request, fresh);
    if (fresh.answer.rcode !== rcode.SERVFAIL && fresh.answer.rcode !== rcode.REFUSED) return fresh;
    this.parts.cache?.servedStale();
    return stale;
  }
}

function bothLive(one: Lease, other: Lease): Lease {
  return {
    get live() {
      return one.live && other.live;
    },
  };
}

function keep(answer: Answer, stage: Resolution['stage'], step: string): Resolution {
  return { ...resolveNow(answer, stage, step), lease: permanent };
}

/** The aliases, then what became of the name at their end; code and denial are those of the end (RFC 6604, 2308). */
function joinChain(head: Resolution, end: Resolution): Resolution {
  const steps = [...head.steps, ...end.steps];
  const unreachable = end.stage === '' && end.answer.rcode === rcode.REFUSED;
  if (unreachable) return { ...head, lease: null, steps };
  const rest = settleTtls(end);
  return {
    ...end,
    ...unkept,
    answer: {
      rcode: end.answer.rcode === rcode.REFUSED ? rcode.SERVFAIL : end.answer.rcode,
      authoritative: true,
      answer: [...head.answer.answer, ...rest.answer],
      authority: rest.authority,
      additional: rest.additional,
    },
    stage: head.stage,
    lease: null,
    authenticData: false,
    steps,
  };
}

/** RFC 8482 4.2. */
function hinfoAnswer(name: Name): Answer {
  const data = new Uint8Array(Buffer.from('\x07RFC8482\0', 'latin1'));
  return { ...emptyAnswer(rcode.NOERROR), answer: [{ name, type: recordType.HINFO, ttl: 3600, data }] };
}
