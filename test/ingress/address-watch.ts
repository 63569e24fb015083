import type { ApiServer } from '../api-server/api-server.ts';
import type { ApiObject } from '../api-server/history.ts';

/**
 * Follows the Services of a server through a watch, which tells of every change in its order, and keeps account of who shows
 * which address.
 */
export class AddressWatch implements AsyncDisposable {
  /** What should never be: an address of two Services at once. */
  readonly duplicates: string[] = [];
  readonly #holders = new Map<string, string>();
  readonly #shown = new Map<string, readonly string[]>();
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  /** Times that a Service got an address. */
  given = 0;

  async open(server: ApiServer): Promise<void> {
    const response = await fetch(`${server.url}/api/v1/services?watch=true`, { signal: this.#stop.signal });
    this.#running = this.#read(response).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #read(response: Response): Promise<void> {
    let rest = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      const lines = `${rest}${decoder.decode(chunk, { stream: true })}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#take(JSON.parse(line) as { type: string; object: ApiObject });
    }
  }

  #take({ type, object }: { readonly type: string; readonly object: ApiObject }): void {
    const key = `${object.metadata.namespace}/${object.metadata.name}`;
    for (const address of this.#shown.get(key) ?? []) this.#holders.delete(address);
    this.#shown.delete(key);
    if (type === 'DELETED') return;
    const addresses = addressesOf(object);
    for (const address of addresses) {
      const holder = this.#holders.get(address);
      if (holder !== undefined) this.duplicates.push(`${address} is of ${holder} and of ${key}`);
      this.#holders.set(address, key);
    }
    if (addresses.length > 0) this.given += 1;
    this.#shown.set(key, addresses);
  }
}

export function addressesOf(object: ApiObject): readonly string[] {
  const status = object['status'] as { loadBalancer?: { ingress?: readonly { ip: string }[] } } | undefined;
  return (status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip);
}
