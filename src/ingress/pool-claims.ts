import type { Address, ServiceKey } from '../model/mod.ts';
import { maySharePool } from './pool-service.ts';
import type { PoolService } from './pool-service.ts';

interface Claim {
  readonly key: ServiceKey;
  /** Null: a Service that is no more, or of which nothing else is known. */
  readonly service: PoolService | null;
}

/** Who claims which address. */
export class ClaimBook {
  readonly #claims = new Map<Address, Claim[]>();

  claim(address: Address, key: ServiceKey, service: PoolService | null): void {
    const claims = this.#claims.get(address);
    if (claims === undefined) this.#claims.set(address, [{ key, service }]);
    else claims.push({ key, service });
  }

  /** The Service that keeps this one from having the address, or null. */
  obstacle(address: Address, wanting: PoolService): ServiceKey | null {
    const found = this.#claims.get(address)?.find((claim) => !isCompatible(claim, wanting, address));
    return found?.key ?? null;
  }
}

function isCompatible({ service }: Claim, wanting: PoolService, address: Address): boolean {
  if (service === null) return false;
  return service.uid === wanting.uid || (service.ours && maySharePool(service, wanting, address));
}
