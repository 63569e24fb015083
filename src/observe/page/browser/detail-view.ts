import type { StatusRow } from '../../../model/mod.ts';
import { describeEndpoint, describePart } from '../endpoint-words.ts';
import type { EndpointAnswer } from '../endpoint-words.ts';
import { formatAmount } from '../format-amount.ts';
import { formatCount, formatNumberOf, formatPlace, formatRate } from '../format.ts';
import { formatFrontend, portNameOf } from '../service-entry.ts';
import type { ServiceEntry } from '../service-entry.ts';
import { describeTraffic } from '../traffic-words.ts';
import type { ServiceCounts } from '../wire.ts';
import { element, find, formatMoment, stateMark, table } from './element.ts';
import type { Child } from './element.ts';
import { stateKinds } from './service-row.ts';

export interface DetailViewOptions {
  readonly close: () => void;
  /** Fills the form of the trace. */
  readonly trace: (destination: string) => void;
}

/** Everything about one Service: its frontends as the kernel has them, and its endpoints. */
export class DetailView {
  readonly #panel = find('detail', HTMLElement);
  readonly #body = find('detail-body', HTMLElement);
  readonly #heading = find('detail-name', HTMLElement);
  #entry: ServiceEntry | null = null;
  #gone = false;
  #endpoints: readonly EndpointAnswer[] | string = 'Reading the endpoints \u2026';
  #counts: ServiceCounts | null = null;

  constructor(options: DetailViewOptions) {
    find('detail-close', HTMLButtonElement).addEventListener('click', options.close);
    find('detail-trace', HTMLButtonElement).addEventListener('click', () => {
      const first = this.#entry?.rows[0];
      if (first !== undefined) options.trace(destinationOf(first));
    });
    this.#panel.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') options.close();
    });
  }

  get service(): string | null {
    return this.#entry?.service ?? null;
  }

  /** Shows a Service; null closes. The focus goes to its name. */
  open(entry: ServiceEntry | null, counts: ServiceCounts | null): void {
    this.#entry = entry;
    this.#gone = false;
    this.#counts = counts;
    this.#endpoints = 'Reading the endpoints \u2026';
    this.#panel.hidden = entry === null;
    if (entry === null) return;
    this.#heading.textContent = entry.service;
    this.#draw();
    this.#heading.focus();
    void this.#ask(entry.service);
  }

  /** Its rows changed: so may have its endpoints. Null: it is gone. */
  update(entry: ServiceEntry | null): void {
    if (this.#entry === null) return;
    this.#gone = entry === null;
    this.#entry = entry ?? this.#entry;
    this.#draw();
    if (entry === null) return;
    void this.#ask(entry.service);
  }

  updateCounts(counts: ServiceCounts | null): void {
    if (this.#entry === null || counts === this.#counts) return;
    this.#counts = counts;
    this.#draw();
  }

  async #ask(service: string): Promise<void> {
    let endpoints: readonly EndpointAnswer[] | string;
    try {
      const answer = await fetch(`../endpoints/use?service=${encodeURIComponent(service)}`);
      const { endpoints: found } = (await answer.json()) as { readonly endpoints: readonly EndpointAnswer[] };
      endpoints = found;
    } catch {
      endpoints = 'The agent does not answer for the endpoints.';
    }
    // Another Service may have been opened meanwhile.
    if (this.#entry?.service !== service) return;
    this.#endpoints = endpoints;
    this.#draw();
  }

  #draw(): void {
    const entry = this.#entry;
    if (entry === null) return;
    if (this.#gone) {
      this.#body.replaceChildren(element('p', {}, 'This Service is gone: it has no frontends any more.'));
      return;
    }
    this.#body.replaceChildren(
      element('h3', {}, formatNumberOf(entry.rows.length, 'frontend')),
      this.#frontends(entry.rows),
      ...this.#backends(),
      ...this.#connections(),
    );
  }

  #frontends(rows: readonly StatusRow[]): HTMLElement {
    const cells = rows.map((row): readonly Child[] => [
      stateMark(stateKinds[row.state], row.state),
      row.kind,
      element('code', {}, formatFrontend(row)),
      portNameOf(row) || '\u2013',
      row.verdict,
      formatCount(row.backends),
      formatMoment(row.since),
    ]);
    const refused = rows.filter(({ reason }) => reason !== '');
    const reasons = [...new Set(refused.map(({ code, reason }) => `${code}: ${reason}`))];
    const headings = ['State', 'Kind', 'Frontend', 'Port', 'Verdict', 'Back ends ', 'Since'];
    return element(
      'div',
      {},
      table('Frontends', headings, cells),
      ...reasons.map((reason) => element('p', { class: 'bad-text' }, reason)),
    );
  }

  #connections(): readonly HTMLElement[] {
    if (this.#counts === null) return [];
    const { active, inactive, persistent, perSecond, endpoints } = this.#counts;
    const rate = formatRate(perSecond);
    const words = [
      `${formatCount(active)} active${rate === '' ? '' : ` (${rate})`}`,
      `${formatCount(inactive)} inactive`,
      formatNumberOf(persistent, 'remembered client'),
    ].join(', ');
    return [
      element('h3', {}, 'Connections'),
      element('p', { class: 'connections' }, `Now: ${words}`),
      element('p', { class: 'connections' }, `In a second: ${describeTraffic(this.#counts.traffic)}`),
      ...(endpoints.length === 0 ? [] : [countTable(endpoints)]),
    ];
  }

  #backends(): readonly HTMLElement[] {
    if (typeof this.#endpoints === 'string')
      return [element('h3', {}, 'Endpoints'), element('p', { class: 'quiet' }, this.#endpoints)];
    const heading = element('h3', {}, formatNumberOf(this.#endpoints.length, 'endpoint'));
    if (this.#endpoints.length === 0)
      return [heading, element('p', { class: 'quiet' }, 'No EndpointSlice of this Service has any.')];
    const cells = this.#endpoints.map((one): readonly Child[] => {
      const { kind, words } = describeEndpoint(one);
      const place = formatPlace(one.address, one.port);
      return [
        stateMark(kind, words),
        element('code', {}, `${place}/${one.protocol}`),
        one.portName || '\u2013',
        `${one.node ?? 'no node'}${one.local ? ' (this)' : ''}`,
        describePart(one.inside),
        describePart(one.outside),
      ];
    });
    const headings = ['State', 'Endpoint', 'Port', 'Node', 'ClusterIP', 'Outside'];
    return [heading, table('Endpoints', headings, cells)];
  }
}

/** Endpoints as virtual servers have them: also those that left and serve the connections they have. */
function countTable(endpoints: ServiceCounts['endpoints']): HTMLElement {
  const cells = endpoints.map(({ endpoint, active, inactive, traffic, draining }): readonly Child[] => [
    element('span', {}, element('code', {}, endpoint), draining ? ' draining' : ''),
    formatCount(active),
    formatCount(inactive),
    ...(traffic ?? [null, null, null, null, null]).map(formatAmount),
  ]);
  const headings = ['Endpoint', 'Active ', 'Inactive ', 'New/s ', 'Packets/s in ', 'out ', 'Octets/s in ', 'out '];
  return table('Connections of endpoints', headings, cells);
}

/** What the trace is asked about: an address that every packet has, or the Service's name where there is a node port alone. */
function destinationOf({ address, port, protocol, service }: StatusRow): string {
  return address === '*' ? `${service}/${protocol}` : `${formatPlace(address, port)}/${protocol}`;
}
