import { precedenceOf, splitServiceKey } from '../model/mod.ts';
import type { Family, Frontend, PublishRequest, ServiceKey } from '../model/mod.ts';
import { judgeAddresses } from './address-checks.ts';
import type { JudgeAddress } from './address-checks.ts';
import { Claims } from './claims.ts';
import { MarkBudget } from './mark-budget.ts';
import { NoticeBoard } from './notice-board.ts';
import { publishingMethod } from './publish-method.ts';
import { publishService } from './publish-service.ts';
import type { SharedRights } from './publish-service.ts';
import type { IngressPublisher, PublisherFacts, PublisherOptions } from './publisher-settings.ts';

/** What the Services of one family share. */
interface Shared {
  readonly claims: Claims;
  readonly budget: MarkBudget;
  /** Services that ingress has something to remember of. */
  readonly known: Set<ServiceKey>;
}

/**
 * Decides what ingress makes of Services (specification of ingress, 4 to 8). It remembers nothing but who claims what and
 * what was told, so the frontends depend on the Services alone and not on the order in which they came.
 */
export function createPublisher(options: PublisherOptions): IngressPublisher {
  const { settings, notice, touch, isLive = () => true } = options;
  const share = (): Shared => ({
    claims: new Claims(),
    budget: new MarkBudget(settings.limits.marksPerNamespace),
    known: new Set(),
  });
  const families: Readonly<Record<Family, Shared>> = { IPv4: share(), IPv6: share() };
  const board = new NoticeBoard(notice);
  const checks = followFacts(options);

  function forget(service: ServiceKey, family: Family): void {
    const { claims, budget, known } = families[family];
    if (!known.delete(service)) return;
    const claimant = { service, precedence: '' };
    const { namespace } = splitServiceKey(service);
    board.show(service, family, []);
    tellOthers([claims.replace(claimant, []), budget.replace(namespace, claimant, 0)], service);
  }

  function tellOthers(affected: readonly ReadonlySet<ServiceKey>[], service: ServiceKey): void {
    const others = new Set(affected.flatMap((services) => [...services]));
    others.delete(service);
    if (others.size > 0) touch(others);
  }

  function publish(request: PublishRequest): readonly Frontend[] {
    const { service, family, frontends } = request;
    const method = publishingMethod(service, settings.className);
    if (method === null || method === 'none') {
      forget(service.key, family);
      return method === null ? frontends : frontends.filter(({ kind }) => kind !== 'LoadBalancerIP');
    }
    const { known } = families[family];
    known.add(service.key);
    const affected: ReadonlySet<ServiceKey>[] = [];
    const rights = rightsOf(request, families[family], (services) => affected.push(services));
    const published = publishService({ request, method, options, ...checks(), rights });
    board.show(service.key, family, published.remarks);
    tellOthers(affected, service.key);
    return published.frontends;
  }

  return { publish, forget, isLive };
}

function rightsOf(
  { service }: PublishRequest,
  { claims, budget }: Shared,
  changed: (services: ReadonlySet<ServiceKey>) => void,
): SharedRights {
  const claimant = { service: service.key, precedence: precedenceOf(service) };
  return {
    claim: (wanted) => changed(claims.replace(claimant, wanted)),
    rivalOf: (claim) => claims.rivalOf(service.key, claim),
    grantMarks: (marks) => {
      changed(budget.replace(service.namespace, claimant, marks));
      return budget.grants(service.key);
    },
  };
}

/** What follows from the facts is worked out once for each of their states. */
function followFacts({
  facts,
  settings,
}: PublisherOptions): () => { readonly facts: PublisherFacts; readonly judge: JudgeAddress } {
  let last: { readonly facts: PublisherFacts; readonly judge: JudgeAddress } | null = null;
  return () => {
    const now = facts();
    if (last?.facts !== now) last = { facts: now, judge: judgeAddresses(settings, now) };
    return last;
  };
}
