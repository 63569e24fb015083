import { describeWhere } from '../lab/describe-lab.ts';
import { canMakeNamespaces } from '../lab/mod.ts';
import { describeFailOver } from './fail-over-suite.ts';

describeWhere(await canMakeNamespaces(), 'announced addresses in iptables mode, with two agents', () => {
  describeFailOver({ config: { mode: 'iptables' }, flags: [] });
});
