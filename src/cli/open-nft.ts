import type { EffectiveConfig } from '../config/mod.ts';
import { succeed } from '../model/mod.ts';
import type { Outcome, Pause } from '../model/mod.ts';
import { createExecNftPort, openNetlinkNftPort } from '../nftables/mod.ts';
import type { NftPort } from '../nftables/mod.ts';

/** The way to nf_tables that the configuration chooses. */
export async function openNft(driver: EffectiveConfig['nftablesDriver'], pause: Pause): Promise<Outcome<NftPort>> {
  return driver === 'netlink' ? await openNetlinkNftPort({ pause }) : succeed(createExecNftPort());
}
