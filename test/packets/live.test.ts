import { describeLiveChanges } from './live-suite.ts';
import { iptablesVariants, nftablesVariant } from './variant.ts';

for (const variant of [...iptablesVariants, nftablesVariant()]) describeLiveChanges(variant);
